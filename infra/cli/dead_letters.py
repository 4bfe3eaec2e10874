"""``./arena replication deadletters`` and ``replay``: events that could not be applied."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from chalicelib.clock import system_clock
from chalicelib.replication.dead_letters import Decision, Wanted, decide
from chalicelib.replication.signing import Keyring, MalformedKeyring
from infra.cli.local import LocalCloud
from infra.cloud import Cloud
from infra.dead_letters import QueueTrouble, RegionQueues, find_queues, held_letters, send_back


@dataclass(frozen=True)
class Target:
    """One region's queues, and what its events are believed by."""

    region: str
    sqs: Any
    queues: RegionQueues
    secret: str | None
    sources: tuple[str, ...]


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--region", "regions", multiple=True, help="The region that could not apply them; all by default."
        ),
        click.option("--aws", is_flag=True, help="In AWS, with your credentials, instead of the local cloud."),
        click.option("--queue", help="Name of the queue of incoming events, where several may be meant."),
        click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Per region."),
        click.option("--state-dir", type=click.Path(path_type=Path), help="The local cloud's state directory."),
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    ):
        function = option(function)
    return function


def _targets(
    regions: tuple[str, ...], queue: str | None, state_dir: Path | None, secret: str | None, *, aws: bool
) -> Iterator[Target]:
    """Raises ``click.UsageError`` and ``click.ClickException``."""
    if aws and not regions:
        raise click.UsageError("--aws needs --region")
    local = None if aws else LocalCloud.running(state_dir)
    if local is not None:
        secret = str(local.secrets.get("REPLICATION_SECRET") or "") or secret
    for region in regions or (local.regions if local is not None else ()):
        endpoint = None
        if local is not None:
            local.region(region)
            endpoint = str(local.status["localstack"])
        sqs = Cloud(region, endpoint).client("sqs")
        sources = tuple(name for name in local.regions if name != region) if local is not None else ()
        yield Target(region, sqs, _found(sqs, queue, region), secret, sources)


def _found(sqs: Any, queue: str | None, region: str) -> RegionQueues:
    try:
        return find_queues(sqs, queue)
    except QueueTrouble as error:
        raise click.ClickException(f"{region}: {error}") from error


@click.command()
@_options
def deadletters(
    *,
    regions: tuple[str, ...],
    aws: bool,
    queue: str | None,
    limit: int,
    state_dir: Path | None,
    as_json: bool,
) -> None:
    """List events that could not be applied, and why. Takes none of them away."""
    reports: list[dict[str, Any]] = []
    for target in _targets(regions, queue, state_dir, None, aws=aws):
        with _letters(target, limit) as letters:
            decisions = decide(letters, Wanted(), system_clock())
        reports += [{"region": target.region, **_listed(one)} for one in decisions]
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    else:
        click.echo("\n".join(_letter_line(one) for one in reports) or "no dead letters")


def _listed(decision: Decision) -> dict[str, Any]:
    shown = decision.shown()
    fate = {"fault": shown["why"]} if decision.envelope is None else {}
    return {name: value for name, value in shown.items() if name not in ("fate", "why")} | fate


def _letters(target: Target, limit: int) -> Any:
    return held_letters(target.sqs, target.queues, limit)


@click.command()
@click.option("--entity", help="Only events of this collection.")
@click.option("--key", help="Only events of this document.")
@click.option("--reason", help="Only those given up for this reason, or a part of it.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]), help="UTC.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent back; send nothing.")
@click.option("--secret", envvar="REPLICATION_SECRET", help="The regions' keys; the local cloud's by default.")
@_options
def replay(
    *,
    entity: str | None,
    key: str | None,
    reason: str | None,
    since: datetime | None,
    dry_run: bool,
    secret: str | None,
    regions: tuple[str, ...],
    aws: bool,
    queue: str | None,
    limit: int,
    state_dir: Path | None,
    as_json: bool,
) -> None:
    """Send dead letters back to be applied, in the order of their versions.

    Each is checked again: signed with a key that is believed now, from a region of this arena, not too old. Deleted
    only after it was sent; a second copy does no harm. Exits with 1 when something asked for was refused.
    """
    wanted = Wanted(entity=entity, key=key, reason=reason, since=since.replace(tzinfo=UTC) if since else None)
    reports: list[dict[str, Any]] = []
    for target in _targets(regions, queue, state_dir, secret, aws=aws):
        with _letters(target, limit) as letters:
            decisions = decide(letters, wanted, system_clock(), keyring=_keyring(target.secret), sources=target.sources)
            failed = {} if dry_run else _sent(target, decisions)
        reports += [{"region": target.region, **_told(one, failed, dry_run=dry_run)} for one in decisions]
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    else:
        click.echo("\n".join(_replay_lines(reports)))
    if any(one["fate"] in ("refused", "failed") for one in reports):
        raise SystemExit(1)


def _keyring(secret: str | None) -> Keyring:
    if not secret:
        raise click.UsageError("--secret (or REPLICATION_SECRET) is needed: signatures are checked again")
    try:
        return Keyring.parse(secret)
    except MalformedKeyring as error:
        raise click.UsageError(f"--secret: {error}") from error


def _sent(target: Target, decisions: Sequence[Decision]) -> dict[str, str]:
    """Sends what is to be; why it failed, by message id."""
    letters = [one.letter for one in decisions if one.fate == "replay"]
    left = {letter.message_id: "not tried" for letter in letters}
    try:
        for letter, failure in send_back(target.sqs, target.queues, letters):
            left[letter.message_id] = failure
    except QueueTrouble as error:
        click.echo(f"{target.region}: {error}", err=True)
    return {message_id: failure for message_id, failure in left.items() if failure}


def _told(decision: Decision, failed: dict[str, str], *, dry_run: bool) -> dict[str, Any]:
    shown = decision.shown()
    if decision.fate == "replay" and not dry_run:
        failure = failed.get(decision.letter.message_id)
        shown |= {"fate": "sent"} if failure is None else {"fate": "failed", "why": failure}
    return shown


def _letter_line(one: dict[str, Any]) -> str:
    if one["eventId"] is None:
        return f"{one['region']}  {one['diedAt']}  message {one['messageId']}: {one['reason']} ({one['fault']})"
    event = f"{one['eventId']} {one['entity']} {one['key']} from {one['source']}"
    return f"{one['region']}  {one['diedAt']}  {event}, {one['attempts']} attempts: {one['reason']}"


def _replay_lines(reports: list[dict[str, Any]]) -> Iterator[str]:
    for one in reports:
        if one["fate"] != "left out":
            event = one["eventId"] or f"message {one['messageId']}"
            yield (
                f"{one['region']}  {one['version'] or '-':17}  {event} {one['entity'] or '?'} {one['key'] or '?'}: "
                + (f"{one['fate']}, {one['why']}")
            )
    fates = Counter(one["fate"] for one in reports)
    yield ", ".join(f"{number} {fate}" for fate, number in sorted(fates.items())) or "no dead letters"
