"""What scaling policies spill and cost on recorded traffic: ``python -m bench.scaling_policies``.

The table is that of ``./arena scaling simulate``; beside it, ours against AWS target tracking, trace by trace
(docs/scaling.md states the model).
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import click

from bench.measure import Budget, Report, json_option

ROOT: Final = Path(__file__).resolve().parents[1]
TRACES: Final = ROOT / "bench" / "traces"
OURS, THEIRS = "predictive", "target-tracking"
NO_MORE: Final = Budget(at_most=1.0)


def simulated(traces: list[Path], policies: tuple[str, ...]) -> list[dict[str, Any]]:
    """A run of each policy on each trace."""
    names = [text for trace in traces for text in ("--trace", str(trace))]
    chosen = [text for policy in policies for text in ("--policy", policy)]
    command = [sys.executable, str(ROOT / "arena"), "scaling", "simulate", "--json", *names, *chosen]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own command)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--trace", "names", multiple=True, help="Only these of bench/traces, without .csv.")
@click.option("--policy", "policies", multiple=True, default=(THEIRS, OURS), show_default=True)
@json_option
def main(names: tuple[str, ...], policies: tuple[str, ...], json_file: Path | None) -> None:
    """Run policies on the recorded traces and compare ours with AWS target tracking."""
    traces = [path for path in sorted(TRACES.glob("*.csv")) if not names or path.stem in names]
    if not traces:
        raise click.BadParameter(f"no such trace; there are: {', '.join(p.stem for p in sorted(TRACES.glob('*.csv')))}")
    report = Report("scaling_policies", {"traces": len(traces)})
    for trace in traces:
        runs = {run["policy"]: run for run in simulated([trace], policies)}
        report.section(trace.stem)
        for policy, run in runs.items():
            report.figure(f"{policy}: spilled", run["spill_share"] * 100, "%")
            report.figure(f"{policy}: cost", run["cost_usd"], "USD")
        if OURS in runs and THEIRS in runs:
            for what, key in (("spilled", "spill_share"), ("cost", "cost_usd")):
                ratio = runs[OURS][key] / runs[THEIRS][key] if runs[THEIRS][key] else float(runs[OURS][key] > 0)
                report.figure(f"{what}, {OURS} / {THEIRS}", ratio, budget=NO_MORE)
    report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
