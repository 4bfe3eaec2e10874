"""``./arena shard analyze``: what a shard key would do to the documents there are."""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence

import click

from chalicelib.data.sharding import SHARDED, ShardKey
from infra.cli.databases import opened, options
from infra.sharding.cluster import as_key, boards
from infra.sharding.measure import SAMPLE_MAX, NothingToMeasure
from infra.sharding.report import json_of, judged, table


@click.command("analyze")
@click.option(
    "--key",
    "asked",
    multiple=True,
    metavar="COLLECTION=JSON",
    help='A key to judge, such as battles=\'{"requestId": "hashed"}\'; may be repeated. Else the planned ones.',
)
@click.option(
    "--sample",
    type=click.IntRange(min=1000),
    default=SAMPLE_MAX,
    show_default=True,
    help="Documents, at most, whose order is looked at; values are counted over all.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@options
def command(mongo_uri: str, database: str, asked: tuple[str, ...], sample: int, as_json: bool) -> None:
    """Judge shard keys on a database's documents and the arena's own queries. Reads only.

    Without --key: the planned keys, the guide's and others that look as good, side by side; exits with 1 when a planned
    one is refused. With --key: those; exits with 1 when one of them is refused.
    """
    wanted = _wanted(asked)
    with opened(mongo_uri) as client:
        try:
            found = judged(
                client[database],
                boards=boards(client, database),
                asked=wanted,
                sample=sample,
                progress=_progress,
            )
        except NothingToMeasure as error:
            raise click.ClickException(str(error)) from error
    click.echo(json_of(found) if as_json else "\n".join(table(found)))
    if any(one.refusals for one in found if one.whose in ("ours", "asked")):
        raise SystemExit(1)


def _wanted(asked: Sequence[str]) -> Mapping[str, Sequence[ShardKey]] | None:
    if not asked:
        return None
    names = [one.collection for one in SHARDED]
    found: defaultdict[str, list[ShardKey]] = defaultdict(list)
    for text in asked:
        collection, _, key = text.partition("=")
        if collection not in names:
            raise click.UsageError(f"--key {text}: a key of {', '.join(names)}")
        found[collection].append(_key(text, key))
    return found


def _key(text: str, key: str) -> ShardKey:
    try:
        parsed = json.loads(key)
    except ValueError:
        parsed = None
    kinds = list(parsed.values()) if isinstance(parsed, dict) else []
    if not kinds or any(kind not in (1, "hashed") for kind in kinds) or kinds.count("hashed") > 1:
        raise click.UsageError(f'--key {text}: fields with 1, and one of them with "hashed", as JSON')
    return as_key(parsed)


def _progress(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{what}: {done:,} of {of:,}", nl=done >= of, err=True)
