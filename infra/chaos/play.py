"""One run: players begin, faults strike and are healed, everything is told, the checker looks."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from bson import json_util

from infra.chaos import history
from infra.chaos.checker.model import Case, State
from infra.chaos.checker.verdict import violations
from infra.chaos.cloud import ChaosCloud
from infra.chaos.history import DONE, FAILED, FAULT, REFUSED, TAKEOVER, Log, Takeover
from infra.chaos.players import Player
from infra.chaos.plot import draw
from infra.chaos.reading import known_requests, read_state, waiting
from infra.chaos.report import Run, as_data, page, verdict
from infra.chaos.schedule import LOSE_CLOUD, Fault, schedule
from infra.chaos.strikes import Striker
from localcloud.errors import StopRequested

Say = Callable[[str], None]
WORD_SECONDS: Final = 10.0
TICK_SECONDS: Final = 0.05
FINISH_SECONDS: Final = 90.0
"""After the last heal, for players to hear the answers they still wait for."""
DRAIN_SECONDS: Final = 420.0
"""A killed worker's message comes back after 72 s, what a lost one told after a minute's sweep and its waits."""
QUIET_LOOKS: Final = 2
GREEDY: Final = 1
"""Players who hardly think."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do. ``out``: where everything goes that is written."""

    seed: int
    minutes: float
    players: int
    kinds: Sequence[str]
    whole_sets: bool
    arena_cap: int
    out: Path
    command: str


@dataclass
class Game:
    """One run of ``plan`` on ``cloud``.

    ``interrupted``: whether somebody wants it to end early; ``given_up``: without being checked, too.
    """

    plan: Plan
    cloud: ChaosCloud
    say: Say
    interrupted: Callable[[], bool]
    given_up: Callable[[], bool]
    struck: list[Fault] = field(default_factory=list)
    missed: int = 0
    takeovers: list[Takeover] = field(default_factory=list)
    _late: float = 0.0
    """Seconds the schedule stood still, while something was brought back that takes as long as it takes."""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def play(self) -> Run:
        """The run, reported. Raises ServerFailed when a server ends that nothing has struck, StopRequested."""
        self.plan.out.mkdir(parents=True, exist_ok=True)
        before = known_requests(self.cloud)
        with Log(self.plan.out / "history.jsonl") as log:
            striker = Striker(self.cloud, self.say, self._check_servers, log.now)
            players = self._enlist(log)
            log.begin()
            for player in players:
                player.start()
            try:
                seconds = self._strike(striker, log)
            finally:
                striker.heal()
            drained = self._settle(striker, players)
            for takeover in self.takeovers:
                log.write(TAKEOVER, **asdict(takeover))
        self.say("reading what all regions hold")
        return self._report(read_state(self.cloud, before), log, players, seconds, drained)

    def _enlist(self, log: Log) -> list[Player]:
        regions, guilds = self.cloud.regions, dict[str, str]()
        players = [
            Player(
                *(number, regions[number % len(regions)], self.cloud.apis, self.cloud.local.bot_token, log),
                seed=self.plan.seed,
                stopped=self._stopped,
                ended=self._ended,
                guilds=guilds,
                stand_ins=self.cloud.stand_ins,
                greedy=number < GREEDY,
            )
            for number in range(self.plan.players)
        ]
        for number, player in enumerate(players):
            self.cloud.supervisor.check()
            founded = player.enlist(regions[0], founds=number < len(regions))
            if founded:
                guilds[player.client.player] = founded
        self.say(f"{len(players)} players are at home in {len(regions)} regions")
        return players

    def _strike(self, striker: Striker, log: Log) -> float:
        """Seconds until the end of the schedule, or until somebody wants it to end."""
        plan = self.plan
        seconds = plan.minutes * 60
        faults = list(schedule(plan.seed, seconds, self.cloud.regions, kinds=plan.kinds, whole_sets=plan.whole_sets))
        self.say(f"{len(faults)} faults in {seconds:.0f} s begin (seed {plan.seed})")
        word, due = WORD_SECONDS, list(faults)
        while (now := log.now()) < seconds + self._late and not self.interrupted():
            self._check_servers()
            for fault in [fault for fault in striker.active if fault.ends <= now]:
                self._end(striker, log, fault)
            striker.go_on(now)
            while due and due[0].at + self._late <= now:
                fault = due.pop(0)
                self._begin(striker, log, replace(fault, at=round(fault.at + self._late, 2)))
            if now >= word:
                word += WORD_SECONDS
                self._word(striker, log, now)
            time.sleep(TICK_SECONDS)
        return log.now()

    def _begin(self, striker: Striker, log: Log, fault: Fault) -> None:
        log.write(FAULT, did="begin", **asdict(fault))
        if striker.begin(fault, log.now()):
            self.struck.append(fault)
        else:
            self.missed += 1

    def _end(self, striker: Striker, log: Log, fault: Fault) -> None:
        striker.end(fault)
        ended = fault
        if fault.kind == LOSE_CLOUD:
            ended = replace(fault, seconds=round(log.now() - fault.at, 2))
            self._late += ended.seconds - fault.seconds
            self.struck[self.struck.index(fault)] = ended
        log.write(FAULT, did="end", **asdict(ended))

    def _check_servers(self) -> None:
        """Raises ServerFailed, and StopRequested once the run is given up."""
        if self.given_up():
            raise StopRequested
        if not self.interrupted():
            self.cloud.supervisor.check()

    def _word(self, striker: Striker, log: Log, now: float) -> None:
        outcomes = Counter(attempt.outcome for attempt in log.attempts)
        active = ", ".join(f"{fault.kind} {fault.region}".strip() for fault in striker.active) or "nothing"
        self.say(
            f"{now:.0f} s: {outcomes[DONE]} acknowledged, {outcomes[REFUSED]} refused by the rules, "
            f"{outcomes[FAILED]} failed or not answered; struck: {active}"
        )

    def _settle(self, striker: Striker, players: Sequence[Player]) -> float | None:
        """Lets everybody hear their answers and everything be told; seconds it took, None if it never was."""
        began = time.monotonic()
        self._stopped.set()
        self.say("healed; waiting for the last answers, and until all is told")
        down = striker.wait_ready()
        if down:
            self.say(f"not back: {', '.join(down)}")
        self.takeovers = striker.wait_returned()
        until = time.monotonic() + FINISH_SECONDS
        while any(player.is_alive() for player in players) and time.monotonic() < until:
            self._check_servers()
            striker.revive()
            time.sleep(TICK_SECONDS)
        self._ended.set()
        for player in players:
            player.join()
            if player.fault is not None:
                raise player.fault
        return self._drain(striker, began)

    def _drain(self, striker: Striker, began: float) -> float | None:
        word, quiet, left = time.monotonic() + WORD_SECONDS, 0, dict[str, int]()
        while time.monotonic() - began < DRAIN_SECONDS:
            self._check_servers()
            striker.revive()
            left = waiting(self.cloud)
            quiet = 0 if left else quiet + 1
            if quiet == QUIET_LOOKS:
                return time.monotonic() - began
            if left and time.monotonic() > word:
                word += WORD_SECONDS
                self.say("still under way: " + ", ".join(f"{number} {what}" for what, number in left.items()))
            time.sleep(1.0)
        self.say("given up waiting for: " + ", ".join(f"{number} {what}" for what, number in left.items()))
        return None

    def _report(self, state: State, log: Log, players: Sequence[Player], seconds: float, drained: float | None) -> Run:
        plan, out = self.plan, self.plan.out
        with (out / "history.jsonl").open(encoding="utf-8") as lines:
            operations = history.read(lines)
        homes = {player.client.player: player.home for player in players}
        found = violations(Case(operations, state, homes, plan.arena_cap, self.struck, self.takeovers))
        first = state.regions[self.cloud.regions[0]]
        run = Run(
            seed=plan.seed,
            seconds=seconds,
            players=plan.players,
            command=plan.command,
            faults=self.struck,
            missed=self.missed,
            takeovers=self.takeovers,
            operations=operations,
            attempts=list(log.attempts),
            drained_seconds=drained,
            violations=found,
            stored={name: len(first[name]) for name in ("battles", "ledgerentries", "brokers", "guilds")},
            conflicts=sum(len(held["conflicts"]) for held in state.regions.values()),
            letters=len(state.letters),
            links={"passed": self.cloud.links.passed, "lost": self.cloud.links.lost},
        )
        (out / "state.json").write_text(json_util.dumps(asdict(state), default=sorted), encoding="utf-8")
        draw(run, out / "chaos.png")
        (out / "report.md").write_text(page(run, "chaos.png"), encoding="utf-8")
        (out / "report.json").write_text(json.dumps(as_data(run), indent=1) + "\n", encoding="utf-8")
        for line in verdict(found):
            self.say(line)
        self.say(
            f"report: {out / 'report.md'}, picture: {out / 'chaos.png'}, what players saw: {out / 'history.jsonl'}, "
            f"what regions hold: {out / 'state.json'}"
        )
        return run
