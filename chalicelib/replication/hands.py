"""A region's hand (``failover.RegionHand``) for another region, by signed HTTP: the answering side. Pure.

On AWS a region's functions reach their own database only, so whoever carries out a failover asks the other regions to
do their part. A question names the operation, its arguments and the region it is for; all of it is signed. What may
be asked is exactly what a hand can do. Repeating any of it changes nothing: a role is written once per epoch, an
event applied once.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, Final

from chalicelib.clock import Clock
from chalicelib.errors import BadRequest
from chalicelib.replication.conversion import FromJson, ToJson, stored_event
from chalicelib.replication.draining import RegionHand
from chalicelib.replication.questions import verified
from chalicelib.replication.signing import Keyring

ENTITY: Final = "hand"
FRESH: Final = timedelta(seconds=60)
"""How old a question may be. Narrower than events': it is asked by somebody who waits for the answer."""
IDS_MAX: Final = 5000
EVENTS_MAX: Final = 20
"""Read for one answer, or applied for one: an event has at most 256 KB, an answer 6 MB."""
EPOCH_MAX: Final = 1 << 53
RUN_CHARACTERS_MAX: Final = 64

EVENT_FIELDS: Final = ("_id", "region", "version", "occurredAt", "changes")
"""Of an outbox document, what makes it an event."""

Arguments = Mapping[str, Any]


def asked(operation: str, region: str, arguments: Arguments, to_json: ToJson) -> dict[str, Any]:
    """The question: ``operation`` with ``arguments``, for ``region``."""
    return {"operation": operation, "region": region, "arguments": to_json(dict(arguments))}


class Handing:
    """Lends ``hand`` to the regions in ``sources``. ``regions`` are all there are."""

    def __init__(
        self,
        hand: RegionHand,
        keyring: Keyring,
        *,
        sources: Collection[str],
        regions: Collection[str],
        clock: Clock,
        to_json: ToJson,
        from_json: FromJson,
    ) -> None:
        self._hand = hand
        self._keyring = keyring
        self._sources = frozenset(sources)
        self._regions = frozenset(regions)
        self._clock = clock
        self._to_json = to_json
        self._from_json = from_json
        self._operations: Mapping[str, Callable[[Arguments], Any]] = {
            "roles": lambda _: self._hand.roles(),
            "write_role": self._write_role,
            "told": self._told,
            "events": self._events,
            "lacking": lambda given: sorted(self._hand.lacking(_ids(given, IDS_MAX))),
            "apply": self._apply,
        }

    def answer(self, found: Any) -> tuple[str, dict[str, Any]]:
        """The operation and its result, to decoded JSON. Raises its refusal, and ``Unavailable``."""
        now = self._clock()
        envelope = verified(found, keyring=self._keyring, sources=self._sources, now=now, fresh=FRESH)
        ask = envelope.payload.get("ask")
        if envelope.entity != ENTITY or not isinstance(ask, Mapping) or ask.get("operation") not in self._operations:
            operations = ", ".join(self._operations)
            raise BadRequest("malformed_question", f"asks nothing; payload.ask.operation: one of {operations}")
        operation = str(ask["operation"])
        if ask.get("region") != self._hand.name:
            raise BadRequest("malformed_question", "payload.ask.region: is for another region")
        try:
            arguments = self._from_json(ask["arguments"])
            return operation, {"result": self._to_json(self._operations[operation](arguments))}
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BadRequest("malformed_question", f"can't be answered: {type(error).__name__}") from error

    def _write_role(self, given: Arguments) -> bool:
        region, served_by, epoch, run = given["region"], given["servedBy"], given["epoch"], given["run"]
        if region not in self._regions or (served_by is not None and served_by not in self._regions):
            raise BadRequest("malformed_question", "region, servedBy: one of the arena's regions")
        if not isinstance(epoch, int) or isinstance(epoch, bool) or not 0 < epoch < EPOCH_MAX:
            raise BadRequest("malformed_question", "epoch: a whole number from 1")
        if not isinstance(run, str) or not 0 < len(run) <= RUN_CHARACTERS_MAX:
            raise BadRequest("malformed_question", f"run: text of 1 to {RUN_CHARACTERS_MAX} characters")
        return self._hand.write_role(region, served_by, epoch, run, given["at"])

    def _told(self, given: Arguments) -> list[Any]:
        limit = given["limit"]
        if not isinstance(limit, int) or not 0 < limit <= IDS_MAX:
            raise BadRequest("malformed_question", f"limit: 1 to {IDS_MAX}")
        return self._hand.told(given["after"], limit)

    def _events(self, given: Arguments) -> list[dict[str, Any]]:
        rows = self._hand.events(_ids(given, EVENTS_MAX))
        return [{name: row[name] for name in EVENT_FIELDS if name in row} for row in rows]

    def _apply(self, given: Arguments) -> list[Any]:
        rows = given["events"]
        if not isinstance(rows, list) or len(rows) > EVENTS_MAX:
            raise BadRequest("malformed_question", f"events: at most {EVENTS_MAX}")
        return self._hand.apply([stored_event(row) for row in rows])


def _ids(given: Arguments, most: int) -> list[Any]:
    ids = given["ids"]
    if not isinstance(ids, list) or len(ids) > most:
        raise BadRequest("malformed_question", f"ids: at most {most}")
    return ids
