"""``./arena regions``: who serves for whom, and where, as each region's database has it."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import click

from chalicelib.replication.regions import roles_of
from infra.cli.region_databases import named_databases, opened_hands


@click.command()
@click.option("--url", "urls", multiple=True, metavar="REGION=URL", help="Tell all regions where a region's API is.")
@click.option("--mongo", "given", multiple=True, metavar="REGION=URI", help="A region's database; by priority.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Default: .arena/state.")
def command(urls: tuple[str, ...], given: tuple[str, ...], as_json: bool, state_dir: Path | None) -> None:
    """Show who serves whose players, as each database has it; tell regions each other's addresses.

    Requests are passed on to a player's home by these addresses: say them once after the first deployment, and when one
    changes. The local cloud does it by itself.
    """
    databases = named_databases(given, state_dir)
    names = [one.region for one in databases]
    addresses = dict(_address(text, names) for text in urls)
    with opened_hands(databases) as hands:
        missing = [name for name in names if name not in hands]
        if missing:
            raise click.ClickException(f"the database of {', '.join(missing)} does not answer")
        for hand in hands.values():
            for region, url in addresses.items():
                hand.introduce(region, url)
        found = {name: roles_of(names, hand.roles()) for name, hand in hands.items()}
    if as_json:
        told = {
            name: {role.region: {"servedBy": role.served_by, "epoch": role.epoch, "url": role.url} for role in roles}
            for name, roles in ((name, found[name].values()) for name in names)
        }
        click.echo(json.dumps(told, indent=2))
        return
    for name in names:
        click.echo(f"as {name} has it:")
        for role in found[name].values():
            serves = "nobody serves" if role.served_by is None else f"{role.served_by} serves"
            click.echo(f"  {role.region:16} {serves}, epoch {role.epoch}, {role.url or 'address not told'}")


def _address(text: str, known: list[str]) -> tuple[str, str]:
    region, _, url = text.partition("=")
    parts = urlsplit(url)
    if region not in known:
        raise click.UsageError(f"--url {text}: no region {region!r}; there are: {', '.join(known)}")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise click.UsageError(f"--url {text}: write REGION=https://host/path")
    return region, url.rstrip("/")
