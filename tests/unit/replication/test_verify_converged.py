"""Regions that converged by events, as the simulation plays them, are equal to ``verify``, too."""

import pytest

from chalicelib.clock import ManualClock
from chalicelib.replication.verify import Verifier
from tests.fakes.memory_region_books import MemoryRegionBooks
from tests.fakes.memory_store import MemoryCatalogue
from tests.simulation.history import History


@pytest.mark.parametrize("seed", range(40))
def test_it_finds_nothing_after_a_history(seed: int) -> None:
    """Whatever way things came: by conflicts, tombstones, early events, and players nobody had told of."""
    print(f"seed {seed}")
    history = History(seed)
    history.run()
    books = []
    for name, region in history.regions.items():
        clock = ManualClock(region.clock())
        books.append(MemoryRegionBooks(name, region.database, MemoryCatalogue(region.database), clock))
    report = Verifier(books, clock, lambda _: None).run(repair=False)
    assert [one.shown() for one in report.differences] == []
    assert report.blocked == []
