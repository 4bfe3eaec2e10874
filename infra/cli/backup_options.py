"""What ``./arena backup`` and ``./arena restore`` have in common: where databases and backups are."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from chalicelib.backup.manifest import Manifest
from chalicelib.backup.naming import BackupName
from chalicelib.backup.ports import BackupError, ObjectStore
from chalicelib.backup.shelf import Shelf
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.errors import Unavailable
from infra.backup_buckets import store_of
from infra.cli.local import LocalCloud
from infra.cli.region_databases import RegionDatabase, named_databases
from infra.cloud import Cloud


def common(function: Callable[..., None]) -> Callable[..., None]:
    """Options ``region``, ``as_json`` and ``state_dir``."""
    for option in (
        click.option("--region", help="Whose. Default: the first there is."),
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
        click.option("--state-dir", type=click.Path(path_type=Path), help="The local cloud's state directory."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Site:
    """Where a region's database and its backups are."""

    database: RegionDatabase
    regions: tuple[str, ...]
    """All there are; of a single one nobody knows whether there are others."""


def site(region: str | None, given: Sequence[str], state_dir: Path | None) -> Site:
    """Raises ``click.UsageError`` and ``click.ClickException``."""
    databases = named_databases(given, state_dir)
    found = [one for one in databases if region in (None, one.region)]
    if not found:
        raise click.UsageError(f"--region {region}: there are {', '.join(one.region for one in databases)}")
    return Site(found[0], tuple(one.region for one in databases) if len(databases) > 1 else ())


def objects(text: str | None, region: str | None, state_dir: Path | None) -> ObjectStore:
    """The store named, else the region's in the running local cloud."""
    if text is not None:
        # Its region matters to S3 where the environment names none.
        return store_of(text, Cloud(region or "us-east-1"))
    local = LocalCloud.running(state_dir)
    region = region or local.regions[0]
    return store_of(local.region(region)["backups"], Cloud(region, local.status["localstack"]))


def newest(shelf: Shelf, region: str | None, backup: str | None) -> BackupName:
    """The backup of that id, else the region's newest. Raises ``click.ClickException``."""
    names = [name for name in shelf.names(region) if backup in (None, name.id)]
    whose = {(name.region, name.database) for name in names}
    if not names:
        what = f"no backup {backup}" if backup else "no backup"
        raise click.ClickException(f"{shelf.where} has {what}{f' of {region}' if region else ''}")
    if len(whose) > 1:
        told = ", ".join(f"{database} of {name}" for name, database in sorted(whose))
        raise click.UsageError(f"{shelf.where} has backups of {told}: say --region or --backup")
    return names[-1]


@contextlib.contextmanager
def opened(uri: str) -> Iterator[Pools]:
    """Connections to one database server or set."""
    pools = Pools(uri, without_secondaries(ENVIRONMENT_POOLS))
    try:
        yield pools
    finally:
        pools.close()


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """What is told of what goes wrong."""
    try:
        yield
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    except Unavailable as error:
        raise click.ClickException(f"a database did not answer: {error}") from error


def line(manifest: Manifest) -> str:
    """A backup for people."""
    name = manifest.name
    return (
        f"{name.id}  {name.region}  {name.database}  as of {manifest.point.at:%F %T}  "
        f"{manifest.documents:,} documents, {manifest.bytes / 1e6:,.1f} MB, {manifest.stored / 1e6:,.1f} MB stored"
    )
