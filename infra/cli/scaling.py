"""``./arena scaling``: checks rule sets, and makes logged decisions again."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from chalicelib.scaling.constant_load import ConstantLoad
from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.model import ScalingLimits
from chalicelib.scaling.replay import Replay, replay, what_if
from chalicelib.scaling.rule_set import RuleSet, digest, read_rule_set, rule_set_data
from chalicelib.scaling.rule_sets import RULE_SETS
from chalicelib.scaling.stability import Cycle, Proof, Suspicion, Verdict, check
from infra.cli.scaling_control import evaluate, log, override, show
from infra.cli.simulate import command as simulate
from infra.template import STAGES

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")


@click.group()
def command() -> None:
    """Show, override, check, simulate and replay how a region scales."""


@command.command("check")
@click.option("--rules", type=_FILE, help="A rule set of your own (JSON), instead of the guide's.")
@click.option("--stage", type=click.Choice(list(STAGES)), help="Check within this stage's bounds only.")
@_JSON
def check_command(rules: Path | None, stage: str | None, as_json: bool) -> None:
    """Prove that a rule set comes to rest under every constant load, or show a load under which it never does.

    Exits with 1 unless everything is proved. docs/scaling.md says what is proved, and what is not.
    """
    verdicts = [(name, rule_set, check(rule_set)) for name, rule_set in _rule_sets(rules, stage)]
    if as_json:
        click.echo(json.dumps([_verdict_data(*verdict) for verdict in verdicts], indent=2))
    else:
        for verdict in verdicts:
            click.echo("\n".join(_verdict_lines(*verdict)))
        proofs = [verdict for _, _, verdict in verdicts if isinstance(verdict, Proof)]
        click.echo("\n".join(_small_print(proofs)), nl=bool(proofs))
    if not all(isinstance(verdict, Proof) for _, _, verdict in verdicts):
        raise SystemExit(1)


def _rule_sets(rules: Path | None, stage: str | None) -> Iterator[tuple[str, RuleSet]]:
    tiers = [STAGES[stage].tier] if stage else [spec.tier for spec in STAGES.values()]
    if rules is None:
        yield from ((tier.name, RULE_SETS[tier.name]) for tier in tiers)
        return
    rule_set = _read_rules(rules)
    if stage:
        limits = ScalingLimits(min=tiers[0].min_instances, max=tiers[0].max_instances)
        rule_set = replace(rule_set, limits=limits)
    yield str(rules), rule_set


def _read_rules(path: Path) -> RuleSet:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from error
    return read_rule_set(data)


def _verdict_lines(name: str, rule_set: RuleSet, verdict: Verdict) -> Iterator[str]:
    limits = rule_set.limits
    title = f"{name} ({rule_set.name} {digest(rule_set_data(rule_set))}, {limits.min} to {limits.max} environments)"
    if isinstance(verdict, Proof):
        yield f"{title}: calm, in all of {verdict.classes} classes of loads"
    elif isinstance(verdict, Cycle):
        yield f"{title}: NOT CALM. It never comes to rest:"
        yield f"  {' -> '.join(map(str, verdict.capacities))} environments, for ever"
        yield f"  under {_load_words(verdict.suspicion)}"
        if verdict.load.ceiling is not None:
            yield f"  with something else, a connection budget say, that allows {verdict.load.ceiling}"
        yield f"  evaluated every {verdict.every_seconds} s from {verdict.start}, run with {_load(verdict.load)}:"
        round_ = verdict.run.decisions[verdict.run.repeats_from :]
        yield from (f"    {decision.at:5.0f} s  {decision.reason}" for decision in round_ if decision.action != "hold")
    else:
        worst = verdict.suspicions[0]
        yield f"{title}: NOT PROVED. No run that repeats itself was found, but it can't be excluded:"
        yield f"  under {_load_words(worst)}"
        yield f"  a fleet that stopped at {worst.high} would go in to {worst.low}, and from there out to it again"


def _small_print(proofs: list[Proof]) -> Iterator[str]:
    """What the proofs have in common, once."""
    if proofs:
        yield "calm = comes to rest under every constant load, from every capacity, whatever happened before"
    for word, texts in (
        ("assumed", [text for proof in proofs for text in proof.assumes]),
        ("not proved", [text for proof in proofs for text in proof.not_proved]),
    ):
        yield from (f"  {word}: {text}" for text in dict.fromkeys(texts))


def _load_words(suspicion: Suspicion) -> str:
    low, high = suspicion.interval
    if low == high:
        return f"a constant {suspicion.metric} that sums up to {low:g}, all else idle"
    return f"any constant {suspicion.metric} that sums up to more than {low:g} and less than {high:g}, all else idle"


def _load(load: ConstantLoad) -> str:
    parts = [f"{metric} {total:g}" for metric, total in load.sums.items() if total]
    parts += [f"{metric} that {needed} keep up with" for metric, needed in load.needed.items() if needed]
    return ", ".join(parts)


def _verdict_data(name: str, rule_set: RuleSet, verdict: Verdict) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": name,
        "rule_set": rule_set.name,
        "digest": digest(rule_set_data(rule_set)),
        "limits": asdict(rule_set.limits),
        "verdict": type(verdict).__name__.lower(),
    }
    if isinstance(verdict, Proof):
        return {**data, **asdict(verdict)}
    if isinstance(verdict, Cycle):
        return {
            **data,
            "capacities": verdict.capacities,
            "load": asdict(verdict.load),
            "metric": verdict.suspicion.metric,
            "interval": verdict.suspicion.interval,
            "start": verdict.start,
            "every_seconds": verdict.every_seconds,
            "decisions": [asdict(decision) for decision in verdict.run.decisions[verdict.run.repeats_from :]],
        }
    return {**data, "suspicions": [asdict(suspicion) for suspicion in verdict.suspicions]}


@command.command("replay")
@click.argument("log", type=_FILE)
@click.option("--with", "rules", type=_FILE, help="Show what this rule set (JSON) would have decided instead.")
@_JSON
def replay_command(log: Path, rules: Path | None, as_json: bool) -> None:
    """Make the decisions of LOG again, and compare them byte for byte.

    LOG has one decision record per line, oldest first. Exits with 1 when a decision comes out otherwise than
    recorded; with --with, differences are the answer and the exit is 0.
    """
    with log.open(encoding="utf-8") as lines:
        report = what_if(lines, GuidePolicy(_read_rules(rules))) if rules else replay(lines)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2))
    else:
        click.echo("\n".join(_replay_lines(report, asked=rules is not None)))
    if report.differences and not rules:
        raise SystemExit(1)


def _replay_lines(report: Replay, *, asked: bool) -> Iterator[str]:
    for each in report.differences:
        at = datetime.fromtimestamp(each.at, UTC).isoformat(timespec="seconds")
        parts = "" if asked else f" ({', '.join(each.parts)})"
        yield f"line {each.line}, {at}: {each.recorded} became {each.replayed}{parts}"
        yield f"  - {each.recorded_reason}"
        yield f"  + {each.replayed_reason}"
    if asked:
        yield f"{len(report.differences)} of {report.decisions} decisions would have been others"
    elif report.differences:
        yield f"{len(report.differences)} of {report.decisions} decisions came out otherwise than recorded"
    else:
        yield f"{report.decisions} decisions made again, byte for byte the same"


for _control in (show, evaluate, override, log, simulate):
    command.add_command(_control)
