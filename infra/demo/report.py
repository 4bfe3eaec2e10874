"""What a run of the demo showed, as data and as a page."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.scaling.rule_sets import LAPTOP_REQUEST_RATE
from chalicelib.scaling.tiers import REQUESTS_PER_SECOND_PER_INSTANCE
from chalicelib.scaling_settings import LAPTOP_POLICY
from infra.demo.load import Sent
from infra.demo.watch import Sample, first_rise
from infra.demo.workload import Stretch

RISE_SECONDS_MAX = 120.0
"""Environments must have risen this long after the load did."""
RISEN = 0.5
"""The load has risen when it passes this share of its peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything a run left behind. Times in seconds from its start."""

    trace: str
    seed: int
    speed: float
    peak_rate: float
    stretch: Stretch
    samples: Sequence[Sample]
    sent: Sequence[Sent]
    decisions: Sequence[Mapping[str, Any]]
    """The controller's, oldest first, as its store has them, ``at`` from the start."""

    @property
    def policy(self) -> str:
        """That decided last; empty when nothing was decided."""
        return str(json.loads(self.decisions[-1]["line"])["policy"]) if self.decisions else ""

    @property
    def moves(self) -> list[Mapping[str, Any]]:
        """Decisions that changed the number."""
        return [one for one in self.decisions if (one.get("move") or {}).get("outcome") == "moved"]


def findings(run: Run) -> dict[str, Any]:
    """Figures and the verdict, JSON values all."""
    counted = [sample.provisioned_processes for sample in run.samples]
    rise, load = first_rise(run.samples), _load_rose(run.stretch)
    top = max(counted, default=0)
    peak_at = counted.index(top) if counted else 0
    after = None if rise is None else rise - load
    fell = top - min(counted[peak_at:], default=0)
    took = sorted(one.seconds for one in run.sent)
    return {
        "policy": run.policy,
        "trace": run.trace,
        "first_minute": run.stretch.first_minute,
        "speed": run.speed,
        "peak_requests_per_second": run.peak_rate,
        "seed": run.seed,
        "seconds": round(run.stretch.seconds, 1),
        "requests": len(run.sent),
        "statuses": dict(sorted(Counter(str(one.status) for one in run.sent).items())),
        "latency_seconds": {name: _percentile(took, share) for name, share in (("p50", 0.5), ("p95", 0.95))},
        "environments": {"first": counted[0] if counted else 0, "most": top, "last": counted[-1] if counted else 0},
        "on_demand_most": max((sample.on_demand_processes for sample in run.samples), default=0),
        "load_rose_at": round(load, 1),
        "environments_rose_at": rise,
        "rose_after_seconds": None if after is None else round(after, 1),
        "rose_in_time": after is not None and after <= RISE_SECONDS_MAX,
        "fell_by": fell,
        "moves": [
            {"at": round(one["at"], 1), "from": one["current"], "to": one["desired"], "reason": one["reason"]}
            for one in run.moves
        ],
    }


def page(run: Run, found: Mapping[str, Any], plot: str) -> str:
    """The report as Markdown; ``plot`` is the picture's file name beside it."""
    environments, latency = found["environments"], found["latency_seconds"]
    rose = found["rose_after_seconds"]
    statuses = ", ".join(f"{count} × {status}" for status, count in found["statuses"].items())
    lines = [
        "# Environments rise and fall with the load",
        "",
        f"![Load, environments and latency]({plot})",
        "",
        f"- Load: `{run.trace}` from minute {found['first_minute']}, {run.speed:g} times as fast, its peak scaled to "
        f"{run.peak_rate:g} requests/s, Poisson arrivals, seed {run.seed}: {found['requests']} requests in "
        f"{found['seconds']:g} s ({statuses}).",
        f"- Latency, from when a request was due: median {_milliseconds(latency['p50'])}, 95 % below "
        f"{_milliseconds(latency['p95'])}.",
        f"- Provisioned processes: {environments['first']} at first, {environments['most']} at most, "
        f"{environments['last']} at the end; at most {found['on_demand_most']} on demand beside them.",
        f"- The load passed half its peak at {found['load_rose_at']:g} s; "
        + ("environments never rose." if rose is None else f"environments rose {rose:g} s after it.")
        + f" After their most they fell by {found['fell_by']}.",
        f"- The deployed function `scaling` evaluated policy `{run.policy}` {len(run.decisions)} times, and nobody "
        "else moved anything. "
        + (
            f"It is the guide's, with {LAPTOP_REQUEST_RATE} requests/s for each environment instead of "
            f"{REQUESTS_PER_SECOND_PER_INSTANCE}; cooldowns and the times of shrinking are a quarter of the guide's, "
            "growing is as there. "
            if run.policy == LAPTOP_POLICY
            else ""
        )
        + "CPU is the processes' real CPU time by the share of a vCPU that their memory size buys at AWS (256 MB: "
        "0.145); nothing throttles them to it here, so it could exceed 100 %.",
        "",
        "| second | environments | reason |",
        "|---:|---:|---|",
        *(f"| {move['at']:g} | {move['from']} → {move['to']} | {_cell(move['reason'])} |" for move in found["moves"]),
    ]
    return "\n".join(lines) + "\n"


def as_data(run: Run, found: Mapping[str, Any]) -> dict[str, Any]:
    """The report as JSON values, with everything the picture shows."""
    return {
        **found,
        "samples": [asdict(sample) for sample in run.samples],
        "load": {"step_seconds": run.stretch.step_seconds, "rates": list(run.stretch.rates)},
        "decisions": [
            {name: one[name] for name in ("at", "action", "current", "desired", "reason")} for one in run.decisions
        ],
    }


def _load_rose(stretch: Stretch) -> float:
    threshold = RISEN * max(stretch.rates, default=0.0)
    index = next((index for index, rate in enumerate(stretch.rates) if rate >= threshold), 0)
    return index * stretch.step_seconds


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 4) if ordered else None


def _milliseconds(seconds: float | None) -> str:
    return "nothing" if seconds is None else f"{1000 * seconds:.0f} ms"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
