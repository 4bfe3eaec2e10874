"""Warming: what it loads, what it leaves alone, and what it is good for in the minute after."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib import wiring
from chalicelib.cache.cached_values import CACHES, LEAGUES, PAGES
from chalicelib.cache.warming import WarmingReport
from chalicelib.clock import ManualClock
from chalicelib.entrypoints import scheduled
from chalicelib.errors import Unavailable
from chalicelib.monitoring.families import CACHE_LOOKUPS
from chalicelib.monitoring.registry import parse_series
from localcloud.ports import free_ports
from tests.environments import Environment, Environments, environments
from tests.http_arena import SCHEDULED
from tests.installed import Fixed
from tests.rankings import random_players
from tests.redis_doors import client_of, forget
from tests.request_mix import requests
from tests.waiting import looks

PLAYERS = 60
PER_SECOND, MINUTE = 8.0, 60.0
HIT_RATE_MIN = 0.75


@pytest.fixture
def region(mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock) -> Iterator[Environments]:
    with environments(mongo_uri, database, clock) as made:
        yield made


def always() -> bool:
    return True


def lookups(arena: wiring.Arena) -> Counter[tuple[str, str]]:
    """Reads so far, by cache and result."""
    found: Counter[tuple[str, str]] = Counter()
    for key, count in arena.meters.registry.values().items():
        series = parse_series(key)
        if series is not None and series.family == CACHE_LOOKUPS:
            cache, result = series.labels
            found[cache, result] += count
    return found


def warmed(environment: Environment, url: str, prefix: str) -> WarmingReport:
    """By it; done again where some of it may have ended, by the server's clock, before it was kept."""
    for _ in looks(60):
        began = time.monotonic()
        forget(url, prefix)
        report = environment.arena.cache_warming.run(always)
        keep(url, prefix)
        if time.monotonic() - began < PAGES.lifetime.kept_seconds:
            return report
    raise AssertionError("pages do not last until they are kept")


def keep(url: str, prefix: str) -> None:
    """What is stored under ``prefix`` ends by the arena's clock alone: pages go after ten of the server's seconds."""
    client = client_of(url)
    for key in list(client.scan_iter(f"{prefix}*")):
        client.persist(key)
    client.close()


def test_what_is_warm_is_left_alone_until_it_would_end_too_soon(
    region: Environments, valkey_url: str, database: Database[dict[str, Any]], clock: ManualClock
) -> None:
    """The second run loads nothing; five minutes later everything is loaded anew before it ends."""
    warmer, reader = region.open(valkey_url), region.open(valkey_url)
    first = warmed(warmer, valkey_url, f"{database.name}:")
    assert (first.cache, first.failed, first.left) == ("ok", (), ())
    for url in ("/api/game-modes", "/api/comms/config", "/api/realms", "/api/guilds/list", "/api/leaderboard?by=neur"):
        assert reader.as_player("GET", url).status == 200
    found = lookups(reader.arena)
    assert {cache for cache, result in found if result == "hit"} == {"modes", "config", "realms", "guilds", "pages"}
    assert not [cache for cache, result in found if result != "hit"]
    again = warmer.arena.cache_warming.run(always)
    lasting = {cache.name for cache in CACHES if cache.lifetime.ttl_seconds > 330}
    assert (again.failed, again.left) == ((), ())
    assert again.kept >= len(lasting) - len([LEAGUES])
    clock.advance(300)
    later = warmer.arena.cache_warming.run(always)
    assert later.loaded >= first.loaded - 1
    clock.advance(299)
    assert reader.as_player("GET", "/api/game-modes").status == 200
    assert lookups(reader.arena)["modes", "miss"] == 0


def test_a_run_stops_when_its_time_is_over_or_redis_is_away(region: Environments, valkey_url: str) -> None:
    arena = region.open(valkey_url).arena
    steps = iter([True, True, False])
    report = arena.cache_warming.run(lambda: next(steps, False))
    assert len(report.left) > 5
    assert "page score" in report.left
    cut_off = region.open(f"redis://127.0.0.1:{free_ports(1)[0]}", wiring.Arena).arena
    report = cut_off.cache_warming.run(always)
    assert (report.cache, report.loaded) == ("away", 0)
    assert len(report.left) > 5
    assert region.open().arena.cache_warming.run(always) == WarmingReport(cache="absent")


def test_what_fails_is_named_and_the_rest_is_warmed(region: Environments, valkey_url: str) -> None:
    arena = region.open(valkey_url).arena
    arena.__dict__["guild_documents"] = FailingGuilds()
    report = arena.cache_warming.run(always)
    assert report.failed == ("guilds 50", "guilds 200")
    assert report.left == ()


class FailingGuilds:
    """Guilds whose collection can't be read."""

    def ranked(self, limit: int) -> list[dict[str, Any]]:
        raise Unavailable("database_unavailable", f"not even {limit}")


def test_the_schedule_says_what_it_did(region: Environments, valkey_url: str) -> None:
    for url, cache in ((valkey_url, "ok"), ("", "absent")):
        wiring.install(Fixed(region.open(url).arena))
        report = scheduled.cache_warming(SCHEDULED, None)
        assert (report["cache"], report["failed"]) == (cache, ())
    wiring.install(None)


def played(place: Environment, clock: ManualClock, seed: int) -> Counter[tuple[str, str]]:
    """A minute of players in one environment; reads of caches by result."""
    brokers: dict[int, str] = {}
    answered: Counter[int] = Counter()
    before, passed = lookups(place.arena), 0.0
    for number, asked in enumerate(requests(seed, per_second=PER_SECOND, seconds=MINUTE, players=PLAYERS)):
        clock.advance(asked.at - passed)
        passed = asked.at
        who, body = 10_000 + asked.player, None
        if asked.method == "POST":
            if asked.player not in brokers:
                brokers[asked.player] = place.as_player("POST", "/api/brokers/starter", {}, who).data["_id"]
            body = {"requestId": f"{seed}-{number}", "brokerId": brokers[asked.player]}
        answered[place.as_player(asked.method, asked.url, body, who).status] += 1
    print(f"{sum(answered.values())} requests, by status {dict(answered)}")
    assert not [status for status in answered if status >= 500]
    return lookups(place.arena) - before


def hit_rate(found: Counter[tuple[str, str]]) -> float:
    return sum(count for (_, result), count in found.items() if result == "hit") / max(1, sum(found.values()))


def test_hit_rate_of_the_first_minute_after_warming(
    region: Environments, valkey_url: str, database: Database[dict[str, Any]], clock: ManualClock
) -> None:
    """A seeded mix of requests (``tests/request_mix.py``) on a real Valkey, one fake minute, after a warm-up and
    without one. Whoever has just fought is shown no older page: such reads are misses."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    database["users"].insert_many(random_players(random.Random(seed), 500, clock()))
    rates = {}
    for name in ("cold", "warm"):
        forget(valkey_url, f"{database.name}:")
        place = region.open(valkey_url)
        if name == "warm":
            report = place.arena.cache_warming.run(always)
            print(f"warmed {report.loaded} values")
        found = played(place, clock, seed)
        rates[name] = hit_rate(found)
        by_cache = {
            cache: hit_rate(Counter({key: n for key, n in found.items() if key[0] == cache})) for cache, _ in found
        }
        print(f"{name}: hit rate {rates[name]:.3f} of {sum(found.values())} reads;", end=" ")
        print(", ".join(f"{cache} {rate:.3f}" for cache, rate in sorted(by_cache.items())))
        clock.advance(3600)
    assert rates["warm"] >= HIT_RATE_MIN
    assert found["modes", "miss"] == found["config", "miss"] == 0 < found["modes", "hit"]
