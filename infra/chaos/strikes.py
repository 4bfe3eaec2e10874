"""Carries faults out, and takes them back.

Each fault is a generator: it strikes, says when it wants to go on, and heals when it is closed.
"""

import signal
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, suppress
from typing import Final

import psutil
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis import Redis, RedisError

from infra.chaos.cloud import ChaosCloud
from infra.chaos.history import Takeover
from infra.chaos.links import CUT, DEAF, SLOW
from infra.chaos.schedule import FAIL_REGION, LOSE_CLOUD, ROLES, Fault, role_of
from infra.chaos.takeover import TakingOver
from localcloud import localstack_server
from localcloud.ports import LOOPBACK
from localcloud.processes import ProcessIdentity, descendants
from localcloud.server import RunningServer

Strike = Generator[float, None, None]
"""Yields the seconds until it wants to go on."""
Tell = Callable[[str], None]
KILL_AGAIN_SECONDS: Final = 1.0
WRONG_SECONDS_MAX: Final = 90
"""By how much a clock is wrong, either way."""
SLOW_STOPPED_SECONDS, SLOW_RUNNING_SECONDS = 0.4, 0.1
_IDLE_SECONDS: Final = 3600.0
_PROBE_SECONDS: Final = 0.5
_PRIMARY_MILLISECONDS: Final = 2000
_READY_SECONDS: Final = 60.0
_NO_ROOM_BYTES: Final = 1


class NothingToStrike(Exception):
    """What a fault would strike is not there at the moment; the text says what."""


class Striker:
    """Faults on a cloud. ``tell`` hears what exactly was struck.

    ``check`` is called wherever it waits, and may raise; ``now`` is the run's time.
    """

    def __init__(self, cloud: ChaosCloud, tell: Tell, check: Callable[[], None], now: Callable[[], float]) -> None:
        self._cloud = cloud
        self._tell = tell
        self._check = check
        self._now = now
        self.takings: list[TakingOver] = []
        self._active: dict[Fault, Strike] = {}
        self._due: dict[Fault, float] = {}
        self._ill: set[str] = set()
        """Servers that a full disk may yet have ended: one that gives up takes its time to end."""

    @property
    def active(self) -> list[Fault]:
        return list(self._active)

    def begin(self, fault: Fault, now: float) -> bool:
        """Whether it has struck; not if there was nothing to strike."""
        strike = self._strike(fault)
        try:
            pause = next(strike)
        except NothingToStrike as reason:
            self._tell(f"{fault.kind}: {reason}")
            return False
        self._active[fault], self._due[fault] = strike, now + pause
        return True

    def go_on(self, now: float) -> None:
        """What active faults do again and again, where it is due; servers that ended late are started again."""
        self.revive()
        for fault, strike in self._active.items():
            if now >= self._due[fault]:
                self._due[fault] = now + next(strike)

    def end(self, fault: Fault) -> None:
        self._active.pop(fault).close()

    def heal(self) -> None:
        """Ends every fault. Servers are started; whether they are ready ``wait_ready`` says."""
        for fault in self.active:
            self.end(fault)
        self._cloud.links.mend_all()

    def wait_ready(self) -> list[str]:
        """Waits until every server serves again; the names of those that don't."""
        names = [name for region in self._cloud.regions for name in (*self._members(region), *self._nodes(region))]
        until = time.monotonic() + _READY_SECONDS
        while names and time.monotonic() < until:
            self._watch()
            names = [name for name in names if not self._cloud.supervisor.running(name).server.ready()]
            time.sleep(0.2)
        return names

    def wait_returned(self) -> list[Takeover]:
        """Waits until every region serves itself again; who took over. Raises what kept operators from it."""
        for taking in self.takings:
            while taking.is_alive():
                self._watch()
                taking.join(_PROBE_SECONDS)
            if taking.fault is not None:
                raise taking.fault
        return [taking.takeover for taking in self.takings if taking.takeover is not None]

    def _watch(self) -> None:
        self._check()
        self.revive()

    def revive(self) -> None:
        """Starts what a full disk has ended since there is room again."""
        for name in [name for name in self._ill if self._cloud.supervisor.running(name).exit_code() is not None]:
            self._cloud.supervisor.start_again(name)
            self._ill.remove(name)

    def _strike(self, fault: Fault) -> Strike:
        if fault.kind in (FAIL_REGION, LOSE_CLOUD):
            return self._fail_region(fault) if fault.kind == FAIL_REGION else self._lose_cloud()
        verb, _, what = fault.kind.partition("-")
        if what in ROLES:
            return self._kill_functions(fault) if verb == "kill" else self._hang_functions(fault)
        if what == "link":
            return self._link([(fault.region, fault.other)], {"cut": CUT, "deaf": DEAF, "slow": SLOW}[verb])
        if what == "region":
            others = [other for other in self._cloud.regions if other != fault.region]
            ways = [way for other in others for way in ((fault.region, other), (other, fault.region))]
            return self._link(ways, CUT)
        if what == "clock":
            return self._set_clock(fault)
        if what == "cloud":
            return self._hang(lambda: [self._cloud.supervisor.running(localstack_server.NAME)])
        struck = {
            "primary": lambda: [self._primary(fault.region)],
            "disk-primary": lambda: [self._primary(fault.region)],
            "secondary": lambda: [self._secondary(fault)],
            "database": lambda: [self._cloud.supervisor.running(name) for name in self._members(fault.region)],
            "cache": lambda: [self._master(fault)],
            "disk-cache": lambda: [self._master(fault)],
        }[what]
        return {"kill": self._kill, "hang": self._hang, "stop": self._hang, "slow": self._slow, "full": self._fill}[
            verb
        ](struck)

    def _kill_functions(self, fault: Fault) -> Strike:
        while True:
            self._kill_environments(fault.region, ROLES[role_of(fault.kind)])
            yield KILL_AGAIN_SECONDS

    def _kill_environments(self, region: str, names: tuple[str, ...]) -> None:
        for process in self._cloud.environments(region, names):
            with suppress(psutil.Error):
                process.kill()

    def _fail_region(self, fault: Fault) -> Strike:
        taking = TakingOver(fault.region, self._cloud.operate, self._now, self._tell, self._cloud.stand_ins)
        self.takings.append(taking)
        taking.start()
        try:
            while True:
                self._kill_environments(fault.region, ROLES["api"])
                yield KILL_AGAIN_SECONDS
        finally:
            taking.well()

    def _lose_cloud(self) -> Strike:
        """Its functions are killed with it. It comes back while this is closed, which takes as long as it takes."""
        lost = self._cloud.supervisor.excused(localstack_server.NAME)
        identity = ProcessIdentity.of(lost.pid)
        below = descendants(identity) if identity else []
        self._tell(f"killed: {lost.server.name} and {len(below)} processes of its")
        lost.signal(signal.SIGKILL)
        for one in below:
            one.signal(signal.SIGKILL)
        try:
            while True:
                yield _IDLE_SECONDS
        finally:
            self._tell("; ".join(self._cloud.bring_back(self._watch).splitlines()))

    def _hang_functions(self, fault: Fault) -> Strike:
        found = self._cloud.environments(fault.region, ROLES[role_of(fault.kind)])
        if not found:
            raise NothingToStrike(f"none runs in {fault.region}")
        with ExitStack() as stopped:
            for process in found:
                stopped.callback(_continue, process)
                with suppress(psutil.Error):
                    process.suspend()
            while True:
                yield _IDLE_SECONDS

    def _link(self, links: Sequence[tuple[str, str]], state: str) -> Strike:
        for source, target in links:
            self._cloud.links.set(source, target, state)
        try:
            while True:
                yield _IDLE_SECONDS
        finally:
            for source, target in links:
                self._cloud.links.mend(source, target, state)

    def _set_clock(self, fault: Fault) -> Strike:
        seconds = fault.pick % (2 * WRONG_SECONDS_MAX + 1) - WRONG_SECONDS_MAX
        self._tell(f"clock of {fault.region} off by {seconds} s")
        self._cloud.clocks.set(fault.region, seconds)
        try:
            while True:
                yield _IDLE_SECONDS
        finally:
            self._cloud.clocks.right(fault.region)

    def _kill(self, struck: Callable[[], Sequence[RunningServer]]) -> Strike:
        names = [one.server.name for one in struck()]
        self._tell(f"killed: {', '.join(names)}")
        try:
            for name in names:
                self._cloud.supervisor.excused(name).signal(signal.SIGKILL)
            while True:
                yield _IDLE_SECONDS
        finally:
            for name in names:
                self._cloud.supervisor.start_again(name)
                self._ill.discard(name)

    def _hang(self, struck: Callable[[], Sequence[RunningServer]]) -> Strike:
        servers = struck()
        self._tell(f"stopped: {', '.join(one.server.name for one in servers)}")
        try:
            for server in servers:
                server.signal(signal.SIGSTOP)
            while True:
                yield _IDLE_SECONDS
        finally:
            for server in servers:
                server.signal(signal.SIGCONT)

    def _slow(self, struck: Callable[[], Sequence[RunningServer]]) -> Strike:
        servers = struck()
        self._tell(f"slowed: {', '.join(one.server.name for one in servers)}")
        try:
            while True:
                for server in servers:
                    server.signal(signal.SIGSTOP)
                yield SLOW_STOPPED_SECONDS
                for server in servers:
                    server.signal(signal.SIGCONT)
                yield SLOW_RUNNING_SECONDS
        finally:
            for server in servers:
                server.signal(signal.SIGCONT)

    def _fill(self, struck: Callable[[], Sequence[RunningServer]]) -> Strike:
        """No file of the server may grow: what a full disk refuses, its kernel refuses."""
        servers = [self._cloud.supervisor.excused(one.server.name) for one in struck()]
        self._tell(f"disk full: {', '.join(one.server.name for one in servers)}")
        try:
            for server in servers:
                _limit_files(server.pid, _NO_ROOM_BYTES)
            while True:
                yield _IDLE_SECONDS
        finally:
            for server in servers:
                _limit_files(server.pid, psutil.RLIM_INFINITY)
                self._ill.add(server.server.name)
            self.revive()

    def _members(self, region: str) -> dict[str, int]:
        return self._cloud.members(region)

    def _nodes(self, region: str) -> dict[str, int]:
        return self._cloud.cache_nodes(region)

    def _primary(self, region: str) -> RunningServer:
        ports = {port: name for name, port in self._members(region).items()}
        return self._cloud.supervisor.running(ports[self._primary_port(region)])

    def _secondary(self, fault: Fault) -> RunningServer:
        primary = self._primary_port(fault.region)
        others = [name for name, port in self._members(fault.region).items() if port != primary]
        return self._cloud.supervisor.running(others[fault.pick % len(others)])

    def _primary_port(self, region: str) -> int:
        with MongoClient[dict[str, object]](
            self._cloud.local.region(region)["mongo"], serverSelectionTimeoutMS=_PRIMARY_MILLISECONDS
        ) as client:
            try:
                client.admin.command("ping")
                found = client.primary
            except PyMongoError:
                found = None
        if found is None:
            raise NothingToStrike(f"{region} has no primary")
        return found[1]

    def _master(self, fault: Fault) -> RunningServer:
        masters = [name for name, port in self._nodes(fault.region).items() if _is_master(port)]
        if not masters:
            raise NothingToStrike(f"no master answers in {fault.region}")
        return self._cloud.supervisor.running(masters[fault.pick % len(masters)])


def _is_master(port: int) -> bool:
    with Redis(
        host=LOOPBACK, port=port, socket_timeout=_PROBE_SECONDS, socket_connect_timeout=_PROBE_SECONDS
    ) as client:
        try:
            return bool(client.info("replication")["role"] == "master")
        except RedisError:
            return False


def _continue(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        process.resume()


def _limit_files(pid: int, most_bytes: int) -> None:
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        process.rlimit(psutil.RLIMIT_FSIZE, (most_bytes, process.rlimit(psutil.RLIMIT_FSIZE)[1]))
