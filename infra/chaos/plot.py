"""A run's picture: what was acknowledged, how long it took, and the faults meanwhile. One time axis."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from infra.chaos.history import DONE, FAILED, REFUSED
from infra.chaos.report import Run
from infra.chaos.schedule import KINDS

BIN_SECONDS: Final = 2.0
COLOURS: Final = {
    "functions": "#f29900",
    "database": "#d93025",
    "cache": "#9334e6",
    "link": "#1a73e8",
    "clock": "#00897b",
    "cloud": "#5f6368",
    "region": "#795548",
}
OUTCOMES: Final = {
    DONE: ("acknowledged", "#188038"),
    REFUSED: ("refused by the rules", "#9aa0a6"),
    FAILED: ("failed or not answered", "#d93025"),
}
ROOM_FOR_LEGEND: Final = 1.25
BAND_ALPHA: Final = 0.07


def draw(run: Run, path: Path) -> None:
    """Writes a PNG to ``path``."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    kinds = [kind for kind in KINDS if any(fault.kind == kind for fault in run.faults)]
    figure, (rate, latency, faults) = pyplot.subplots(
        *(3, 1),
        sharex=True,
        figsize=(11, 7.5 + 0.16 * len(kinds)),
        height_ratios=[2, 2, 0.6 + 0.22 * len(kinds)],
        layout="constrained",
    )
    _rates(rate, run)
    _latencies(latency, run)
    _faults(faults, run, kinds)
    for axes in (rate, latency):
        axes.grid(alpha=0.25)
        for takeover in run.takeovers:
            for moment in (takeover.taken, takeover.returned):
                axes.axvline(moment, color=COLOURS["region"], linestyle="--", linewidth=1)
        for fault in run.faults:
            axes.axvspan(fault.at, fault.ends, color=COLOURS[KINDS[fault.kind].strikes], alpha=BAND_ALPHA, linewidth=0)
    faults.set_xlim(0, run.seconds)
    faults.set_xlabel("seconds")
    figure.suptitle(
        f"seed {run.seed}: {len(run.faults)} faults, {sum(one.outcome == 'done' for one in run.operations)} operations "
        f"acknowledged, {len(run.violations)} violations"
    )
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _rates(axes: Any, run: Run) -> None:
    for outcome, (name, colour) in OUTCOMES.items():
        attempts = [one for one in run.attempts if one.outcome == outcome]
        moments, rates = binned([one.at for one in attempts], run.seconds)
        axes.plot(moments, rates, color=colour, label=f"{name} ({len(attempts)})", linewidth=1.5)
    axes.set_ylim(0, ROOM_FOR_LEGEND * axes.get_ylim()[1])
    axes.set_ylabel("answers / s")
    axes.legend(loc="upper right", fontsize="small", ncols=3)


def _latencies(axes: Any, run: Run) -> None:
    for outcome, mark in ((DONE, "."), (FAILED, "x")):
        name, colour = OUTCOMES[outcome]
        found = [one for one in run.attempts if one.outcome == outcome]
        axes.plot(
            *([one.at for one in found], [max(one.seconds, 0.001) for one in found], mark),
            **{"color": colour, "label": name, "markersize": 3.5, "alpha": 0.6},
        )
    axes.set_yscale("log")
    axes.set_ylabel("seconds to the answer")
    axes.legend(loc="upper right", fontsize="small", ncols=2)


def _faults(axes: Any, run: Run, kinds: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    for fault in run.faults:
        strikes = KINDS[fault.kind].strikes
        axes.barh(kinds.index(fault.kind), fault.seconds, left=fault.at, height=0.8, color=COLOURS[strikes])
        # Regions by their beginnings: us, eu, ap.
        where = fault.region[:2] + (f">{fault.other[:2]}" if fault.other else "")
        axes.text(fault.ends, kinds.index(fault.kind), f" {where}", va="center", fontsize=6, color="#5f6368")
    axes.set_yticks(range(len(kinds)), kinds, fontsize="small")
    axes.set_ylim(len(kinds) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.25)
    struck = dict.fromkeys(KINDS[kind].strikes for kind in kinds)
    axes.legend(
        handles=[Patch(color=COLOURS[one], label=one) for one in struck],
        **{"loc": "upper center", "bbox_to_anchor": (0.5, 1.12), "ncols": len(struck), "fontsize": "small"},
        frameon=False,
    )


def binned(moments: Sequence[float], seconds: float) -> tuple[list[float], list[float]]:
    """Middles of bins of ``BIN_SECONDS`` up to ``seconds``, and how many a second fall into each."""
    counts = [0] * max(1, -int(-seconds // BIN_SECONDS))
    for moment in moments:
        if 0 <= moment < len(counts) * BIN_SECONDS:
            counts[int(moment // BIN_SECONDS)] += 1
    middles = [(number + 0.5) * BIN_SECONDS for number in range(len(counts))]
    return middles, [count / BIN_SECONDS for count in counts]
