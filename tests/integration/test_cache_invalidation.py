"""Changes that could not be announced, and changes of other regions: how long what was cached before is shown."""

import pytest

from chalicelib.cache.cached_values import CONFIG, GUILDS, MODES, Item
from chalicelib.errors import Unavailable
from tests.cached_regions import Region, Source, region

__all__ = ["region"]

ITEM = Item(CONFIG, "economy")


def test_a_change_nobody_could_announce_shows_when_the_mark_is_over(region: Region) -> None:
    """The writer can't reach Redis, the reader can."""
    reader, source, cut_off = region.reader(), Source([1]), region.invalidation(region.unreachable())
    item = Item(GUILDS, "ranked 50")
    reader.cached(item, source)
    source.value = [2]
    cut_off.changed("guild")
    assert (region.complaints, region.epochs.renewals["guild"]) == (["guild"], 1)
    region.forget_mark("guilds")
    assert reader.cached(item, source) == [2]


def test_a_change_whose_epoch_is_in_its_transaction_needs_no_announcement(region: Region) -> None:
    """Its writer died right after the commit, or a failover brought the dropped values back."""
    reader, source = region.reader(), Source([1])
    item = Item(MODES, "enabled")
    reader.cached(item, source)
    source.value = [2]
    region.epochs.renew("game_mode")
    region.forget_mark("modes")
    assert [reader.cached(item, source) for _ in range(3)] == [[2]] * 3
    assert source.loads == 2


def test_the_epoch_is_asked_for_no_more_than_once_in_its_time(region: Region) -> None:
    reader, source = region.reader(), Source()
    for _ in range(50):
        reader.cached(ITEM, source)
    assert region.epochs.asked == 1
    region.forget_mark("config")
    for _ in range(50):
        reader.cached(ITEM, source)
    assert (region.epochs.asked, source.loads) == (2, 1)


def test_a_change_of_another_region_drops_what_it_makes_untrue(region: Region) -> None:
    reader, invalidation = region.reader(), region.invalidation()
    modes, guilds = Source([1]), Source([1])
    for item, source in ((Item(MODES, "enabled"), modes), (Item(GUILDS, "ranked 50"), guilds)):
        reader.cached(item, source)
    invalidation.replicated("game_mode", "0123456789abcdef01234567")
    assert region.epochs.renewals == {"game_mode": 1}
    invalidation.replicated("battle", "request-1")
    for item, source in ((Item(MODES, "enabled"), modes), (Item(GUILDS, "ranked 50"), guilds)):
        reader.cached(item, source)
    assert (modes.loads, guilds.loads) == (2, 1)
    region.epochs.down = True
    with pytest.raises(Unavailable):
        invalidation.replicated("game_mode", "0123456789abcdef01234567")
    invalidation.replicated("guild", "0123456789abcdef01234567")
    region.epochs.down = False
    reader.cached(Item(GUILDS, "ranked 50"), guilds)
    assert guilds.loads == 2
    assert region.complaints == ["game_mode 0123456789abcdef01234567"]
