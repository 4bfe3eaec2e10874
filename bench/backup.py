"""How fast a database is backed up and restored, beside bare copies of it: ``python -m bench.backup``.

A played arena on a one-node replica set of this machine, backed up into a directory by a process of its own, as a
function would, and restored into an empty database with everything a restoration does: each object read twice, all
documents read back, indexes made.
"""

import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import psutil
from pymongo import MongoClient
from pymongo.database import Database

from bench.measure import Report, json_option
from chalicelib.backup.taking import PART_BYTES
from chalicelib.data.indexes import INDEXES, ensure_indexes
from chalicelib.data.snapshots import BATCH_DOCUMENTS
from chalicelib.entrypoints.backups import BACKUP_SECONDS
from infra.object_directory import DirectoryObjects
from tests.backup_worlds import BackedUp
from tests.regions_apart import content
from tests.servers import replica_set

BATCH = 2_000
DATABASE = "bench"
LOOK_SECONDS = 0.005


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fill(database: Database[Any], battles: int) -> None:
    ensure_indexes(database)
    for name, documents in content(random.Random(1), players=max(10, battles // 10), battles=battles).items():
        for start in range(0, len(documents), BATCH):
            database[name].insert_many(documents[start : start + BATCH], ordered=False)


def read(database: Database[Any]) -> None:
    """Every document, undecoded, in the order a backup has them in."""
    for name in database.list_collection_names():
        for _ in database[name].find_raw_batches(sort=[("_id", 1)], batch_size=BATCH):
            pass


def copy(database: Database[Any], other: Database[Any]) -> None:
    """As one would write it in five lines."""
    for name in database.list_collection_names():
        batch: list[Any] = []
        for document in database[name].find():
            batch.append(document)
            if len(batch) == BATCH:
                other[name].insert_many(batch, ordered=False)
                batch = []
        if batch:
            other[name].insert_many(batch, ordered=False)


def opened(uri: str, directory: str) -> BackedUp:
    return BackedUp(
        uri, DATABASE, DirectoryObjects(Path(directory)), part_bytes=PART_BYTES, batch=BATCH_DOCUMENTS, indexes=INDEXES
    )


def back_up(uri: str, directory: str) -> tuple[float, float, float]:
    """Seconds, MB of memory before, at most."""
    site = opened(uri, directory)
    site.pools.ping(5)
    memory = Memory()
    taken = seconds(site.take)
    site.close()
    return taken, memory.before, memory.most()


class Memory:
    """How much this process uses, MB, looked at every few milliseconds."""

    def __init__(self) -> None:
        self.before = self._most = self._now()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()

    def most(self) -> float:
        self._over.set()
        self._watch.join()
        return self._most

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._most = max(self._most, self._now())

    def _now(self) -> float:
        return psutil.Process().memory_info().rss / 1e6


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--battles", default=40_000, show_default=True, help="Four documents each, about.")
@json_option
def main(battles: int, json_file: Path | None) -> None:
    """Print what a backup and a restoration take."""
    report = Report("backup", {"battles": battles})
    context = multiprocessing.get_context("spawn")
    with replica_set(1) as uri, tempfile.TemporaryDirectory(prefix="arena-bench-") as directory:
        client: MongoClient[Any] = MongoClient(uri, tz_aware=True)
        fill(client[DATABASE], battles)
        read(client[DATABASE])
        reading = seconds(lambda: read(client[DATABASE]))
        with context.Pool(1) as pool:
            taking, before, most = pool.apply(back_up, (uri, directory))
        site = opened(uri, directory)
        manifest = site.shelf.manifest(site.shelf.names()[0])
        copying = seconds(lambda: copy(client[DATABASE], client["copied"]))
        checking = seconds(lambda: site.shelf.check(manifest))
        restoring = seconds(lambda: site.restore(manifest, "restored"))
        site.close()
        client.close()
    documents, megabytes = manifest.documents, manifest.bytes / 1e6
    report.figure("documents", documents)
    report.figure("documents' size", megabytes, "MB")
    report.figure(f"stored in {len(manifest.keys)} objects", manifest.stored / 1e6, "MB")
    read_alone = report.row("reading alone", [[reading]], "s")
    copied = report.row("a bare copy by cursor", [[copying]], "s")
    for what, taken, beside in (
        ("backup", taking, read_alone),
        ("verify", checking, read_alone),
        ("restore", restoring, copied),
    ):
        report.row(what, [[taken]], "s", beside=beside)
        report.figure("  MB a second", megabytes / taken)
        report.figure("  documents a second", documents / taken)
    report.figure("memory of the process that took it, before", before, "MB")
    report.figure("  at most", most, "MB")
    report.figure(f"in the {BACKUP_SECONDS:.0f} s of a run, about", megabytes / taking * BACKUP_SECONDS / 1000, "GB")
    report.write(json_file)


if __name__ == "__main__":
    main()
