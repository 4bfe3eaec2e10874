"""The tables of what is cached agree with each other and with what is said about them."""

import pytest

from chalicelib.arena import economy_admin, game_mode_admin, guild_service
from chalicelib.cache import cached_guilds, cached_pages, warming
from chalicelib.cache.cached_values import (
    CACHES,
    COLLECTIONS,
    CONFIG,
    DURABLE,
    GUILDS,
    INVALIDATES,
    MARK_SECONDS,
    MODES,
    PAGES,
    Cache,
)
from chalicelib.entrypoints.guilds import LISTED, LISTED_MAX, TOP
from chalicelib.entrypoints.leaderboards import DEFAULT_LIMIT


@pytest.mark.parametrize("cache", CACHES, ids=lambda cache: cache.name)
def test_each_cache_goes_with_its_entity_or_within_seconds(cache: Cache) -> None:
    holders = [entity for entity, caches in INVALIDATES.items() if cache in caches]
    assert holders == ([] if cache.entity is None else [cache.entity])
    if cache.entity is None and cache is PAGES:
        assert cache.lifetime.kept_seconds <= 10
    if cache.entity is None:
        assert cache.lifetime.kept_seconds <= 90


def test_names_are_unique_and_every_rule_has_a_collection() -> None:
    assert len({cache.name for cache in CACHES}) == len(CACHES)
    assert set(COLLECTIONS.values()) == set(INVALIDATES) >= DURABLE
    assert COLLECTIONS[game_mode_admin.COLLECTION] == "game_mode"
    assert COLLECTIONS[economy_admin.COLLECTION] == "economy_config"
    assert COLLECTIONS[guild_service.COLLECTION] == "guild"


def test_what_is_kept_long_may_be_stale_for_a_moment_only() -> None:
    """Whatever is kept longer than a minute and a half, a failure included, is of an entity with a durable epoch."""
    for cache in CACHES:
        assert cache.lifetime.kept_seconds <= 90 or cache.entity in DURABLE
    assert MARK_SECONDS <= 5


def test_warming_keeps_what_operators_publish_from_ending_between_two_runs() -> None:
    for cache in (MODES, CONFIG):
        assert cache.lifetime.ttl_seconds * (1 - cache.lifetime.jitter) > warming.AHEAD_SECONDS > 300


def test_lists_asked_for_by_default_are_those_that_are_kept() -> None:
    assert {LISTED, TOP, LISTED_MAX} == set(cached_guilds.LENGTHS)
    assert set(warming.GUILDS) == {LISTED, TOP}
    assert DEFAULT_LIMIT == warming.ROWS in cached_pages.LENGTHS
    assert len(cached_guilds.LENGTHS) <= GUILDS.names_max
    assert len(cached_pages.LENGTHS) <= PAGES.names_max
