"""One run of the demo on a running local cloud."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.scaling import MongoScaling
from infra.cli.local import LocalCloud
from infra.cloud import Cloud
from infra.demo.load import KINDS, Load, Player
from infra.demo.plot import draw
from infra.demo.report import Run, as_data, findings, page
from infra.demo.watch import Sample, Watch
from infra.demo.workload import requests_of, stretch_of
from infra.simulation.traces import read_trace
from infra.template.stage import ALIAS
from localcloud.errors import StopRequested

PLAYERS = 200
SAMPLE_SECONDS = 5.0
WORD_SECONDS = 30.0
DECISIONS_MAX = 10_000
DATABASE_SECONDS = 5.0

Log = Callable[[str], None]


class Demo:
    """A trace, and how it is played. Raises ``ValueError`` when the trace does not fit."""

    def __init__(
        self,
        *,
        trace: Path,
        minutes: float,
        speed: float,
        peak: float,
        seed: int,
        out: Path,
        log: Log,
        stop: Callable[[], bool],
    ) -> None:
        found = read_trace(trace)
        self._trace, self._speed, self._peak, self._seed = found.name, speed, peak, seed
        self._stretch = stretch_of(found.counts, minutes=minutes, speed=speed, peak_rate=peak)
        self._out, self._log, self._stop = out, log, stop

    def play(self, local: LocalCloud, check: Callable[[], None] = lambda: None) -> bool:
        """Whether environments rose in time and fell again; the report is written either way.

        ``check`` is called all the while and may end the run. Raises ``StopRequested`` when asked to stop.
        """
        region = local.regions[0]
        status = local.region(region)
        watch = Watch(
            Cloud(region, local.status["localstack"]).client("lambda"),
            *(local.status["localstack"], region, status["function"], ALIAS),
        )
        players = [Player(number, local.bot_token) for number in range(PLAYERS)]
        requests = requests_of(self._stretch, seed=self._seed, players=PLAYERS, weights=list(KINDS.values()))
        load = Load(local.api(region), players, requests)
        load.enlist(self._log)
        pools = Pools(status["mongo"], without_secondaries(ENVIRONMENT_POOLS))
        store = MongoScaling(Operations(pools, status["database"], budget_seconds=DATABASE_SECONDS))
        try:
            began = datetime.now(UTC).timestamp()
            samples = self._watch(load, watch, store, check)
            decisions = _decisions(store, began)
        finally:
            load.stop()
            pools.close()
        run = Run(
            trace=self._trace,
            seed=self._seed,
            speed=self._speed,
            peak_rate=self._peak,
            stretch=self._stretch,
            samples=samples,
            sent=sorted(load.sent, key=lambda one: one.at),
            decisions=decisions,
        )
        return self._write(run)

    def _watch(self, load: Load, watch: Watch, store: MongoScaling, check: Callable[[], None]) -> list[Sample]:
        """Samples all through the run, and says how it goes."""
        began = time.monotonic()
        thread = load.start(began)
        samples: list[Sample] = []
        self._log(f"{len(load.requests)} requests in {self._stretch.seconds:.0f} s begin (seed {self._seed})")
        word, told = WORD_SECONDS, ""
        while (now := time.monotonic() - began) < self._stretch.seconds or thread.is_alive():
            check()
            if self._stop():
                raise StopRequested
            if now >= len(samples) * SAMPLE_SECONDS:
                samples.append(watch.sample(now))
                for decision in store.decisions(1):
                    if decision["action"] != "hold" and decision["_id"] != told:
                        told = decision["_id"]
                        self._log(f"{decision['action']}: {decision['reason']}")
            if now >= word:
                word += WORD_SECONDS
                self._log(_word(samples[-1], self._stretch.rate(now), len(load.sent)))
            time.sleep(0.2)
        return samples

    def _write(self, run: Run) -> bool:
        found = findings(run)
        self._out.mkdir(parents=True, exist_ok=True)
        draw(run, self._out / "demo.png")
        (self._out / "demo.md").write_text(page(run, found, "demo.png"), encoding="utf-8")
        (self._out / "demo.json").write_text(json.dumps(as_data(run, found), indent=1) + "\n", encoding="utf-8")
        environments = found["environments"]
        self._log(f"environments: {environments['first']} -> {environments['most']} -> {environments['last']}")
        self._log(f"report: {self._out / 'demo.md'}, plot: {self._out / 'demo.png'}, data: {self._out / 'demo.json'}")
        return bool(found["rose_in_time"] and found["fell_by"] > 0)


def _decisions(store: MongoScaling, began: float) -> list[dict[str, Any]]:
    """Since ``began``, oldest first, their times counted from it."""
    since = [one for one in store.decisions(DECISIONS_MAX) if one["at"] >= began]
    return [{**one, "at": one["at"] - began} for one in reversed(since)]


def _word(sample: Sample, rate: float, sent: int) -> str:
    return (
        f"{sample.at:.0f} s: {rate:.1f} requests/s wanted, {sent} answered, {sample.provisioned_processes} provisioned "
        f"processes ({sample.requested} asked for), {sample.on_demand_processes} on demand"
    )
