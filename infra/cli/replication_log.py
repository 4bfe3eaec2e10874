"""``./arena replication conflicts`` and ``lag``."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from chalicelib.clock import system_clock
from chalicelib.data.extended_json import to_json
from chalicelib.replication.lag import PairLag, lags
from infra.cli.replication_options import chosen, opened_logs, options

VALUE_SHOWN = 100
"""Characters of a value; --json has all of it."""


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The newest so many.")
@options
def conflicts(
    *, limit: int, given: tuple[str, ...], regions: str | None, state_dir: Path | None, as_json: bool
) -> None:
    """List writes that lost against others, with both versions, newest first."""
    found: dict[str, dict[str, Any]] = {}
    with opened_logs(chosen(given, regions, state_dir)) as logs:
        for region, log in logs.items():
            for conflict in log.conflicts(limit):
                seen = found.setdefault(str(conflict["_id"]), {**conflict, "foundIn": []})
                seen["foundIn"].append(region)
    newest = sorted(found.values(), key=lambda one: (one["detectedAt"], str(one["_id"])), reverse=True)[:limit]
    if as_json:
        click.echo(json.dumps(to_json(newest), indent=2))
    else:
        click.echo("\n".join(line for one in newest for line in _conflict_lines(one)) or "no conflicts")


def _conflict_lines(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"{one['detectedAt']:%Y-%m-%d %H:%M:%S} {one['collection']} {one['key']}: {one['field']}"
    for which in ("winner", "loser"):
        told = one[which]
        yield f"  {which:6} {told['version'] or '-':17}  {_short(told['value'])}"
    yield f"  found in {', '.join(one['foundIn'])} by {one['eventId']}"


def _short(value: Any) -> str:
    text = json.dumps(to_json(value), sort_keys=True)
    return text if len(text) <= VALUE_SHOWN else f"{text[:VALUE_SHOWN]}…"


@click.command()
@click.option(
    "--events", type=click.IntRange(1, 100_000), default=2000, show_default=True, help="Events looked at, per region."
)
@options
def lag(*, events: int, given: tuple[str, ...], regions: str | None, state_dir: Path | None, as_json: bool) -> None:
    """Show how long events take from commit to application, for each pair of regions, and what waits.

    Clocks that differ distort it, and are shown.
    """
    with opened_logs(chosen(given, regions, state_dir, at_least=2)) as logs:
        applied = {region: log.applied(events) for region, log in logs.items()}
        waiting = {
            (source, target): log.waiting(target) for source, log in logs.items() for target in logs if target != source
        }
    pairs = lags(applied, waiting, system_clock())
    if as_json:
        click.echo(json.dumps([pair.data() for pair in pairs], indent=2))
    else:
        click.echo("\n".join(_lag_lines(pairs)))


def _lag_lines(pairs: list[PairLag]) -> Iterator[str]:
    width = max(len(f"{pair.source} -> {pair.target}") for pair in pairs)
    yield f"{'':{width}}  events      p50      p99  waiting    oldest"
    for pair in pairs:
        times = "".join(f"{_milliseconds(one):>9}" for one in (pair.p50_seconds, pair.p99_seconds))
        oldest = "-" if pair.oldest_seconds is None else f"{pair.oldest_seconds:.0f} s"
        name = f"{pair.source} -> {pair.target}"
        yield f"{name:{width}} {pair.events:7}{times} {pair.waiting:8} {oldest:>9}"
        if pair.set_aside:
            yield f"  {pair.set_aside} events can't be sent: they are set aside in the outbox, with the fault"
    for pair in pairs:
        if pair.clocks_differ and pair.source < pair.target:
            yield _clocks(pair)


def _clocks(pair: PairLag) -> str:
    if pair.skew_seconds is None:
        return f"clocks: that of {pair.target} is behind that of {pair.source}"
    ahead, behind = (pair.target, pair.source) if pair.skew_seconds > 0 else (pair.source, pair.target)
    return f"clocks: that of {ahead} is about {abs(pair.skew_seconds):.2f} s ahead of that of {behind}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"
