"""Game modes under operators' hands.

A mode is never removed: deleting marks it (``deletedAt``) and disables it. Its key stays on the marked document, so
that seeding does not bring a default mode back; creating a mode of that key later begins the document anew.
"""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.arena.modes import LEAGUES
from chalicelib.arena.operator_actions import By, recorded
from chalicelib.arena.operator_ports import OperatorQueries, OperatorSnapshot, OperatorStore
from chalicelib.arena.ports import Document, Insert, Outcome, Update, Write
from chalicelib.clock import Clock
from chalicelib.errors import BadRequest, Conflict, NotFound

COLLECTION: Final = "gamemodes"

MODE_DEFAULTS: Final[Mapping[str, Any]] = {
    "description": "",
    "enabled": True,
    "league": LEAGUES[0].name,
    "energyCost": LEAGUES[0].energy_cost,
    "cooldownSeconds": LEAGUES[0].cooldown_seconds,
    "entryNeurCost": 0,
    "entryAibaCost": 0,
    "rewardMultiplierAiba": 1,
    "rewardMultiplierNeur": 1,
    "rules": {},
}
"""What a new mode has where nothing is said; key, name and arena must be said."""


class GameModeAdmin:
    """Lists, creates, changes and deletes game modes. Battles see a change with their next read."""

    def __init__(self, store: OperatorStore, queries: OperatorQueries, clock: Clock) -> None:
        self._store = store
        self._queries = queries
        self._clock = clock

    def modes(
        self, *, arena: str | None = None, league: str | None = None, enabled: bool | None = None
    ) -> list[Document]:
        """All modes but deleted ones, by arena, league, key."""
        return self._queries.modes(arena=arena, league=league, enabled=enabled)

    def create(self, fields: Mapping[str, Any], by: By) -> Document:
        """A new mode of ``fields`` and the defaults. Raises ``Conflict("key already taken")``."""

        def work(snapshot: OperatorSnapshot) -> Outcome[Document]:
            now = self._clock()
            earlier = snapshot.mode_of_key(fields["key"])
            if earlier is not None and earlier.get("deletedAt") is None:
                raise Conflict("key already taken", details={"key": fields["key"]})
            begin = {**MODE_DEFAULTS, **fields, "createdAt": now, "updatedAt": now, "__v": 0}
            mode = {"_id": self._store.new_id() if earlier is None else earlier["_id"], **begin}
            write: Write = Insert(COLLECTION, (mode,))
            if earlier is not None:
                facts = {"_id": earlier["_id"], "deletedAt": earlier["deletedAt"]}
                write = Update(COLLECTION, facts, {"$set": begin, "$unset": {"deletedAt": ""}})
            return self._changed("game_mode.create", by, write, before=earlier, after=mode)

        return self._store.transact(work)

    def change(self, mode_id: str, fields: Mapping[str, Any], resets: frozenset[str], by: By) -> Document:
        """The mode with ``fields`` changed and those named in ``resets`` back at their defaults.

        Raises ``BadRequest("no valid fields to update")`` and ``NotFound("game mode not found")``.
        """
        changes = {**fields, **{name: MODE_DEFAULTS[name] for name in resets}}
        if not changes:
            raise BadRequest("no valid fields to update")

        def work(snapshot: OperatorSnapshot) -> Outcome[Document]:
            before = self._found(snapshot, mode_id)
            sets = {**changes, "updatedAt": self._clock()}
            write = Update(COLLECTION, {"_id": before["_id"], "deletedAt": None}, {"$set": sets})
            return self._changed("game_mode.change", by, write, before=before, after={**before, **sets})

        return self._store.transact(work)

    def delete(self, mode_id: str, by: By) -> Document:
        """The deleted mode's key and the time. Raises ``NotFound("game mode not found")``."""

        def work(snapshot: OperatorSnapshot) -> Outcome[Document]:
            before, now = self._found(snapshot, mode_id), self._clock()
            sets = {"enabled": False, "deletedAt": now, "updatedAt": now}
            write = Update(COLLECTION, {"_id": before["_id"], "deletedAt": None}, {"$set": sets})
            return self._changed("game_mode.delete", by, write, before=before, after={**before, **sets})

        return self._store.transact(work)

    def _found(self, snapshot: OperatorSnapshot, mode_id: str) -> Document:
        mode = snapshot.mode(mode_id)
        if mode is None:
            raise NotFound("game mode not found")
        return mode

    def _changed(
        self, action: str, by: By, write: Write, *, before: Document | None, after: Document
    ) -> Outcome[Document]:
        record = recorded(
            action,
            by,
            entity="game_mode",
            entity_id=str(after["_id"]),
            before=before,
            after=after,
            ids=(self._store.new_id(), self._store.new_id()),
            now=after["updatedAt"],
        )
        return Outcome(after, (write, *record))
