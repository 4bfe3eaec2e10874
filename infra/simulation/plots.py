"""PNG plots of runs: demand, capacity and spill. The only file that needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from infra.simulation.run import Run

POINTS_MAX: Final = 1440
"""Minutes drawn; longer traces are drawn by the highest of several."""
ROOM_FOR_LEGEND: Final = 0.3
COLOURS: Final = {
    "static": "#9aa0a6",
    "guide": "#c58af9",
    "hpa": "#f29900",
    "target-tracking": "#d93025",
    "predictive": "#1a73e8",
    "oracle": "#188038",
}


def plot(runs: Sequence[Run], folder: Path) -> Path:
    """Draws the runs of one trace into ``folder``; returns the file."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    trace, minutes = runs[0].trace, len(runs[0].minutes)
    step = -(-minutes // POINTS_MAX)
    hours = np.arange(0, minutes, step) / 60.0
    figure, (upper, lower) = pyplot.subplots(2, 1, figsize=(11, 6.5), sharex=True, layout="constrained")
    demand = _highest([minute.peak for minute in runs[0].minutes], step)
    upper.fill_between(hours, demand, color="#dadce0", linewidth=0, label="busy at once (highest)")
    for run in runs:
        colour = COLOURS.get(run.policy)
        capacity = _highest([minute.ready for minute in run.minutes], step)
        upper.plot(hours, capacity, color=colour, linewidth=1, label=run.policy, drawstyle="steps-post")
        spilled = np.cumsum([minute.spilled for minute in run.minutes])[::step]
        label = f"{run.policy}: {run.spill_share:.2%}, ${run.cost_usd:.2f}"
        lower.plot(hours, spilled, color=colour, linewidth=1.5, label=label)
    upper.margins(y=ROOM_FOR_LEGEND)
    upper.set_ylim(bottom=0)
    upper.set_ylabel("environments")
    upper.set_title(f"{trace}: demand and provisioned concurrency")
    upper.legend(loc="upper left", fontsize="small", ncols=4)
    lower.set_ylabel("spilled requests so far")
    lower.set_xlabel("hours")
    lower.legend(loc="upper left", fontsize="small")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{trace}.png"
    figure.savefig(path, dpi=90)
    pyplot.close(figure)
    return path


def _highest(values: Sequence[float], step: int) -> NDArray[np.float64]:
    padded = np.asarray([*values, *([0.0] * (-len(values) % step))], dtype=np.float64)
    highest: NDArray[np.float64] = padded.reshape(-1, step).max(axis=1)
    return highest
