"""The economy under operators' hands: its settings, and the ledger of everyone."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.arena.economy_config import DEFAULTS, config_value
from chalicelib.arena.operator_actions import By, recorded
from chalicelib.arena.operator_ports import OperatorQueries, OperatorSnapshot, OperatorStore
from chalicelib.arena.ports import Document, Insert, Outcome, Update, Write
from chalicelib.clock import Clock
from chalicelib.errors import BadRequest

COLLECTION: Final = "economyconfigs"


class EconomyAdmin:
    """Reads and changes the settings; reads the ledger. Battles see a change with their next read."""

    def __init__(self, store: OperatorStore, queries: OperatorQueries, clock: Clock) -> None:
        self._store = store
        self._queries = queries
        self._clock = clock

    def settings(self) -> Document:
        """Every setting by name, as it is in force: stored, or else the default."""
        return in_force(self._queries.economy_config())

    def change(self, fields: Mapping[str, Any], resets: frozenset[str], by: By) -> Document:
        """The settings in force after ``fields`` are stored and those named in ``resets`` are back at their defaults.

        Raises ``BadRequest("no valid fields to update")``.
        """
        changes = {**fields, **{name: DEFAULTS[name] for name in resets}}
        if not changes:
            raise BadRequest("no valid fields to update")

        def work(snapshot: OperatorSnapshot) -> Outcome[Document]:
            before, now = snapshot.economy_config(), self._clock()
            sets = {**changes, "updatedAt": now}
            if before is None:
                after = {"_id": self._store.config_id(), **DEFAULTS, "createdAt": now, "__v": 0, **sets}
                write: Write = Insert(COLLECTION, (after,))
            else:
                after = {**before, **sets}
                write = Update(COLLECTION, {"_id": before["_id"]}, {"$set": sets})
            record = recorded(
                "economy_config.change",
                by,
                entity="economy_config",
                entity_id=str(after["_id"]),
                before=before,
                after=after,
                ids=(self._store.new_id(), self._store.new_id()),
                now=now,
            )
            return Outcome(in_force(after), (write, *record))

        return self._store.transact(work)

    def ledger(self, telegram_id: str | None, limit: int) -> list[Document]:
        """Ledger rows, newest first; of one player where given."""
        return self._queries.ledger(telegram_id, limit)

    def actions(self, limit: int) -> list[Document]:
        """What operators changed, newest first."""
        return self._queries.actions(limit)


def in_force(config: Mapping[str, Any]) -> Document:
    """Every setting of the economyconfigs document ``config``, completed by defaults."""
    return {name: config_value(config, name) for name in DEFAULTS}
