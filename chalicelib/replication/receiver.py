"""Takes other regions' events from the queue or from HTTP: verified, applied together, and what can't be is said.

A message that can never be applied goes to the dead letters at once, with the reason; so does one that failed again
after ``RETRIES``. What waits for another event comes again for as long as that may be under way, and while our own
database is away everything comes again: that is no fault of the events.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from chalicelib.arena.battle_jobs import reason_text
from chalicelib.arena.battle_queue_ports import MessageQueue
from chalicelib.clock import Clock
from chalicelib.errors import ArenaError, BadRequest, Forbidden, PayloadTooLarge, Unauthorized, Unavailable
from chalicelib.replication.applying import AppliedEvent, TooOld, decide
from chalicelib.replication.conversion import FromJson, event_of, moment_of
from chalicelib.replication.envelope import Envelope, MalformedEnvelope, from_wire
from chalicelib.replication.ports import Event, ReplicaStore
from chalicelib.replication.signing import Keyring

RETRIES: Final = 3
RETRY_SECONDS: Final = 5
"""Times the attempt: the guide's."""
RETRY_SECONDS_MAX: Final = 60
EARLY_SECONDS: Final = 1
"""Until an early event is tried first, then twice as long each time: what it waits for is mostly a message away."""
EARLY: Final = timedelta(minutes=10)
"""An event this young may wait for one that is still under way, however often it has come."""
EVENTS_MAX: Final = 10
"""Of one message, or of one request."""
TOGETHER: Final = 50
"""Events of one transaction."""
FRESH: Final = timedelta(minutes=5)
"""How far ``sentAt`` may be from now, by HTTP."""

_POISON: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What a payload that makes no sense is noticed by."""

Fate = Literal["applied", "duplicate", "again", "dead"]


class UnknownSource(Forbidden):
    """Not from a region this one hears of."""


class PoisonPayload(BadRequest):
    """Signed by a region, and yet it can't be applied."""


class StaleEnvelope(Unauthorized):
    """Sent too long ago, or in the future."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as the queue delivers it."""

    body: str
    message_id: str
    receives: int
    """How often it has been delivered, this time included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of one event."""

    fate: Fate
    event_id: str = ""
    source: str = ""
    """Of an envelope that was believed; empty for any other."""
    request_id: str = ""
    """Of the request that made the event, in its region."""
    correlation_id: str = ""
    """By which logs know it, there and here; as sent."""
    reason: str = ""
    """Why it comes again, or is dead."""
    lag_seconds: float | None = None
    """From commit to application, by the two regions' clocks."""
    again_seconds: int = 0
    """Of one that comes again: when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Believed:
    envelope: Envelope
    event: Event


@dataclass(slots=True, kw_only=True)
class _Item:
    """One event of a message."""

    delivery: Delivery
    part: tuple[Any] | None = None
    """The envelope as it came, of a message that holds several."""
    believed: _Believed | None = None
    result: Received | None = None

    def body(self) -> str:
        """What is buried if it is dead."""
        return self.delivery.body if self.part is None else json.dumps(self.part[0])


class Receiver:
    """``sources``: the regions that are believed. ``from_json``: see ``conversion``."""

    def __init__(
        self,
        store: ReplicaStore,
        keyring: Keyring,
        sources: Collection[str],
        clock: Clock,
        *,
        from_json: FromJson,
        counted: Callable[[Received], None] = lambda _received: None,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._sources = frozenset(sources)
        self._clock = clock
        self._from_json = from_json
        self._counted = counted

    def posted(self, envelopes: Sequence[Any]) -> list[Received]:
        """Decoded JSON that came by HTTP, all of it or nothing: applied, duplicate, or again for what was early.

        Raises the refusal of the first that can't be applied, and ``Unavailable``.
        """
        now = self._clock()
        believed = []
        for found in envelopes:
            envelope = self._verified(found)
            if abs(moment_of("sentAt", envelope.sent_at) - now) > FRESH:
                raise StaleEnvelope("stale", f"sent more than {FRESH.total_seconds():.0f} s from now: sign it anew")
            believed.append(self._understood(envelope))
        try:
            applied = self._apply(believed)
        except TooOld as error:
            raise BadRequest("too_old", str(error)) from error
        except _POISON as error:
            raise PoisonPayload("poison_payload", f"can't be applied: {type(error).__name__}") from error
        results = [self._result(one, done, 1) for one, done in zip(believed, applied, strict=True)]
        for result in results:
            self._counted(result)
        return results

    def delivered(
        self,
        deliveries: Sequence[Delivery],
        dead_letters: MessageQueue,
        go_on: Callable[[], bool] = lambda: True,
    ) -> dict[str, list[Received]]:
        """What became of the events of each message, by message id; the dead are in ``dead_letters``.

        A message comes again as a whole when any of its events does, and buries its dead when none does any more.
        ``go_on`` is asked before each event that has to be applied by itself; those left come again at once.
        """
        items = [item for delivery in deliveries for item in self._opened(delivery)]
        believed = [item for item in items if item.believed is not None]
        for start in range(0, len(believed), TOGETHER):
            self._settle(believed[start : start + TOGETHER], go_on)
        results: dict[str, list[Received]] = {}
        for delivery in deliveries:
            found = [item for item in items if item.delivery is delivery]
            results[delivery.message_id] = self._buried(found, dead_letters)
        for received in results.values():
            for one in received:
                self._counted(one)
        return results

    def _opened(self, delivery: Delivery) -> list[_Item]:
        try:
            found = _decoded(delivery.body)
            envelopes = several(found)
        except ArenaError as error:
            return [_Item(delivery=delivery, result=_refused(error))]
        if envelopes is None:
            return [self._opened_item(_Item(delivery=delivery), found)]
        return [self._opened_item(_Item(delivery=delivery, part=(envelope,)), envelope) for envelope in envelopes]

    def _opened_item(self, item: _Item, found: Any) -> _Item:
        try:
            item.believed = self._understood(self._verified(found))
        except ArenaError as error:
            item.result = _refused(error)
        return item

    def _verified(self, found: Any) -> Envelope:
        """Raises ``MalformedEnvelope``, ``UnsupportedFormat``, ``UnknownSource``, ``UnknownKey``, ``BadSignature``."""
        try:
            envelope = from_wire(found)
            if envelope.source_region not in self._sources:
                raise UnknownSource("unknown_source", "the source is no region this one hears of")
            self._keyring.verify(envelope)
        except (RecursionError, UnicodeError) as error:
            raise MalformedEnvelope("malformed_envelope", f"no canonical form: {type(error).__name__}") from error
        return envelope

    def _understood(self, envelope: Envelope) -> _Believed:
        """Raises ``MalformedEnvelope``, ``PoisonPayload``."""
        try:
            return _Believed(envelope=envelope, event=event_of(envelope, self._from_json))
        except _POISON as error:
            raise PoisonPayload("poison_payload", f"illegible: {type(error).__name__}: {error}") from error

    def _apply(self, believed: Sequence[_Believed]) -> list[AppliedEvent]:
        if not believed:
            return []
        events = [one.event for one in believed]
        return self._store.transact(lambda snapshot: decide(events, snapshot, self._clock()))

    def _settle(self, items: Sequence[_Item], go_on: Callable[[], bool]) -> None:
        """In one transaction; if that fails, each event by itself."""
        batch = [item.believed for item in items if item.believed is not None]
        try:
            done = self._apply(batch)
        except Exception as error:  # noqa: BLE001 - whichever event it was, the others are to be applied
            if _is_away(error) or len(items) == 1:
                for item, one in zip(items, batch, strict=True):
                    item.result = self._failed(item.delivery, one, error)
                return
        else:
            for item, one, applied in zip(items, batch, done, strict=True):
                item.result = self._result(one, applied, item.delivery.receives)
            return
        for item, one in zip(items, batch, strict=True):
            if go_on():
                self._settle([item], go_on)
            else:
                item.result = self._told(one, "again", reason="out of time")

    def _buried(self, items: Sequence[_Item], dead_letters: MessageQueue) -> list[Received]:
        """The results of one message's events."""
        results = [item.result for item in items if item.result is not None]
        again = max((one.again_seconds for one in results if one.fate == "again"), default=None)
        if again is not None:
            return [replace(one, fate="again", again_seconds=again) if one.fate == "dead" else one for one in results]
        return [
            self._bury(item, result, dead_letters) if result.fate == "dead" else result
            for item, result in zip(items, results, strict=True)
        ]

    def _result(self, one: _Believed, applied: AppliedEvent, receives: int) -> Received:
        if applied.fate != "early":
            return self._told(one, applied.fate, lag_seconds=applied.lag_seconds)
        reason = "early: what it changes is not known here yet"
        if receives > RETRIES and self._age(one.event.occurred_at) > EARLY:
            return self._told(one, "dead", reason=reason)
        return self._told(one, "again", reason=reason, again_seconds=_early_delay(receives))

    def _failed(self, delivery: Delivery, one: _Believed, error: Exception) -> Received:
        if isinstance(error, TooOld):
            return self._told(one, "dead", reason=f"too_old: {error}")
        if isinstance(error, _POISON):
            return self._told(one, "dead", reason=f"poison_payload: {type(error).__name__}: {error}")
        # A driver's own words may hold documents.
        reason = f"{error.code}: {error}" if isinstance(error, ArenaError) else type(error).__name__
        if delivery.receives > RETRIES and not isinstance(error, Unavailable):
            return self._told(one, "dead", reason=reason)
        return self._told(one, "again", reason=reason, again_seconds=_delay(delivery.receives))

    def _told(self, one: _Believed, fate: Fate, **more: Any) -> Received:
        return Received(
            fate=fate,
            event_id=one.envelope.event_id,
            source=one.envelope.source_region,
            request_id=_text(one.envelope, "requestId"),
            correlation_id=_text(one.envelope, "correlationId"),
            **more,
        )

    def _bury(self, item: _Item, result: Received, dead_letters: MessageQueue) -> Received:
        delivery, reason = item.delivery, reason_text(result.reason)
        attributes = {
            "reason": reason,
            "attempts": str(delivery.receives),
            "sourceMessageId": delivery.message_id,
        }
        try:
            dead_letters.send(item.body(), attributes=attributes)
        except Unavailable as error:
            reason = f"not buried, {error.code}: {reason}"
            return replace(result, fate="again", reason=reason, again_seconds=_delay(delivery.receives))
        return result

    def _age(self, moment: datetime) -> timedelta:
        return self._clock() - moment


def several(found: Any) -> list[Any] | None:
    """The envelopes in ``{"events": […]}``; None for what is no such thing.

    Raises ``MalformedEnvelope``, and ``PayloadTooLarge`` for more than ``EVENTS_MAX``.
    """
    if not isinstance(found, dict) or "events" not in found:
        return None
    events = found["events"]
    if not isinstance(events, list) or not events:
        raise MalformedEnvelope("malformed_envelope", "events: must be a list of envelopes")
    if len(events) > EVENTS_MAX:
        raise PayloadTooLarge("too_many_events", f"{len(events)} events; at most {EVENTS_MAX}")
    return events


def _text(envelope: Envelope, name: str) -> str:
    """A text of the payload; empty where there is none."""
    found = envelope.payload.get(name)
    return found if isinstance(found, str) else ""


def _refused(error: ArenaError) -> Received:
    return Received(fate="dead", reason=f"{error.code}: {error.message}")


def _decoded(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedEnvelope("malformed_envelope", "no JSON") from error


def _is_away(error: Exception) -> bool:
    """Whether trying the events one by one would fail likewise."""
    return isinstance(error, Unavailable) and error.code != "busy"


def _delay(receives: int) -> int:
    return min(RETRY_SECONDS * receives, RETRY_SECONDS_MAX)


def _early_delay(receives: int) -> int:
    # What it is doubled bounded, too: a message may come hundreds of times.
    return min(EARLY_SECONDS << min(receives - 1, RETRY_SECONDS_MAX), RETRY_SECONDS_MAX)
