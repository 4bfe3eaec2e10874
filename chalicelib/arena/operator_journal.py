"""What operators did that changes no document of the game: dead letters sent back, the cache warmed, a failover."""

from collections.abc import Mapping
from typing import Any

from chalicelib.arena.operator_actions import By, noted
from chalicelib.arena.operator_ports import OperatorSnapshot, OperatorStore
from chalicelib.arena.ports import Outcome
from chalicelib.clock import Clock


class OperatorJournal:
    """Adds rows to the record of operators' actions."""

    def __init__(self, store: OperatorStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def note(self, action: str, by: By, *, entity: str, entity_id: str, after: Mapping[str, Any]) -> None:
        """Before it is done: what was begun is on record, whatever becomes of it. Raises ``Unavailable``."""

        def work(_snapshot: OperatorSnapshot) -> Outcome[None]:
            row = noted(
                action,
                by,
                entity=entity,
                entity_id=entity_id,
                before=None,
                after=after,
                row_id=self._store.new_id(),
                now=self._clock(),
            )
            return Outcome(None, (row,))

        self._store.transact(work)
