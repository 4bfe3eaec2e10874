"""A lock that four processes fight for, with pauses beyond its term and jumping clocks, while Redis comes and goes."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.sharedctypes import Synchronized
from typing import cast

import pytest
import redis
from pymongo.database import Database

from chalicelib.arena.ports import Document
from localcloud.drill import Drill
from localcloud.ports import free_ports
from localcloud.valkey import Valkey
from tests.children import fork_server
from tests.integration.lock_child import LOCK, PROTECTED, Contender, contend
from tests.servers import supervised

ACQUISITIONS = 1000
WITHOUT_END = 2**31 - 1
PROCESSES = 4
PATIENCE_SECONDS = 120.0


@pytest.fixture
def valkey() -> Iterator[tuple[Valkey, Drill]]:
    """A server that may be killed."""
    with supervised() as (_, state):
        valkey = Valkey(free_ports(1)[0])
        with Drill(state, [valkey.server(state)]) as drill:
            yield valkey, drill


def wait_until(taken: "Synchronized[int]", count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while taken.value < count:
        assert time.monotonic() < deadline, f"{taken.value} acquisitions, and no end"
        time.sleep(0.01)


def test_every_accepted_write_has_a_higher_number_than_the_one_before(
    valkey: tuple[Valkey, Drill], database: Database[Document], mongo_uri: str
) -> None:
    """And none is lost; with Redis flushed, killed and started again on the way."""
    server, drill = valkey
    seed = random.randrange(2**32)
    database[PROTECTED].insert_one({"_id": LOCK, "value": 0, "accepted": []})
    context = fork_server()
    taken = cast("Synchronized[int]", context.Value("i", 0))
    # Of those at the end, none before Redis is back: how long it takes to start is the machine's affair.
    goal = cast("Synchronized[int]", context.Value("i", WITHOUT_END))
    children, reports = [], []
    for number in range(PROCESSES):
        receiver, sender = context.Pipe(duplex=False)
        contender = Contender(mongo_uri, database.name, server.uri, f"{seed}-{number}")
        child = context.Process(target=contend, args=(contender, taken, goal, sender), daemon=True)
        child.start()
        sender.close()
        children.append(child)
        reports.append(receiver)

    wait_until(taken, ACQUISITIONS * 3 // 10)
    with redis.Redis(port=server.port) as client:
        client.flushall()
    wait_until(taken, ACQUISITIONS * 5 // 10)
    drill.kill("valkey")
    wait_until(taken, ACQUISITIONS * 7 // 10)
    drill.start("valkey")
    goal.value = taken.value + ACQUISITIONS * 3 // 10
    seen = sum((report.recv() for report in reports), Counter[str]())
    for child in children:
        child.join(PATIENCE_SECONDS)

    stored = database[PROTECTED].find_one({"_id": LOCK})
    assert stored is not None
    counts = ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))
    print(f"seed {seed}: {taken.value} acquisitions: {counts}")
    accepted = stored["accepted"]
    assert all(earlier < later for earlier, later in itertools.pairwise(accepted))
    assert stored["value"] == len(accepted) == seen["accepted"]
    assert taken.value >= ACQUISITIONS
    assert seen["refused"], "nobody was late: the test shows nothing"
    for what in ("exclusive", "on the fence alone", "exclusive again"):
        assert seen[what], f"none {what}: Redis did not go and come"
