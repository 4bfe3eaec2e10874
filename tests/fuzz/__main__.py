"""``python -m tests.fuzz``: the readers of what strangers send, led by coverage (atheris) for as long as you like.

Each target runs in a process of its own, from its samples and from what earlier runs found interesting, which is kept
in a folder beside the environments and not in the repository.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".arena" / "fuzz"
LENGTH_MAX = 4096
ONE_INPUT_SECONDS = 10
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")
_COVERED = re.compile(r"cov: (\d+)")


@click.command()
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--seconds", type=click.IntRange(1), default=60, show_default=True, help="For each target.")
@click.option("--seed", type=click.IntRange(1), default=None, help="Of the changes; printed otherwise.")
def main(names: tuple[str, ...], seconds: int, seed: int | None) -> None:
    """Fuzz the readers of what strangers send; all of them, or those named. Fails with the input that broke one."""
    if importlib.util.find_spec("atheris") is None:
        raise click.ClickException("atheris is not installed here\nhint: make fuzz")
    from tests.fuzz.targets import TARGETS

    unknown = sorted(set(names) - set(TARGETS))
    if unknown:
        raise click.ClickException(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    broken = [name for name in names or TARGETS if not _fuzz(name, seconds, seed)]
    if broken:
        raise click.ClickException(f"broken: {', '.join(broken)}")


def _fuzz(name: str, seconds: int, seed: int | None) -> bool:
    """Whether nothing was found."""
    corpus, findings = KEPT / name, KEPT / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={LENGTH_MAX}", f"-timeout={ONE_INPUT_SECONDS}"]
    options += [f"-artifact_prefix={findings}/{name}-", *([] if seed is None else [f"-seed={seed}"])]
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(corpus), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    runs, covered = _DONE.search(done.stderr), _COVERED.findall(done.stderr)
    if done.returncode or runs is None:
        click.echo(f"{name}: BROKEN\n{(done.stdout + done.stderr)[-4000:]}", err=True)
        return False
    used = re.search(r"Seed: (\d+)", done.stderr)
    told = f"{int(runs[1]):>12,} runs in {runs[2]} s, {covered[-1]} branches covered, seed {used[1] if used else '?'}"
    click.echo(f"{name:16} {told}")
    return True


if __name__ == "__main__":
    main()
