"""A process whose threads all read one cached value at once. Run by test_read_through."""

import threading
import time
from multiprocessing.connection import Connection

from chalicelib.cache.cached_values import CONFIG, Item
from chalicelib.cache.door import DoorLimits, RedisDoor
from chalicelib.cache.read_through import ReadThrough
from chalicelib.cache.stored_values import StoredValues
from chalicelib.clock import system_clock
from tests.fakes.memory_epochs import MemoryEpochs

ITEM = Item(CONFIG, "economy")
LOAD_SECONDS = 0.15
LEASE_MS = 20_000
"""Whoever loads may be held up by a busy machine, and would then be taken for frozen."""
WIDE = DoorLimits(budget_seconds=10.0, connections_per_node=4)


def read_at_once(urls: list[str], cluster: bool, database: str, threads: int, parent: Connection) -> None:
    """Says that it is ready, waits for the word, reads once in each thread and tells what was read, and its loads."""
    door = RedisDoor.from_urls(urls, cluster=cluster, limits=WIDE)
    stored = StoredValues(door, database, lease_ms=LEASE_MS)
    reads = ReadThrough(stored, MemoryEpochs(), system_clock, wait_seconds=LEASE_MS / 1000)
    loads: list[int] = []
    read: list[object] = []

    def load() -> dict[str, int]:
        loads.append(1)
        time.sleep(LOAD_SECONDS)
        return {"answer": 42}

    start = threading.Barrier(threads, timeout=60)

    def one() -> None:
        start.wait()
        read.append(reads.cached(ITEM, load))

    door.ping()
    parent.send("ready")
    parent.recv()
    workers = [threading.Thread(target=one) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    door.close()
    parent.send((read, len(loads)))
