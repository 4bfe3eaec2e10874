"""Sends committed events to the regions that wait for them.

Each region has a thread of its own: one that fails, or does not answer, holds up nobody. A publisher stays for a while
after the last event, so that what is committed meanwhile needs nobody to wake it; and as long as another region keeps
it, it goes on with the rest.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.battle_queue_ports import MessageQueue, OutgoingMessage
from chalicelib.arena.ports import Document
from chalicelib.clock import Clock
from chalicelib.errors import ArenaError
from chalicelib.replication.conversion import ToJson, envelope_of
from chalicelib.replication.outbox_ports import Outbox
from chalicelib.replication.signing import Keyring

MESSAGE_EVENTS: Final = 10
"""Events that travel together: a receiver applies what it gets at once in one transaction."""
BATCH_MESSAGES: Final = 10
BATCH_BYTES: Final = 256 * 1024
"""What SQS takes in one call, and so the largest message."""
CLAIM_EVENTS: Final = 200
SENDERS: Final = 4
"""Calls to one region at a time: it may be a quarter of a second away."""
LINGER_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.1

TOO_LARGE: Final = "too_large"
_STOPPED: Final = "stopped"
_AROUND: Final = 16
"""At most what stands around an event in a message of several, bytes by event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of one region's events in a run."""

    sent: int = 0
    set_aside: int = 0
    failure: str = ""
    """Why the run ended early for this region; what was claimed comes again."""
    correlation_ids: tuple[str, ...] = ()
    """Of the events a claim sent, each once; a run does not gather them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    event_id: Any
    text: str
    """ASCII, so its length is its size."""
    correlation_id: str


class Publisher:
    """``queues`` are the regions'; ``pause`` waits for seconds; ``counted`` hears of what each claim came to."""

    def __init__(
        self,
        outbox: Outbox,
        queues: Mapping[str, MessageQueue],
        keyring: Keyring,
        clock: Clock,
        *,
        to_json: ToJson,
        monotonic: Callable[[], float],
        pause: Callable[[float], None],
        counted: Callable[[str, Published], None] = lambda _region, _published: None,
    ) -> None:
        self._outbox = outbox
        self._queues = queues
        self._keyring = keyring
        self._clock = clock
        self._to_json = to_json
        self._monotonic = monotonic
        self._pause = pause
        self._counted = counted

    def run(self, go_on: Callable[[], bool], linger_seconds: float = LINGER_SECONDS) -> dict[str, Published]:
        """Sends until nothing came for ``linger_seconds``, or ``go_on`` says no; what it did, by region."""
        if not self._queues:
            return {}
        working = _Working(self._queues)
        with ThreadPoolExecutor(len(self._queues)) as regions:
            # Each thread with the caller's context: what it logs has the run's id.
            running = {
                region: regions.submit(copy_context().run, self._publish, region, working, go_on, linger_seconds)
                for region in self._queues
            }
        return {region: done.result() for region, done in running.items()}

    def _publish(self, region: str, working: "_Working", go_on: Callable[[], bool], linger_seconds: float) -> Published:
        sent = set_aside = 0
        last = self._monotonic()
        try:
            with ThreadPoolExecutor(SENDERS) as senders:
                while go_on():
                    claimed = self._outbox.claim(region, self._clock(), CLAIM_EVENTS)
                    if claimed:
                        working.begins(region)
                        done = self._send(region, claimed, senders)
                        sent, set_aside = sent + done.sent, set_aside + done.set_aside
                        self._counted(region, done)
                        if done.failure:
                            return Published(sent=sent, set_aside=set_aside, failure=done.failure)
                        last = self._monotonic()
                        continue
                    working.ends(region)
                    if self._monotonic() - last >= linger_seconds and not working.anybody():
                        break
                    self._pause(POLL_SECONDS)
        except ArenaError as error:
            return Published(sent=sent, set_aside=set_aside, failure=error.code)
        finally:
            working.ends(region)
        return Published(sent=sent, set_aside=set_aside)

    def _send(self, region: str, claimed: Sequence[Document], senders: ThreadPoolExecutor) -> Published:
        events, faults = self._signed(claimed)
        now = self._clock()
        if faults:
            self._outbox.set_aside(region, faults, now)
        failures: list[str] = []
        sent = 0
        ids = {event.event_id: event.correlation_id for event in events}
        correlation_ids: dict[str, None] = {}
        stop = threading.Event()
        for taken, failure in senders.map(lambda batch: self._send_batch(region, batch, stop), _batches(events)):
            # As they come: what is known to be sent is not sent again when a later batch takes long.
            self._outbox.sent(region, taken, now)
            sent += len(taken)
            correlation_ids |= dict.fromkeys(ids[event_id] for event_id in taken if ids[event_id])
            failures += [failure] if failure and failure != _STOPPED else []
        return Published(
            sent=sent,
            set_aside=len(faults),
            failure=failures[0] if failures else "",
            correlation_ids=tuple(correlation_ids),
        )

    def _send_batch(self, region: str, batch: Sequence[_Signed], stop: threading.Event) -> tuple[list[Any], str]:
        """Ids of what the queue took, and why it did not take the rest. The first that fails stops the others."""
        if stop.is_set():
            return [], _STOPPED
        outgoing = [(events, OutgoingMessage(_body(events))) for events in _grouped(batch)]
        try:
            refused = self._queues[region].send_batch([message for _, message in outgoing])
        except ArenaError as error:
            stop.set()
            return [], error.code
        taken = [event.event_id for events, message in outgoing if message not in refused for event in events]
        return taken, "refused" if refused else ""

    def _signed(self, claimed: Sequence[Document]) -> tuple[list[_Signed], dict[Any, str]]:
        """What can be sent, and what can't, with its fault."""
        events, faults, now = [], {}, self._clock()
        for event in claimed:
            try:
                envelope = self._keyring.sign(envelope_of(event, sent_at=now, to_json=self._to_json))
            except (ArenaError, ValueError, TypeError, LookupError) as error:
                faults[event["_id"]] = f"unsendable: {type(error).__name__}: {error}"
                continue
            # ASCII: SQS refuses some characters, and escapes are none of the signature's business.
            text = json.dumps(envelope.wire(), separators=(",", ":"))
            if len(text) > BATCH_BYTES:
                faults[event["_id"]] = TOO_LARGE
            else:
                correlation_id = event.get("correlationId", "")
                events.append(_Signed(event_id=event["_id"], text=text, correlation_id=correlation_id))
        return events, faults


def _batches(events: Sequence[_Signed]) -> Iterator[list[_Signed]]:
    """What one call takes."""
    batch: list[_Signed] = []
    size = 0
    for event in events:
        length = len(event.text) + _AROUND
        if batch and (len(batch) == BATCH_MESSAGES * MESSAGE_EVENTS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch


def _grouped(batch: Sequence[_Signed]) -> Iterator[Sequence[_Signed]]:
    for start in range(0, len(batch), MESSAGE_EVENTS):
        yield batch[start : start + MESSAGE_EVENTS]


def _body(events: Sequence[_Signed]) -> str:
    """One envelope, or several as the HTTP route takes them."""
    if len(events) == 1:
        return events[0].text
    return f'{{"events":[{",".join(event.text for event in events)}]}}'


class _Working:
    """Regions whose threads have something to send."""

    def __init__(self, regions: Mapping[str, object]) -> None:
        self._lock = threading.Lock()
        # Nobody knows yet that there is nothing.
        self._busy = set(regions)

    def begins(self, region: str) -> None:
        with self._lock:
            self._busy.add(region)

    def ends(self, region: str) -> None:
        with self._lock:
            self._busy.discard(region)

    def anybody(self) -> bool:
        with self._lock:
            return bool(self._busy)
