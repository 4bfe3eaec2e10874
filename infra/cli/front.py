"""``./arena front``: configurations of nginx and HAProxy for real deployments."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from infra.fronts import haproxy, nginx
from infra.fronts.addresses import pool_at, server_at
from infra.fronts.model import Front, Region
from infra.fronts.tiers import CERTIFICATE, FRONTS, SERVER_NAME, STATIC_ROOT, deployed

INFRA = Path(__file__).resolve().parents[1]


@click.group()
def command() -> None:
    """Print what nginx or HAProxy need to stand before the arena."""


@command.command()
@click.option("--tier", type=click.Choice(list(FRONTS)), required=True)
@click.option("--kind", type=click.Choice(("nginx", "haproxy")), help="Default: as the tier has it.")
@click.option("--backend", "backends", multiple=True, metavar="HOST:PORT", help="An instance. Default: the guide's.")
@click.option("--region", "regions", multiple=True, metavar="NAME=URL", help="A region's API instead of instances.")
@click.option("--websocket", "websockets", multiple=True, metavar="NAME=URL", help="A region's WebSocket address.")
@click.option("--server-name", default=SERVER_NAME, show_default=True, help="The name players use.")
@click.option("--certificate", default=CERTIFICATE, show_default=True, help="PEM: certificate, chain and key.")
@click.option("--no-tls", is_flag=True, help="TLS is ended before this front.")
@click.option("--static-root", default=STATIC_ROOT, show_default=True, help="Directory of assets (nginx).")
@click.option("--trust", "trusted", multiple=True, metavar="NETWORK", help="Of proxies before this front.")
@click.option("--resolver", help="Name server to ask for servers' addresses again and again.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write all files there instead.")
def render(
    *,
    tier: str,
    kind: str | None,
    backends: tuple[str, ...],
    regions: tuple[str, ...],
    websockets: tuple[str, ...],
    server_name: str,
    certificate: str,
    no_tls: bool,
    static_root: str,
    trusted: tuple[str, ...],
    resolver: str | None,
    out: Path | None,
) -> None:
    """Print the configuration of a tier's front.

    Before instances: --backend, as often as there are some. Before API Gateway: --region us-east-1=https://… for each
    region, by priority; more than one makes a geographic front.
    """
    chosen = kind or FRONTS[tier].kind
    if chosen == "none":
        raise click.UsageError(f"tier {tier} has no front; --kind nginx or --kind haproxy renders one all the same")
    front = replace(
        _front(tier, backends, regions, websockets),
        server_name=server_name,
        certificate=None if no_tls else certificate,
        static_root=static_root,
        trusted=trusted,
        resolver=resolver,
    )
    files = {"nginx.conf": nginx.render(front)} if chosen == "nginx" else _haproxy(front)
    if out is None:
        click.echo(next(iter(files.values())), nl=False)
        for name in list(files)[1:]:
            click.echo(f"note: it reads {name} from {haproxy.Runtime().directory}; --out writes both", err=True)
        return
    _write(out, files)


@command.command()
def examples() -> None:
    """Write the examples in infra/nginx and infra/haproxy anew."""
    from infra.fronts.examples import files

    _write(INFRA, files())


def _haproxy(front: Front) -> dict[str, str]:
    return {"haproxy.cfg": haproxy.render(front), **haproxy.files(front)}


def _front(tier: str, backends: tuple[str, ...], regions: tuple[str, ...], websockets: tuple[str, ...]) -> Front:
    if backends and regions:
        raise click.UsageError("--backend names instances of one region, --region names regions: give one of them")
    try:
        front = deployed(tier, [server_at(text) for text in backends])
        named, sockets = _named("--region", regions), _named("--websocket", websockets)
        unknown = [name for name in sockets if name not in named]
        if unknown:
            raise click.UsageError(f"--websocket {unknown[0]}: there is no --region of that name")
        if not named:
            return front
        found = (
            Region(name=name, api=pool_at(url), websocket=pool_at(sockets[name], None) if name in sockets else None)
            for name, url in named.items()
        )
        return replace(front, regions=tuple(found))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _named(option: str, given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, url = text.partition("=")
        if not equals or name in found:
            raise click.UsageError(f"{option} {text}: write NAME=URL, each name once")
        found[name] = url
    return found


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path}", err=True)
