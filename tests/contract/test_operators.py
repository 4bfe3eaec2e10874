"""Operators' sign-in, game modes and settings; on both stores."""

from operator import itemgetter
from typing import Any

import pytest

from chalicelib.arena.economy_config import DEFAULTS
from chalicelib.arena.game_mode_admin import MODE_DEFAULTS
from chalicelib.arena.operator_actions import By
from chalicelib.arena.operator_sign_in import OperatorSignIn, issue_token
from chalicelib.credentials import PasswordHash, keyed_hash, read_token, sign_token
from chalicelib.errors import ArenaError, BadRequest, Conflict, NotFound, TooManyRequests, Unauthorized
from chalicelib.settings import OperatorSettings
from tests.worlds import NOON, World

EMAIL, PASSWORD = "ops@arena.test", "correct horse"
SECRET = "a-token-secret-of-tests-only-0123456789"
OPERATOR = OperatorSettings(email=EMAIL, password_hash=PasswordHash.of(PASSWORD), token_secret=SECRET)
BY = By(operator=EMAIL, request_id="http-1")
NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def sign_in(world: World) -> OperatorSignIn:
    return OperatorSignIn(OPERATOR, world.sign_in_tries, world.clock)


def refusal(act: Any, *given: Any, **named: Any) -> ArenaError:
    with pytest.raises(ArenaError) as caught:
        act(*given, **named)
    return caught.value


def test_a_password_gives_a_token_for_twelve_hours(sign_in: OperatorSignIn, world: World) -> None:
    """The address in any case; recognised to the last second, and then no more."""
    answer = sign_in.login("OPS@arena.test", PASSWORD, "192.0.2.1")
    assert (answer["tokenType"], answer["role"]) == ("Bearer", "superadmin")
    assert (answer["expiresAt"] - NOON).total_seconds() == 12 * 3600
    claims = read_token(answer["token"], SECRET)
    assert (claims["role"], claims["exp"] - claims["iat"]) == ("superadmin", 12 * 3600)
    world.clock.advance(12 * 3600 - 1)
    assert sign_in.identify(answer["token"]) == EMAIL
    world.clock.advance(1)
    assert refusal(sign_in.identify, answer["token"]).code == "admin auth expired"


@pytest.mark.parametrize(
    ("email", "password"), [(EMAIL, "wrong"), ("other@arena.test", PASSWORD), (EMAIL, " " + PASSWORD)]
)
def test_a_wrong_address_or_password_is_one_refusal(sign_in: OperatorSignIn, email: str, password: str) -> None:
    error = refusal(sign_in.login, email, password, "192.0.2.1")
    assert isinstance(error, Unauthorized)
    assert (error.code, error.details) == ("invalid credentials", None)


def test_five_tries_in_fifteen_minutes(sign_in: OperatorSignIn, world: World) -> None:
    """By e-mail and client address; the sixth waits as long as it is told, and no longer."""
    for _ in range(4):
        assert refusal(sign_in.login, EMAIL, "wrong", "192.0.2.1").code == "invalid credentials"
        world.clock.advance(60)
    sign_in.login(EMAIL, PASSWORD, "192.0.2.1")
    error = refusal(sign_in.login, EMAIL, PASSWORD, "192.0.2.1")
    assert isinstance(error, TooManyRequests)
    assert (error.code, error.headers) == ("rate_limited", {"Retry-After": str((15 - 4 + 1) * 60)})
    sign_in.login(EMAIL, PASSWORD, "192.0.2.2")
    assert refusal(sign_in.login, "x@arena.test", PASSWORD, "192.0.2.1").code == "invalid credentials"
    world.clock.advance(int(error.headers["Retry-After"]) - 1)
    assert refusal(sign_in.login, EMAIL, PASSWORD, "192.0.2.1").status == 429


def test_a_refused_client_that_waits_gets_in(sign_in: OperatorSignIn, world: World) -> None:
    for _ in range(5):
        refusal(sign_in.login, EMAIL, "wrong", "192.0.2.1")
    error = refusal(sign_in.login, EMAIL, PASSWORD, "192.0.2.1")
    world.clock.advance(int(error.headers["Retry-After"]))
    assert sign_in.login(EMAIL, PASSWORD, "192.0.2.1")["token"]


def test_tries_are_kept_without_naming_anyone(sign_in: OperatorSignIn, world: World) -> None:
    """A keyed hash and times, forgotten when the window is over."""
    refusal(sign_in.login, EMAIL, "wrong", "192.0.2.1")
    (kept,) = world.read("operatorsignins")
    assert set(kept) == {"_id", "tries", "expiresAt"}
    assert kept["_id"] == keyed_hash(SECRET, "operator-sign-in", EMAIL, "192.0.2.1")
    assert (kept["expiresAt"] - NOON).total_seconds() == 15 * 60


def test_only_this_arenas_own_tokens_count(sign_in: OperatorSignIn) -> None:
    """Unsigned, signed by others, for another role or account, of an older password: all refused alike."""
    good = dict(read_token(issue_token(OPERATOR, NOON), SECRET))
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + sign_token(good, SECRET).split(".")[1] + "."
    older = OperatorSettings(email=EMAIL, password_hash=PasswordHash.of("older"), token_secret=SECRET)
    foreign = OperatorSettings(email="x@arena.test", password_hash=OPERATOR.password_hash, token_secret=SECRET)
    for token in (
        "nonsense",
        unsigned,
        sign_token(good, "another-secret-another-secret-another"),
        sign_token({**good, "role": "player"}, SECRET),
        sign_token({**good, "exp": None}, SECRET),
        sign_token({name: value for name, value in good.items() if name != "exp"}, SECRET),
        issue_token(older, NOON),
        issue_token(foreign, NOON),
    ):
        assert refusal(sign_in.identify, token).code == "admin auth failed", token
    assert refusal(sign_in.identify, "").code == "admin auth required"


def test_without_an_operator_there_is_nothing(world: World) -> None:
    """Neither sign-in nor recognition exists, and nothing is counted."""
    closed = OperatorSignIn(None, world.sign_in_tries, world.clock)
    assert isinstance(refusal(closed.login, EMAIL, PASSWORD, "192.0.2.1"), NotFound)
    assert isinstance(refusal(closed.identify, issue_token(OPERATOR, NOON)), NotFound)
    assert world.read("operatorsignins") == []


def test_a_new_mode_can_be_fought_at_once(world: World) -> None:
    """With the game's defaults for what is not said, and a row that says who made it."""
    mode = world.mode_admin().create({"key": "sprint", "name": "Sprint", "arena": "sprint"}, BY)
    assert {name: mode[name] for name in MODE_DEFAULTS} == MODE_DEFAULTS
    assert world.one("gamemodes", key="sprint") == mode
    world.add_player()
    battle = world.battles().run(world.command(world.add_broker(), mode_key="sprint")).battle
    assert (battle["arena"], battle["league"]) == ("sprint", "rookie")
    row = world.one("operatoractions")
    assert (row["action"], row["operator"], row["requestId"], row["entity"], row["entityId"]) == (
        *("game_mode.create", EMAIL, "http-1", "game_mode"),
        str(mode["_id"]),
    )
    assert (row["before"], row["after"], row["createdAt"]) == (None, mode, NOON)
    (event,) = (event for event in world.read("outbox") if event["entity"] == "game_mode")
    assert event["payload"]["document"] == mode


def test_a_taken_key_is_refused_and_changes_nothing(world: World) -> None:
    before = world.everything()
    error = refusal(world.mode_admin().create, {"key": "prediction", "name": "x", "arena": "x"}, BY)
    assert isinstance(error, Conflict)
    assert (error.code, error.details) == ("key already taken", {"key": "prediction"})
    assert world.everything() == before


def test_a_change_touches_only_what_it_names(world: World) -> None:
    """The next battle obeys; before and after are on record; a reset brings the default back."""
    admin, mode = world.mode_admin(), world.one("gamemodes", key="prediction")
    world.clock.advance(5)
    changed = admin.change(str(mode["_id"]), {"energyCost": 3, "rules": {"varianceBase": 0}}, NOTHING, BY)
    assert changed == {**mode, "energyCost": 3, "rules": {"varianceBase": 0}, "updatedAt": world.clock()}
    world.add_player()
    world.battles().run(world.command(world.add_broker()))
    assert world.one("brokers")["energy"] == 7
    world.clock.advance(5)
    reset = admin.change(str(mode["_id"]), {}, frozenset({"rules", "energyCost"}), BY)
    assert (reset["rules"], reset["energyCost"]) == ({}, 10)
    first, second = sorted(world.read("operatoractions"), key=itemgetter("createdAt"))
    assert (first["before"], first["after"]) == (mode, changed)
    assert (second["before"], second["after"]) == (changed, reset)


def test_a_disabled_mode_stays_on_the_operators_list(world: World) -> None:
    """Players are refused by key, and no longer find it by arena and league."""
    admin, mode = world.mode_admin(), world.one("gamemodes", key="prediction")
    admin.change(str(mode["_id"]), {"enabled": False}, NOTHING, BY)
    assert [one["key"] for one in admin.modes(enabled=False)] == ["prediction"]
    assert len(admin.modes()) == 15
    assert len(admin.modes(enabled=True)) == len(world.public().game_modes()) == 14
    broker = world.add_broker()
    assert refusal(world.battles().run, world.command(broker, mode_key="prediction")).code == "mode_disabled"
    assert refusal(world.battles().run, world.command(broker, "r2")).code == "invalid_mode"


def test_modes_are_listed_by_arena_and_league(world: World) -> None:
    admin = world.mode_admin()
    assert [one["key"] for one in admin.modes(arena="prediction")] == [
        *("prediction-elite", "prediction-pro"),
        "prediction",
    ]
    assert [one["arena"] for one in admin.modes(league="pro")] == sorted(
        ["prediction", "simulation", "strategyWars", "guildWars", "arbitrage"]
    )
    assert [one["key"] for one in admin.modes(arena="prediction", league="pro")] == ["prediction-pro"]


def test_a_deleted_mode_is_nowhere_to_be_found(world: World) -> None:
    """Not by key, not by arena and league, on no list; deleting or changing it again finds nothing."""
    admin, mode = world.mode_admin(), world.one("gamemodes", key="prediction")
    admin.delete(str(mode["_id"]), BY)
    broker = world.add_broker()
    assert refusal(world.battles().run, world.command(broker, mode_key="prediction")).code == "invalid_mode"
    assert refusal(world.battles().run, world.command(broker)).code == "invalid_mode"
    assert len(admin.modes()) == len(world.public().game_modes()) == 14
    for gone in (str(mode["_id"]), "0" * 24):
        assert isinstance(refusal(admin.delete, gone, BY), NotFound)
        assert isinstance(refusal(admin.change, gone, {"name": "x"}, NOTHING, BY), NotFound)
    assert world.one("operatoractions")["action"] == "game_mode.delete"


def test_a_deleted_key_can_be_used_again(world: World) -> None:
    """Begun anew: nothing of the old mode remains but its place."""
    admin, old = world.mode_admin(), world.one("gamemodes", key="prediction-pro")
    admin.delete(str(old["_id"]), BY)
    world.clock.advance(10)
    new = admin.create(
        {"key": "prediction-pro", "name": "New", "arena": "prediction", "rules": {"varianceBase": 1}}, BY
    )
    assert (new["_id"], new["league"], new["createdAt"]) == (old["_id"], "rookie", world.clock())
    assert world.one("gamemodes", key="prediction-pro") == new
    assert "deletedAt" not in new
    assert isinstance(refusal(admin.create, {"key": "prediction-pro", "name": "x", "arena": "x"}, BY), Conflict)


def test_changed_settings_are_in_force_at_once(world: World) -> None:
    """Settings in force are complete; the next battle pays by them; a reset brings the default back."""
    admin = world.economy_admin()
    assert admin.settings() == DEFAULTS
    after = admin.change({"baseRewardAibaPerScore": 5, "dailyCapAibaByArena": {"prediction": 10**6}}, NOTHING, BY)
    assert after == {**DEFAULTS, "baseRewardAibaPerScore": 5, "dailyCapAibaByArena": {"prediction": 10**6}}
    assert admin.settings() == after
    world.add_player()
    battle = world.battles().run(world.command(world.add_broker())).battle
    assert battle["rewardAiba"] == battle["score"] * 5
    assert admin.change({}, frozenset({"baseRewardAibaPerScore"}), BY)["baseRewardAibaPerScore"] == 2
    assert [row["action"] for row in admin.actions(10)] == ["economy_config.change"] * 2
    assert [len(admin.actions(limit)) for limit in (1, 2)] == [1, 2]


def test_a_change_of_nothing_is_refused(world: World) -> None:
    error = refusal(world.economy_admin().change, {}, NOTHING, BY)
    assert isinstance(error, BadRequest)
    assert error.code == "no valid fields to update"
    assert world.read("operatoractions") == []


def test_the_ledger_is_read_newest_first(world: World) -> None:
    """Of one player or of all, no more rows than asked for."""
    for number, who in enumerate("ababa"):
        world.clock.advance(1)
        world.add("ledgerentries", telegramId=who, amount=number)
    admin = world.economy_admin()
    assert [row["amount"] for row in admin.ledger(None, 100)] == [4, 3, 2, 1, 0]
    assert [row["amount"] for row in admin.ledger("a", 2)] == [4, 2]
    assert admin.ledger("nobody", 5) == []


def test_rows_of_one_moment_have_one_order(world: World) -> None:
    """The newest id first, however they were written."""
    ids = sorted(world.store.new_id() for _ in range(5))
    for place in (2, 0, 4, 1, 3):
        world.add("ledgerentries", _id=ids[place], telegramId="a")
        world.add("operatoractions", _id=ids[place])
    admin = world.economy_admin()
    for rows in (admin.ledger(None, 5), admin.ledger("a", 5), admin.actions(5)):
        assert [row["_id"] for row in rows] == ids[::-1]
