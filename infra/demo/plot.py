"""The demo's picture: load, environments with the controller's moves, latency. One time axis."""

from pathlib import Path
from typing import Any

from infra.demo.report import Run

WIDTH, HEIGHT, DOTS = 9.0, 7.0, 90
BIN_SECONDS = 10.0


def draw(run: Run, path: Path) -> None:
    """Writes a PNG to ``path``."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (load, environments, latency) = pyplot.subplots(3, 1, sharex=True, figsize=(WIDTH, HEIGHT))
    _load(load, run)
    _environments(environments, run)
    _latency(latency, run)
    latency.set_xlabel("seconds")
    for axes in (load, environments, latency):
        axes.grid(alpha=0.3)
        axes.set_xlim(0, run.stretch.seconds)
    for axes in (load, environments):
        axes.set_ylim(bottom=0)
    figure.suptitle(f"{run.trace}, {run.speed:g} times as fast, seed {run.seed}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=DOTS)
    pyplot.close(figure)


def _load(axes: Any, run: Run) -> None:
    moments = [index * run.stretch.step_seconds for index in range(len(run.stretch.rates) + 1)]
    axes.stairs(run.stretch.rates, moments, color="tab:gray", label="wanted (trace)")
    moments, rates = _binned([one.at for one in run.sent])
    axes.plot(moments, rates, color="tab:blue", label="sent")
    axes.set_ylabel("requests / s")
    axes.legend(loc="upper right", fontsize=8)


def _environments(axes: Any, run: Run) -> None:
    at = [sample.at for sample in run.samples]
    axes.step(at, [s.requested for s in run.samples], where="post", color="tab:gray", label="asked for")
    counted = [s.provisioned_processes for s in run.samples]
    axes.step(at, counted, where="post", color="tab:green", label="provisioned processes")
    on_demand = [s.on_demand_processes for s in run.samples]
    axes.step(at, on_demand, where="post", color="tab:red", linestyle=":", label="on-demand processes")
    for move in run.moves:
        style = {"out": "^", "in": "v"}[move["action"]]
        axes.plot(move["at"], move["desired"], style, color="black", markersize=6)
    axes.set_ylabel("environments")
    axes.legend(loc="upper right", fontsize=8)


def _latency(axes: Any, run: Run) -> None:
    good = [one for one in run.sent if 0 < one.status < 500]
    axes.plot([s.at for s in good], [s.seconds for s in good], ",", color="tab:blue", alpha=0.6, label="answered")
    bad = [one for one in run.sent if not 0 < one.status < 500]
    axes.plot([s.at for s in bad], [s.seconds for s in bad], "x", color="tab:red", markersize=4, label="failed")
    axes.set_yscale("log")
    axes.set_ylabel("latency, s")
    axes.legend(loc="upper right", fontsize=8)


def _binned(moments: list[float]) -> tuple[list[float], list[float]]:
    if not moments:
        return [], []
    counts = [0] * (int(max(moments) // BIN_SECONDS) + 1)
    for moment in moments:
        counts[int(moment // BIN_SECONDS)] += 1
    return [(index + 0.5) * BIN_SECONDS for index in range(len(counts))], [count / BIN_SECONDS for count in counts]
