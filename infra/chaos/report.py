"""What a run came to, as data and as a page."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from infra.chaos.checker.model import Violation
from infra.chaos.history import DONE, FAILED, OPEN, REFUSED, Attempt, Operation, Takeover
from infra.chaos.schedule import KINDS, Fault

SLOWEST_SHARE: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything a run left behind. Times in seconds from its beginning."""

    seed: int
    seconds: float
    players: int
    command: str
    """What runs the same again."""
    faults: Sequence[Fault]
    """Those that struck."""
    missed: int
    """Faults that found nothing to strike."""
    takeovers: Sequence[Takeover]
    operations: Sequence[Operation]
    attempts: Sequence[Attempt]
    drained_seconds: float | None
    """From the last heal until all was told; None = it never was."""
    violations: Sequence[Violation]
    stored: Mapping[str, int]
    """How many documents there are in the end, by collection, in the first region."""
    conflicts: int
    letters: int
    links: Mapping[str, int]
    """Messages between regions that passed, and that were lost."""


def as_data(run: Run) -> dict[str, Any]:
    """JSON values all."""
    return {
        "seed": run.seed,
        "command": run.command,
        "seconds": round(run.seconds, 1),
        "players": run.players,
        "faults": [asdict(fault) for fault in run.faults],
        "faultsByKind": dict(sorted(Counter(fault.kind for fault in run.faults).items())),
        "faultsThatFoundNothing": run.missed,
        "takeovers": [{**asdict(one), "acknowledged": served_by(run, one)} for one in run.takeovers],
        "operations": {
            outcome: sum(one.outcome == outcome for one in run.operations) for outcome in (DONE, REFUSED, OPEN)
        },
        "operationsByKind": dict(sorted(Counter(one.kind for one in run.operations if one.outcome == DONE).items())),
        "attempts": len(run.attempts),
        "attemptsWithoutAnswer": sum(attempt.status == 0 for attempt in run.attempts),
        "attemptsFailed": sum(attempt.outcome == FAILED and attempt.status != 0 for attempt in run.attempts),
        "triedAgain": sum(one.attempts > 1 for one in run.operations),
        "latency": latencies(run.attempts),
        "drainedSeconds": run.drained_seconds,
        "stored": dict(run.stored),
        "conflicts": run.conflicts,
        "deadLetters": run.letters,
        "linksMessages": dict(run.links),
        "violations": [asdict(violation) for violation in run.violations],
    }


def served_by(run: Run, takeover: Takeover) -> int:
    """How many operations were acknowledged by who had taken over, to whomever, while they served for another."""
    return sum(
        one.outcome == DONE and one.served == takeover.by and takeover.taken <= one.answered_at <= takeover.returning
        for one in run.operations
    )


def latencies(attempts: Sequence[Attempt]) -> dict[str, float | None]:
    """Seconds of acknowledged attempts."""
    seconds = sorted(attempt.seconds for attempt in attempts if attempt.status in (200, 201))
    if len(seconds) < 2:
        return {"p50": None, "p99": None}
    cut = statistics.quantiles(seconds, n=100)
    return {"p50": round(cut[49], 3), "p99": round(cut[SLOWEST_SHARE - 1], 3)}


def page(run: Run, picture: str) -> str:
    """Markdown, and what the console shows."""
    data = as_data(run)
    done, refused, open_ = (data["operations"][name] for name in (DONE, REFUSED, OPEN))
    drained = "never" if run.drained_seconds is None else f"after {run.drained_seconds:.0f} s"
    lines = [
        f"# Chaos, seed {run.seed}",
        "",
        f"{run.seconds / 60:.1f} minutes, {run.players} players, {len(run.faults)} faults, "
        f"{len(run.violations)} violations.",
        "",
        f"![timeline]({picture})",
        "",
        "| | |",
        "|---|---|",
        f"| acknowledged, refused by the rules, never heard of | {done}, {refused}, {open_} |",
        f"| attempts; without an answer; failed | {data['attempts']}; {data['attemptsWithoutAnswer']}; "
        f"{data['attemptsFailed']} |",
        f"| operations that took more than one attempt | {data['triedAgain']} |",
        f"| acknowledged in, p50 and p99 | {data['latency']['p50']} s, {data['latency']['p99']} s |",
        f"| everything told to all regions | {drained} |",
        f"| messages between regions: passed, lost | {run.links['passed']}, {run.links['lost']} |",
        f"| stored in each region | {', '.join(f'{count} {name}' for name, count in run.stored.items())} |",
        f"| conflicts recorded, dead letters | {run.conflicts}, {run.letters} |",
        *(
            f"| {one.of}, served by {one.by} | from second {one.taken:.0f} to {one.returned:.0f}; "
            f"{served_by(run, one)} operations acknowledged there meanwhile |"
            for one in run.takeovers
        ),
        "",
        "| fault | times | |",
        "|---|---|---|",
        *(f"| {kind} | {count} | {KINDS[kind].told} |" for kind, count in data["faultsByKind"].items()),
        "",
        *(verdict(run.violations)),
        "",
        f"The same again: `{run.command}`",
    ]
    return "\n".join(lines) + "\n"


def verdict(found: Sequence[Violation]) -> list[str]:
    """A line, or one for each violation."""
    if not found:
        return ["Nothing that was acknowledged is lost, doubled or otherwise; all regions and members agree."]
    return [f"{len(found)} violations:", "", *(f"- {violation}" for violation in found)]
