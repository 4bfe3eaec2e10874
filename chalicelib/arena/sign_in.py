"""Who is calling: Telegram initData, or the development headers where settings allow them."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from chalicelib.arena.initdata import Identity, profile_of, verify
from chalicelib.arena.moments import as_moment
from chalicelib.arena.ports import PlayerQueries
from chalicelib.clock import Clock
from chalicelib.errors import Unauthorized
from chalicelib.settings import Settings

SEEN_INTERVAL: Final = timedelta(minutes=5)
"""How stale lastSeenAt may get: within it an unchanged profile is not written again."""

SEEN_CAPACITY: Final = 4096


class SignIn:
    """Identifies the caller and keeps the stored profile current."""

    def __init__(self, settings: Settings, players: PlayerQueries, clock: Clock) -> None:
        self._settings = settings
        self._players = players
        self._clock = clock
        self._seen: OrderedDict[str, tuple[datetime, Mapping[str, Any]]] = OrderedDict()
        self._lock = Lock()

    def identify(self, *, init_data: object, claimed_id: str = "", claimed_username: str = "") -> Identity:
        """The verified caller, whose player document exists afterwards.

        ``init_data`` is what the client sent, of any type. ``claimed_id`` and ``claimed_username`` (the
        x-telegram-id and x-telegram-username headers) count only in development. Raises ``Unauthorized``
        with the game's codes.
        """
        now = self._clock()
        if self._settings.header_auth and not init_data:
            identity = self._claimed(claimed_id.strip(), claimed_username.strip())
        else:
            identity = verify(
                init_data if isinstance(init_data, str) else "",
                self._settings.bot_token,
                now=now,
                max_age_seconds=self._settings.initdata_max_age_seconds,
            )
        if self._due(identity, now):
            seen_at = self._noted(identity, now)
            if seen_at is None:
                self._players.upsert_player(identity.telegram_id, identity.profile, now)
            self._remember(identity, seen_at or now)
        return identity

    def _claimed(self, telegram_id: str, username: str) -> Identity:
        if telegram_id:
            return _local(telegram_id, username)
        if self._settings.app_env == "test":
            raise Unauthorized("telegram auth required")
        return _local("local-dev", "local")

    def _due(self, identity: Identity, now: datetime) -> bool:
        with self._lock:
            seen = self._seen.get(identity.telegram_id)
        return seen is None or now - seen[0] >= SEEN_INTERVAL or seen[1] != identity.profile

    def _noted(self, identity: Identity, now: datetime) -> datetime | None:
        """When another environment last noted the player, profile and all; None if that is too long ago.

        A player is served by many environments, and reading costs a fraction of a write that a majority has to keep.
        """
        player = self._players.player(identity.telegram_id) or {}
        seen_at = as_moment(player.get("lastSeenAt"))
        if seen_at is None or now - seen_at >= SEEN_INTERVAL:
            return None
        same = all(name in player and player[name] == value for name, value in identity.profile.items())
        return seen_at if same else None

    def _remember(self, identity: Identity, seen_at: datetime) -> None:
        with self._lock:
            self._seen[identity.telegram_id] = (seen_at, identity.profile)
            self._seen.move_to_end(identity.telegram_id)
            if len(self._seen) > SEEN_CAPACITY:
                self._seen.popitem(last=False)


def _local(telegram_id: str, username: str) -> Identity:
    return Identity(telegram_id, profile_of({"username": username}))
