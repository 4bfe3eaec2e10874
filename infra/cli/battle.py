"""``./arena battle``: fights one battle as a signed Telegram user, through the API, and checks its score."""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from chalicelib.arena.engine import simulate_battle
from chalicelib.arena.initdata import sign
from infra.cli.local import LocalCloud

TIMEOUT_SECONDS = 30
QUEUE_POLL_SECONDS = 0.2
QUEUE_WORD_SECONDS = 5
QUEUE_SECONDS_MAX = 120
"""A message whose worker died comes back after a minute."""
QUEUE_ATTEMPTS = 5
"""To have it queued: its ``requestId`` makes it one battle, however often it is asked for."""
BUSY_SECONDS, BUSY_SECONDS_MAX = 1, 10
"""Between attempts where the API names no time, and at most."""
BUSY = (503, 504)
"""The arena's word that it has no time for this now, and API Gateway's."""
NO_ANSWER = 0
PATIENCE_SECONDS_MAX = 180
"""With one call of a battle that waits for a busy arena."""


class Refused(click.ClickException):
    """A call that the API answered with ``status`` (``NO_ANSWER``: not at all), and perhaps with when to ask again."""

    def __init__(self, message: str, status: int, retry_after: str | None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_seconds = int(retry_after) if retry_after is not None and retry_after.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a battle is waited for: who is told how that goes, and the time."""

    tell: Callable[[str], None]
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def out(self, busy: Refused) -> None:
        """Waits as long as the API asks for, within bounds, and says so."""
        seconds = min(busy.retry_seconds or BUSY_SECONDS, BUSY_SECONDS_MAX)
        self.tell(f"the arena is busy, asked again after {seconds} s: {busy.message}")
        self.pause(seconds)


@dataclass(frozen=True, slots=True)
class BattleReport:
    """One battle as the API answered it, and what the engine says of its seed."""

    battle: Mapping[str, Any]
    initialization_type: str
    expected_score: int

    @property
    def agrees(self) -> bool:
        """Whether the API's score is the engine's."""
        return bool(self.battle["score"] == self.expected_score)


def signed_init_data(bot_token: str, user_id: int, username: str | None = None, *, now: float | None = None) -> str:
    """A signed X-Telegram-Init-Data value, as Telegram would give the player's client; ``player<ID>`` by default."""
    name = username or f"player{user_id}"
    user = json.dumps({"id": user_id, "first_name": name, "username": name}, separators=(",", ":"))
    auth_date = str(int(time.time() if now is None else now))
    return sign({"auth_date": auth_date, "query_id": uuid.uuid4().hex, "user": user}, bot_token)


def fight(
    api_url: str,
    bot_token: str,
    *,
    user_id: int = 777,
    username: str | None = None,
    arena: str = "prediction",
    league: str = "rookie",
    mode_key: str | None = None,
    broker_id: str | None = None,
    queued: Waiting | None = None,
    patient: Waiting | None = None,
) -> BattleReport:
    """Fights one battle with ``broker_id``, or with a new starter broker.

    With ``queued`` it goes through the queue, and is waited for so. With ``patient`` each call is made again while the
    arena has no time for it. Raises ``click.ClickException`` with the API's own words when a call is refused.
    """
    call = _call if patient is None else partial(_patiently, patient)
    headers = {"X-Telegram-Init-Data": signed_init_data(bot_token, user_id, username)}
    if broker_id is None:
        broker = call("POST", f"{api_url}/api/brokers/starter", headers)["data"]
    else:
        mine = call("GET", f"{api_url}/api/brokers/mine", headers)["data"]
        broker = next((one for one in mine if one["_id"] == broker_id), None)
        if broker is None:
            raise click.ClickException(f"user {user_id} has no broker {broker_id}")
    wanted = {"requestId": str(uuid.uuid4()), "brokerId": broker["_id"], "arena": arena, "league": league}
    if mode_key:
        wanted["modeKey"] = mode_key
    if queued is None:
        battle = call("POST", f"{api_url}/api/battle/run", headers, wanted)["data"]
    else:
        battle = _fight_queued(api_url, headers, wanted, queued)
    modes = call("GET", f"{api_url}/api/game-modes", headers)["data"]
    rules = next((mode.get("rules") for mode in modes if mode["key"] == battle["modeKey"]), None)
    score = simulate_battle(broker, int(battle["seedHex"][:8], 16), battle["arena"], battle["league"], rules)
    ready = call("GET", f"{api_url}/health/ready", headers)["data"]
    return BattleReport(battle, ready["environment"]["initializationType"], score)


def _fight_queued(
    api_url: str, headers: Mapping[str, str], wanted: Mapping[str, Any], waiting: Waiting
) -> Mapping[str, Any]:
    started = waiting.monotonic()
    accepted = _queued(f"{api_url}/api/battle/queue", headers, wanted, waiting)
    waiting.tell(f"queued; its status is at {accepted['statusUrl']}")
    told = accepted
    busy: Refused | None = None
    next_word = QUEUE_WORD_SECONDS
    while "battle" not in told:
        if "error" in told:
            raise click.ClickException(f"the queued battle was {told['status']}: {told['error']['code']}")
        waited = waiting.monotonic() - started
        if waited > QUEUE_SECONDS_MAX:
            last = f"the arena is still busy ({busy.message})" if busy else "still queued"
            raise click.ClickException(f"{last} after {QUEUE_SECONDS_MAX} s; ask again: GET {accepted['statusUrl']}")
        if waited > next_word:
            waiting.tell(f"still queued after {waited:.0f} s")
            next_word += QUEUE_WORD_SECONDS
        waiting.pause(QUEUE_POLL_SECONDS)
        try:
            told, busy = _call("GET", f"{api_url}{accepted['statusUrl']}", headers)["data"], None
        except Refused as refused:
            if refused.status not in BUSY:
                raise
            busy = refused
            waiting.out(busy)
    waiting.tell(f"fought after {waiting.monotonic() - started:.1f} s")
    battle: Mapping[str, Any] = told["battle"]
    return battle


def _queued(url: str, headers: Mapping[str, str], wanted: Mapping[str, Any], waiting: Waiting) -> Mapping[str, Any]:
    """What the API says to it, asked again while it says when to."""
    attempts = QUEUE_ATTEMPTS
    while True:
        attempts -= 1
        try:
            accepted: Mapping[str, Any] = _call("POST", url, headers, wanted)["data"]
            return accepted
        except Refused as refused:
            if refused.status not in BUSY or refused.retry_seconds is None or attempts == 0:
                raise
            waiting.out(refused)


def _patiently(
    waiting: Waiting, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None
) -> Any:
    """``_call``, again while nobody has time for it.

    A battle's ``requestId`` makes it one, however often; a starter broker whose answer was lost is one more.
    """
    started = waiting.monotonic()
    while True:
        try:
            return _call(method, url, headers, body)
        except Refused as refused:
            if refused.status not in (*BUSY, NO_ANSWER) or waiting.monotonic() - started > PATIENCE_SECONDS_MAX:
                raise
            waiting.out(refused)


def _call(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(  # noqa: S310 - the URL is the operator's own
            url, data=data, method=method, headers={**headers, "Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        message = f"{method} {url} answered {error.code}: {error.read().decode()}"
        raise Refused(message, error.code, error.headers["Retry-After"]) from error
    except OSError as error:
        message = f"{method} {url} did not answer ({error}); see ./arena status"
        raise Refused(message, NO_ANSWER, None) from error
    except ValueError as error:
        # Neither a URL that can be opened nor an answer that is JSON.
        raise click.ClickException(f"{method} {url} is no call of the arena's API ({error})") from error


def describe(region: str, report: BattleReport) -> str:
    """The battle in three lines."""
    battle = report.battle
    verdict = "equal to" if report.agrees else f"NOT {report.expected_score}, the score of"
    return (
        f"battle in {region}: mode {battle['modeKey']}, league {battle['league']}, broker {battle['brokerId']}\n"
        f"  score {battle['score']}, {verdict} the engine's for seed {battle['seedHex'][:8]}…\n"
        f"  reward {battle['rewardAiba']} AIBA, {battle['rewardNeur']} NEUR, {battle.get('starsGranted', 0)} star(s); "
        f"answered by a {report.initialization_type} environment"
    )


@click.command()
@click.option("--region", default=None, help="Region to fight in; the first one of the local cloud by default.")
@click.option("--api", "api_url", default=None, help="Base URL of an API elsewhere (with --bot-token).")
@click.option("--bot-token", envvar="TELEGRAM_BOT_TOKEN", default=None, help="Bot token; the local one by default.")
@click.option("--user", "user_id", type=click.IntRange(min=1), default=777, show_default=True, help="Telegram user id.")
@click.option("--username", default=None, help="Telegram username; player<ID> by default.")
@click.option("--arena", default="prediction", show_default=True)
@click.option("--league", default="rookie", show_default=True)
@click.option("--mode", "mode_key", default=None, help="Game mode key; wins over arena and league.")
@click.option("--broker", "broker_id", default=None, help="One of the user's brokers; a new starter by default.")
@click.option("--queued", is_flag=True, help="Send it through the queue and wait for the result.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="The local cloud's state directory.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    region: str | None,
    api_url: str | None,
    bot_token: str | None,
    user_id: int,
    username: str | None,
    arena: str,
    league: str,
    mode_key: str | None,
    broker_id: str | None,
    queued: bool,
    state_dir: Path | None,
    as_json: bool,
) -> None:
    """Fight one battle through the API and print it.

    Exits with 1 when the score is not the engine's.
    """
    if api_url is not None and bot_token is None:
        raise click.UsageError("--api needs --bot-token: the local bot's sign-in is worth nothing elsewhere")
    if api_url is None or bot_token is None:
        local = LocalCloud.running(state_dir)
        region = region or local.regions[0]
        api_url = api_url or local.api(region)
        bot_token = bot_token or local.bot_token
    report = fight(
        api_url,
        bot_token,
        user_id=user_id,
        username=username,
        arena=arena,
        league=league,
        mode_key=mode_key,
        broker_id=broker_id,
        queued=Waiting(partial(click.echo, err=True)) if queued else None,
    )
    if as_json:
        click.echo(json.dumps(asdict(report) | {"agrees": report.agrees}, indent=2))
    else:
        click.echo(describe(region or api_url, report))
    if not report.agrees:
        raise SystemExit(1)
