"""Sign-in: development headers only where allowed, and few profile writes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.arena.initdata import sign
from chalicelib.arena.ports import Update
from chalicelib.arena.sign_in import SignIn
from chalicelib.clock import ManualClock
from chalicelib.errors import Unauthorized
from chalicelib.settings import load
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_store import MemoryPlayers, MemoryStore
from tests.unit.test_settings import DEVELOPMENT

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class CountingPlayers(MemoryPlayers):
    """Players in memory that count the profile writes."""

    def __init__(self) -> None:
        database = MemoryDatabase()
        super().__init__(database, MemoryStore(database))
        self.writes = 0

    def set_last_seen(self, moment: datetime | None) -> None:
        self._database.commit([Update("users", {"telegramId": "777"}, {"$set": {"lastSeenAt": moment}})])

    def upsert_player(self, telegram_id: str, profile: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        self.writes += 1
        return super().upsert_player(telegram_id, profile, now)


def sign_in(clock: ManualClock, players: MemoryPlayers | None = None, **environ: str) -> SignIn:
    return SignIn(load({**DEVELOPMENT, **environ}), players or CountingPlayers(), clock)


def init_data(username: str = "neo") -> str:
    fields = {"auth_date": str(int(NOON.timestamp())), "user": f'{{"id":777,"username":"{username}"}}'}
    return sign(fields, DEVELOPMENT["TELEGRAM_BOT_TOKEN"])


def test_claimed_headers_count_for_nothing_by_default() -> None:
    with pytest.raises(Unauthorized):
        sign_in(ManualClock(NOON)).identify(init_data="", claimed_id="777")


def test_claimed_headers_sign_in_where_allowed() -> None:
    desk = sign_in(ManualClock(NOON), ARENA_HEADER_AUTH="true")
    assert desk.identify(init_data=None, claimed_id=" 42 ", claimed_username="ada").telegram_id == "42"
    assert desk.identify(init_data=None).telegram_id == "local-dev"


def test_signed_init_data_is_verified_even_where_headers_are_allowed() -> None:
    desk = sign_in(ManualClock(NOON), ARENA_HEADER_AUTH="true")
    assert desk.identify(init_data=init_data(), claimed_id="42").telegram_id == "777"
    with pytest.raises(Unauthorized):
        desk.identify(init_data=init_data() + "0", claimed_id="42")


def test_the_test_environment_names_no_default_player() -> None:
    desk = sign_in(ManualClock(NOON), APP_ENV="test", ARENA_HEADER_AUTH="true")
    with pytest.raises(Unauthorized) as caught:
        desk.identify(init_data=None)
    assert caught.value.code == "telegram auth required"


@pytest.mark.parametrize("sent", [None, 42, ["x"], {"a": 1}])
def test_init_data_of_any_type_is_refused_with_the_games_code(sent: object) -> None:
    with pytest.raises(Unauthorized) as caught:
        sign_in(ManualClock(NOON)).identify(init_data=sent)
    assert (caught.value.code, caught.value.details) == ("telegram auth failed", "missing initData or botToken")


def test_an_unchanged_profile_is_written_every_five_minutes_a_changed_one_at_once() -> None:
    clock, players = ManualClock(NOON), CountingPlayers()
    desk = sign_in(clock, players)
    for _ in range(3):
        desk.identify(init_data=init_data())
    assert players.writes == 1
    desk.identify(init_data=init_data("trinity"))
    assert players.writes == 2
    clock.advance(300)
    desk.identify(init_data=init_data("trinity"))
    assert players.writes == 3


def test_what_another_environment_has_noted_is_not_written_again() -> None:
    """Its five minutes count from when it was noted, not from when this environment heard of it."""
    clock, players = ManualClock(NOON), CountingPlayers()
    sign_in(clock, players).identify(init_data=init_data())
    clock.advance(200)
    other = sign_in(clock, players)
    other.identify(init_data=init_data())
    clock.advance(99)
    other.identify(init_data=init_data())
    assert players.writes == 1
    clock.advance(1)
    other.identify(init_data=init_data())
    assert players.writes == 2
    sign_in(clock, players).identify(init_data=init_data("trinity"))
    assert players.writes == 3


def test_a_player_restored_without_a_moment_is_noted() -> None:
    """What lacks the field, or has something else in it, was never seen."""
    clock, players = ManualClock(NOON), CountingPlayers()
    sign_in(clock, players).identify(init_data=init_data())
    players.set_last_seen(None)
    sign_in(clock, players).identify(init_data=init_data())
    assert players.writes == 2
