"""What one environment measures of itself, and when it tells its region.

Lambda freezes an environment as soon as its answer is sent, so there is no time "afterwards": what is counted is told
at the end of a unit of work, by the unit that finds the last telling ``FLUSH_SECONDS`` ago, in one round trip. An
environment that dies takes with it what it had not told, at most what it did in those seconds.
"""

import contextlib
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from chalicelib.clock import Clock
from chalicelib.monitoring.cache_meter import CacheMeter
from chalicelib.monitoring.families import HTTP_REQUESTS, PROCESSING_LATENCY
from chalicelib.monitoring.figures import Counted, Figures, counted
from chalicelib.monitoring.machine import Machine, machine_now
from chalicelib.monitoring.outgoing import Outgoing
from chalicelib.monitoring.registry import SEPARATOR, Registry, Values
from chalicelib.monitoring.reports import FLUSH_SECONDS, Flush, InstanceReport, SharedMetrics
from chalicelib.monitoring.usage import MEGABYTE, Identity, Usage, cpu_share, memory_share, process_usage

if TYPE_CHECKING:
    from chalicelib.monitoring.ports import Meter

WINDOW_SECONDS_MIN: Final = 1.0
"""Averages over less would say more of the moment than of the environment."""
RETRY_SECONDS_MAX: Final = 60.0
"""After failures in a row, the time between tries doubles up to this."""
PLAYERS_MAX: Final = 10_000
"""Different players counted in one window; more are not told apart."""

OWN_PREFIX: Final = PROCESSING_LATENCY + SEPARATOR


class _Activity:
    """Units of work since the environment began, and those at hand."""

    def __init__(self, at: float) -> None:
        self.finished = 0
        self.in_flight = 0
        self.busy_seconds = 0.0
        """The sum of all units' times; of those at hand, up to ``at``."""
        self.at = at

    def moved(self, now: float, change: int) -> None:
        self.busy_seconds += self.in_flight * (now - self.at)
        self.at = now
        self.in_flight += change
        if change < 0:
            self.finished -= change


class _Mark(NamedTuple):
    """Where a window begins."""

    at: float
    usage: Usage
    finished: int
    busy_seconds: float
    counted: Counted = Counted()
    machine: Machine | None = None
    """None before the first report: a cold start has no time to ask."""


class Work:
    """A unit of work that has begun."""

    def __init__(self, meters: "Meters", started: float) -> None:
        self._meters = meters
        self._started = started

    @property
    def meter(self) -> "Meter":
        return self._meters.registry

    def answered(self, route: str, status: int) -> None:
        """It was a request: to ``route`` (method and template), answered with HTTP ``status``."""
        self.meter.count(HTTP_REQUESTS, route=route, status=f"{status // 100}xx")
        self.done(route)

    def done(self, operation: str) -> None:
        """To be called once, when nothing but telling is left to do."""
        self._meters.finished(operation, self._started)


class Meters:
    """An environment's registry, activity and reports. ``shared`` gives the region's state when it is first needed;
    None = nothing is told. ``failed`` is told why a flush did not succeed, once until one does."""

    def __init__(
        self,
        identity: Identity,
        shared: Callable[[], SharedMetrics] | None,
        clock: Clock,
        monotonic: Callable[[], float],
        *,
        failed: Callable[[Exception], None],
        usage: Callable[[], Usage] = process_usage,
        machine: Callable[[], Machine] = machine_now,
    ) -> None:
        self.registry = Registry()
        self.cache = CacheMeter(self.registry)
        self._identity = identity
        self._shared = shared
        self._clock = clock
        self._monotonic = monotonic
        self._failed = failed
        self._usage = usage
        self._machine = machine
        self._players: set[int] = set()
        self._outgoing = Outgoing()
        self._activity = _Activity(monotonic())
        self._lock = Lock()
        self._telling = Lock()
        self._failures = 0
        self._due = self._activity.at
        self._mark = _Mark(self._activity.at, usage(), 0, 0.0)

    @property
    def instance(self) -> str:
        """The name this environment reports under."""
        return self._identity.instance

    def begin(self) -> Work:
        """A unit of work begins; ``done`` must follow."""
        now = self._monotonic()
        with self._lock:
            self._activity.moved(now, 1)
        return Work(self, now)

    @contextlib.contextmanager
    def timed(self, operation: str) -> Iterator[None]:
        """The block is a unit of work."""
        work = self.begin()
        try:
            yield
        finally:
            work.done(operation)

    def served(self, player: str) -> None:
        """A request is this player's. Only how many there are is told, and no id is kept."""
        with self._lock:
            if len(self._players) < PLAYERS_MAX:
                self._players.add(hash(player))

    def finished(self, operation: str, started: float) -> None:
        """For ``Work``."""
        self.registry.observe(PROCESSING_LATENCY, self._monotonic() - started, operation=operation)
        if self._monotonic() >= self._due:
            self.flush()
        with self._lock:
            self._activity.moved(self._monotonic(), -1)

    def flush(self) -> bool:
        """Tells the region now, unless another thread is at it; whether it was told."""
        if self._shared is None or not self._telling.acquire(blocking=False):
            return False
        try:
            values = self.registry.values()
            report = self._report(values)
            batch = self._outgoing.next(values)
            own = {key: value for key, value in values.items() if key.startswith(OWN_PREFIX)}
            self._shared().flush(Flush(sequence=batch.sequence, increments=batch.increments, report=report, own=own))
        except Exception as error:  # noqa: BLE001 - whatever it fails with, the work it rides on is done and answered
            if not self._failures:
                self._failed(error)
            self._failures += 1
            return False
        else:
            self._outgoing.acknowledge(batch)
            self._failures = 0
            return True
        finally:
            self._due = self._monotonic() + min(FLUSH_SECONDS * 2 ** min(self._failures, 8), RETRY_SECONDS_MAX)
            self._telling.release()

    def close(self) -> None:
        """Tells what is untold of the work that was done; a process that did none is no environment to tell of."""
        if not self._activity.finished:
            return
        # Twice: the first may repeat a batch that was not acknowledged. Telling counts, too, so there is always more.
        for _ in range(2):
            if not self._outgoing.is_behind(self.registry.values()) or not self.flush():
                return

    def _report(self, values: Values) -> InstanceReport:
        total, machine = counted(values), self._machine()
        now, usage = self._monotonic(), self._usage()
        with self._lock:
            self._activity.moved(now, 0)
            mark = _Mark(now, usage, self._activity.finished, self._activity.busy_seconds, total, machine)
            in_flight = self._activity.in_flight
            players, self._players = len(self._players), set()
        before, self._mark = self._mark, mark
        seconds = mark.at - before.at
        measured = seconds >= WINDOW_SECONDS_MIN
        identity = self._identity
        return InstanceReport(
            instance=identity.instance,
            at=self._clock(),
            function=identity.function,
            function_version=identity.function_version,
            initialization=identity.initialization,
            window_seconds=seconds if measured else None,
            cpu_share=cpu_share(before.usage, usage, seconds, identity) if measured else None,
            memory_share=memory_share(usage, identity),
            request_rate=(mark.finished - before.finished) / seconds if measured else None,
            busy_share=(mark.busy_seconds - before.busy_seconds) / seconds if measured else None,
            in_flight=in_flight,
            gauges=self.registry.gauges(),
            figures=_figures(identity, before, mark, players if measured else None),
        )


def _figures(identity: Identity, before: _Mark, mark: _Mark, players: int | None) -> Figures:
    """``players``: None without a window."""
    machine, former = mark.machine or Machine(), before.machine or Machine()
    windowed: dict[str, int | None] = {}
    if players is not None:
        windowed = {
            **mark.counted.since(before.counted),
            "players": players,
            "network_bytes": _more(former.network_bytes, machine.network_bytes),
            "network_packets": _more(former.network_packets, machine.network_packets),
        }
    return Figures(
        load_average=machine.load_average,
        vcpus=identity.vcpus,
        resident_bytes=mark.usage.resident_bytes,
        memory_bytes=None if identity.memory_megabytes is None else identity.memory_megabytes * MEGABYTE,
        system_used_bytes=machine.used_bytes,
        system_total_bytes=machine.total_bytes,
        sockets=machine.sockets,
        **windowed,
    )


def _more(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None or after < before else after - before
