"""``./arena scaling show|evaluate|override|log``: the running controller, through the API's operator routes."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from infra.cli.local import LocalCloud, local_token

TIMEOUT_SECONDS: Final = 30
_PATH: Final = "/api/ops/scaling"


class Region:
    """One region's API, and an operator's token for it."""

    def __init__(self, name: str, api_url: str, token: str) -> None:
        self.name = name
        self._api_url = api_url
        self._token = token

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's ``data``. Raises ``click.ClickException`` with the API's own words."""
        url = f"{self._api_url}{path}"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(url, data=data, method=method, headers=headers)  # noqa: S310 (the operator's)
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 (as above)
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise click.ClickException(f"{method} {url} answered {error.code}: {error.read().decode()}") from error
        except OSError as error:
            raise click.ClickException(f"{method} {url} did not answer ({error}); see ./arena status") from error
        except ValueError as error:
            raise click.ClickException(f"{method} {url} is no call of the arena's API ({error})") from error


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--region", "regions", multiple=True, help="One of the local cloud's regions; all by default."),
        click.option("--api", "api_url", help="Base URL of an API elsewhere (with --token)."),
        click.option("--token", envvar="ARENA_OPERATOR_TOKEN", help="Operator's token; the local one by default."),
        click.option("--state-dir", type=click.Path(path_type=Path), help="The local cloud's state directory."),
        click.option("--json", "as_json", is_flag=True, help="Print it as JSON."),
    ):
        function = option(function)
    return function


def _targets(
    regions: tuple[str, ...], api_url: str | None, token: str | None, state_dir: Path | None
) -> Iterator[Region]:
    if api_url is not None:
        if token is None:
            raise click.UsageError("--api needs --token: the local operator's is worth nothing elsewhere")
        yield Region(api_url, api_url, token)
        return
    local = LocalCloud.running(state_dir)
    for name in regions or local.regions:
        yield Region(name, local.api(name), token or local_token(local.secrets))


def _print(found: Mapping[str, Any], lines: Callable[[Any], Iterator[str]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for name, one in found.items():
            click.echo("\n".join((name, *(f"  {line}" for line in lines(one)))))


@click.command("show")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Decisions to show.")
@click.option("--moves", is_flag=True, help="Only decisions to change the number.")
@_options
def show(limit: int, moves: bool, as_json: bool, **where: Any) -> None:
    """Show policy, bounds, override and the latest decisions with their reasons."""
    wanted = 100 if moves else limit
    found = {region.name: region.call("GET", f"{_PATH}?limit={wanted}") for region in _targets(**where)}
    if moves:
        for state in found.values():
            state["decisions"] = [one for one in state["decisions"] if one["action"] != "hold"][:limit]
    _print(found, _state_lines, as_json=as_json)


@click.command("evaluate")
@click.option("--dry-run", is_flag=True, required=True, help="Required: the controller itself moves, each minute.")
@_options
def evaluate(dry_run: bool, as_json: bool, **where: Any) -> None:  # noqa: ARG001 (required, so it is true)
    """Show what the controller would do now: every input, every rule's outcome, every clamp."""
    found = {region.name: region.call("POST", f"{_PATH}/evaluate") for region in _targets(**where)}
    _print(found, _evaluation_lines, as_json=as_json)


@click.command("override")
@click.option("--desired", type=click.IntRange(min=1), help="Environments to have instead of the policy's number.")
@click.option("--minutes", type=click.IntRange(1, 1440), default=60, show_default=True, help="It ends by itself then.")
@click.option("--reason", help="Why; it stands in every decision meanwhile.")
@click.option("--clear", is_flag=True, help="End the override.")
@_options
def override(desired: int | None, minutes: int, reason: str | None, clear: bool, as_json: bool, **where: Any) -> None:
    """Fix the number of environments for a while, within bounds and connection budgets."""
    if clear == (desired is not None):
        raise click.UsageError("give --desired with a --reason, or --clear")
    if desired is not None and not (reason or "").strip():
        raise click.UsageError("--desired needs a --reason")
    found: dict[str, Any] = {}
    for region in _targets(**where):
        if clear:
            region.call("DELETE", f"{_PATH}/override")
            found[region.name] = None
        else:
            body = {"desired": desired, "minutes": minutes, "reason": reason}
            found[region.name] = region.call("POST", f"{_PATH}/override", body)
    _print(found, _override_lines, as_json=as_json)


@click.command("log")
@click.option("--limit", type=click.IntRange(1, 100), default=100, show_default=True, help="Latest decisions.")
@click.option("--region", default=None, help="The first of the local cloud by default.")
@click.option("--api", "api_url", help="Base URL of an API elsewhere (with --token).")
@click.option("--token", envvar="ARENA_OPERATOR_TOKEN", help="Operator's token; the local one by default.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="The local cloud's state directory.")
def log(limit: int, region: str | None, **where: Any) -> None:
    """Print the decision log, oldest first, a record a line: what ``./arena scaling replay`` reads."""
    (target, *_) = _targets(regions=(region,) if region else (), **where)
    state = target.call("GET", f"{_PATH}?limit={limit}")
    for decision in reversed(state["decisions"]):
        click.echo(decision["line"])


def _state_lines(state: Mapping[str, Any]) -> Iterator[str]:
    limits = state["limits"]
    yield f"policy {state['policy']}, {limits['min']} to {limits['max']} environments"
    yield from _override_lines(state["override"])
    for decision in state["decisions"]:
        move = decision["move"] or {"outcome": "not carried out"}
        yield f"{_time(decision['at'])} {decision['action']:<4} {decision['reason']} [{move['outcome']}]"


def _override_lines(found: Mapping[str, Any] | None) -> Iterator[str]:
    if found is None:
        yield "no override"
    else:
        yield f"override: {found['desired']} until {_time(found['until'])} by {found['by']}: {found['reason']}"


def _evaluation_lines(found: Mapping[str, Any]) -> Iterator[str]:
    inputs = found["inputs"]
    yield f"{inputs['requested']} environments asked for, {inputs['ready']} ready"
    for name, one in inputs["metrics"].items():
        yield f"  {name} = {one['value']:g} ({one['evidence']})" if "value" in one else f"  {name}: {one['missing']}"
    yield from (f"  at most {one['capacity']}, {one['name']}: {one['reason']}" for one in inputs["ceilings"])
    yield from (f"  {one['rule']} {one['wish']}: {one['reason']}" for one in found["outcomes"])
    yield f"{found['reason']} [{found['move']['outcome']}: {found['move']['reason']}]"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
