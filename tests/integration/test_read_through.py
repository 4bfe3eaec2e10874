"""Reading through the cache, on a single Valkey and on a cluster: one load, nothing stale, Redis away."""

import math
import random
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chalicelib.arena.moments import epoch_ms
from chalicelib.cache.cached_values import CONFIG, LEAGUES, PAGES, Item
from chalicelib.cache.keys import CACHE_FOUGHT, CACHE_VALUES
from chalicelib.cache.packing import PACKED_MAX_CHARACTERS
from chalicelib.cache.read_through import PAUSE_SECONDS_MAX, SKEW_MS, ReadThrough
from chalicelib.errors import Unavailable
from tests.cached_regions import Region, Source, Timer, region
from tests.children import fork_server
from tests.integration.read_through_child import read_at_once

__all__ = ["region"]

ITEM = Item(CONFIG, "economy")
PROCESSES, THREADS = 4, 25
BUSY_SECONDS = 30.0


def test_a_hundred_misses_at_once_in_four_processes_load_once(region: Region) -> None:
    context = fork_server()
    parents = []
    for _ in range(PROCESSES):
        ours, theirs = context.Pipe()
        arguments = (region.urls, region.cluster, region.database, THREADS, theirs)
        context.Process(target=read_at_once, args=arguments, daemon=True).start()
        parents.append(ours)
    assert [parent.recv() for parent in parents] == ["ready"] * PROCESSES
    for parent in parents:
        parent.send("go")
    found = [parent.recv() for parent in parents]
    print(f"loads by process: {[loads for _, loads in found]}")
    assert sum(loads for _, loads in found) == 1
    assert [value for read, _ in found for value in read] == [{"answer": 42}] * PROCESSES * THREADS


def test_a_value_is_loaded_once_until_its_time_is_over(region: Region) -> None:
    source, one, another = Source(), region.reader(), region.reader()
    assert one.cached(ITEM, source) == another.cached(ITEM, source) == source.value
    region.clock.advance(CONFIG.lifetime.ttl_seconds - 1)
    another.cached(ITEM, source)
    assert (source.loads, region.told()) == (1, ["miss", "hit", "hit"])
    region.clock.advance(1)
    one.cached(ITEM, source)
    assert (source.loads, region.told()) == (2, ["miss"])


def test_that_there_is_no_such_thing_is_remembered_for_a_shorter_time(region: Region) -> None:
    source, reader = Source(False), region.reader()
    item = Item(LEAGUES, "bronze")
    assert [reader.cached(item, source) for _ in range(3)] == [False] * 3
    assert source.loads == 1
    region.clock.advance(LEAGUES.lifetime.absent_seconds)
    source.value = True
    assert reader.cached(item, source) is True
    assert source.loads == 2


def test_names_from_outside_fill_no_more_than_their_share(region: Region) -> None:
    """Beyond the limit they are loaded and not kept; those that are kept stay."""
    source, reader = Source(False), region.reader()
    for number in range(4 * LEAGUES.names_max):
        assert reader.cached(Item(LEAGUES, f"league {number}"), source) is False
    key = CACHE_VALUES.key(region.database, cache="leagues", part="")
    assert region.doors[0].execute("HLEN", key) <= 2 * LEAGUES.names_max + 1
    loads = source.loads
    reader.cached(Item(LEAGUES, "league 0"), source)
    assert source.loads == loads


def test_whoever_loads_early_or_late_keeps_nobody_waiting(region: Region) -> None:
    """Loading takes half a second. At a draw of 1/e it is due as long before the end; others get what there is, and
    so does the one whose early load fails."""
    timer, source = Timer(), Source({"version": 1})
    others = region.reader(monotonic=timer)
    eager = region.reader(draw=1 - 1 / math.e, monotonic=timer)
    seen: list[Any] = []

    def first() -> Any:
        timer.now += 0.5
        return source()

    def failing() -> Any:
        raise Unavailable("database_unavailable")

    def second() -> Any:
        seen.append(others.cached(ITEM, source))
        return {"version": 2}

    others.cached(ITEM, first)
    region.clock.advance(CONFIG.lifetime.ttl_seconds - 0.6)
    assert eager.cached(ITEM, failing) == {"version": 1}
    region.clock.advance(0.15)
    assert eager.cached(ITEM, failing) == {"version": 1}
    assert region.told() == ["miss", "hit", "miss"]
    region.clock.advance(0.45)
    assert eager.cached(ITEM, second) == {"version": 2}
    assert seen == [{"version": 1}]
    assert others.cached(ITEM, source) == {"version": 2}
    assert source.loads == 1


def test_a_value_loaded_before_an_invalidation_is_never_stored_after_it(region: Region) -> None:
    """However late it comes, and whoever has loaded meanwhile."""
    source, slow, quick, invalidation = Source(), region.reader(), region.reader(), region.invalidation()

    def overtaken(others_store: bool) -> Any:
        before = source()
        source.value = {"answer": 43}
        invalidation.changed("economy_config")
        if others_store:
            quick.cached(ITEM, source)
        return before

    for others_store in (False, True):
        source.value = {"answer": 42}
        invalidation.changed("economy_config")
        assert slow.cached(ITEM, partial(overtaken, others_store)) == {"answer": 42}
        assert quick.cached(ITEM, source) == {"answer": 43}


def test_readers_never_see_what_was_there_before_a_change_they_came_after(region: Region) -> None:
    """Six readers and two writers at random: an answer is no older than the last change whose invalidation was done
    when the question was asked."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    invalidation, lock = region.invalidation(), threading.Lock()
    stored = announced = 0
    wrong: list[str] = []
    began = time.monotonic()

    def going() -> bool:
        """For a second, and on a busy machine until there is something to see."""
        seconds = time.monotonic() - began
        return seconds < 1.0 or (seconds < BUSY_SECONDS and not (hits() > 50 < announced))

    def hits() -> int:
        return sum(result == "hit" for _, result in tuple(region.results))

    def write(draws: random.Random) -> None:
        nonlocal stored, announced
        while going():
            time.sleep(draws.random() * 0.004)
            with lock:
                stored += 1
                mine = stored
            invalidation.changed("economy_config")
            with lock:
                announced = max(announced, mine)

    def read(draws: random.Random, reader: ReadThrough) -> None:
        def load() -> int:
            found = stored
            time.sleep(draws.random() * 0.003)
            return found

        while going():
            with lock:
                least = announced
            found = reader.cached(ITEM, load)
            if found < least:
                wrong.append(f"{found} after {least}")

    door = region.door()
    readers = [(read, (random.Random(seed + n), region.reader(door))) for n in range(6)]
    writers = [(write, (random.Random(seed - n),)) for n in (1, 2)]
    threads = [threading.Thread(target=work, args=args) for work, args in [*readers, *writers]]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = region.told()
    print(f"{announced} changes, {len(told)} reads, {told.count('hit')} of them hits")
    assert wrong == []
    assert "degraded" not in told
    assert told.count("hit") > 50 < announced


def test_who_has_waited_long_enough_loads_alone_and_may_store(region: Region) -> None:
    """The holder of the lease is frozen. Its own value, when it comes after all, is as good."""
    timer = Timer()
    frozen, waiting = region.reader(), region.reader(wait_seconds=0.05, monotonic=timer, pause=timer.wait)
    source = Source({"by": "who waited"})

    def freezing() -> Any:
        assert waiting.cached(ITEM, source) == {"by": "who waited"}
        assert waiting.cached(ITEM, source) == {"by": "who waited"}
        return {"by": "who was frozen"}

    assert frozen.cached(ITEM, freezing) == {"by": "who was frozen"}
    assert source.loads == 1
    assert waiting.cached(ITEM, source) == {"by": "who was frozen"}
    assert 0.05 <= timer.now < 0.05 + PAUSE_SECONDS_MAX


def test_a_load_that_fails_lets_the_next_one_in_at_once(region: Region) -> None:
    reader, source = region.reader(wait_seconds=60.0), Source()

    def failing() -> Any:
        raise Unavailable("database_unavailable")

    for _ in range(2):
        with pytest.raises(Unavailable):
            reader.cached(ITEM, failing)
    assert reader.cached(ITEM, source) == source.value


def test_what_is_too_large_is_not_kept_and_nobody_waits_for_it(region: Region) -> None:
    source, reader = Source(random.Random(1).randbytes(PACKED_MAX_CHARACTERS)), region.reader(wait_seconds=60.0)
    nested = []

    def load() -> Any:
        nested.append(reader.cached(ITEM, source))
        return source()

    assert reader.cached(ITEM, source) == source.value
    assert reader.cached(ITEM, load) == source.value
    assert nested == [source.value]


def test_what_cannot_be_read_is_loaded_anew(region: Region) -> None:
    reader, source = region.reader(), Source()
    key = CACHE_VALUES.key(region.database, cache=CONFIG.name, part="")
    for text in ("1 value 0 1.0 99999999999999 99999999999999 - ???", "of another release", "0 value x y"):
        region.doors[0].execute("HSET", key, "value:economy", text)
        loads = source.loads
        assert [reader.cached(ITEM, source) for _ in range(2)] == [source.value] * 2
        assert source.loads == loads + 1


def test_whoever_has_fought_gets_what_was_loaded_after_that(region: Region) -> None:
    """And keeps it for the others; what was loaded too near to it does not count."""
    reader, source = region.reader(), Source([1])
    # Pages that do not end by the server's own clock meanwhile.
    lasting = replace(PAGES, lifetime=CONFIG.lifetime)
    item, mark = Item(lasting, "50", "all-time all score"), CACHE_FOUGHT.key(region.database, player="777")
    reader.cached(item, source, newer_than=mark)
    source.value = [2]
    assert reader.cached(item, source, newer_than=mark) == [1]
    region.doors[0].execute("SET", mark, epoch_ms(region.clock()), "PX", 600_000)
    assert reader.cached(item, source) == [1]
    region.clock.advance(0.001 * SKEW_MS)
    assert reader.cached(item, source, newer_than=mark) == [2]
    source.value = [3]
    region.clock.advance(0.001)
    assert reader.cached(item, source) == [2]
    assert [reader.cached(item, source, newer_than=mark) for _ in range(3)] == [[3]] * 3
    assert (source.loads, reader.cached(item, source)) == (3, [3])


def test_without_redis_everything_is_loaded_and_counted(region: Region) -> None:
    waits: list[float] = []
    reader, source = region.reader(region.unreachable(), pause=waits.append), Source()
    for _ in range(20):
        assert reader.cached(ITEM, source) == source.value
    assert (source.loads, region.told()) == (20, ["degraded"] * 20)
    assert waits == [], "nobody can be waited for"
