"""Wiring: nothing at import, one arena per environment, rebuilt when the secret changes."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from chalicelib.errors import Unavailable
from chalicelib.settings import SettingsError
from chalicelib.wiring import SECRET_RETRY_SECONDS, Wiring
from chalicelib.wiring.scaling import budgets
from tests.unit.test_settings import DEVELOPMENT, PRODUCTION, SECRETS


class Vault:
    """A secret store in memory that can be rotated and broken."""

    def __init__(self) -> None:
        self.value: Mapping[str, str] = dict(SECRETS)
        self.broken = False
        self.asked = 0

    def __call__(self, secret_id: str) -> Mapping[str, str]:
        assert secret_id == "aiba-arena/prod"
        self.asked += 1
        if self.broken:
            raise ConnectionError("secrets manager is away")
        return self.value


def test_one_arena_serves_an_environment() -> None:
    wiring = Wiring(DEVELOPMENT)
    assert wiring.arena() is wiring.arena()


def test_a_rotated_secret_rebuilds_the_arena() -> None:
    vault = Vault()
    wiring = Wiring(PRODUCTION, vault)
    before = wiring.arena()
    vault.value = {**SECRETS, "TELEGRAM_BOT_TOKEN": "7654321:rotated"}
    after = wiring.arena()
    assert after is not before
    assert after.settings.bot_token == "7654321:rotated"


def test_an_unreadable_secret_keeps_the_last_one_and_is_not_asked_for_again_at_once() -> None:
    vault, time = Vault(), [0.0]
    wiring = Wiring(PRODUCTION, vault, lambda: time[0])
    arena = wiring.arena()
    vault.broken = True
    asked = vault.asked
    for _ in range(3):
        assert wiring.arena() is arena
    assert vault.asked == asked + 1
    vault.broken, vault.value = False, {**SECRETS, "TELEGRAM_BOT_TOKEN": "7654321:rotated"}
    time[0] = SECRET_RETRY_SECONDS
    assert wiring.arena().settings.bot_token == "7654321:rotated"


def test_without_any_secret_the_service_is_unavailable() -> None:
    vault = Vault()
    vault.broken = True
    with pytest.raises(Unavailable) as caught:
        Wiring(PRODUCTION, vault).arena()
    assert caught.value.headers["Retry-After"]


def test_settings_are_refused_until_they_are_right() -> None:
    environ = {**DEVELOPMENT, "ARENA_TIER": "tiny"}
    wiring = Wiring(environ)
    with pytest.raises(SettingsError):
        wiring.arena()
    environ["ARENA_TIER"] = "development"
    assert wiring.arena().settings.tier == "development"


def test_one_region_alone_has_no_replication() -> None:
    assert Wiring(DEVELOPMENT).arena().replication is None


def test_a_secret_that_is_no_keyring_is_refused_without_being_shown() -> None:
    several = {**DEVELOPMENT, "ARENA_REGIONS": "us-east-1,eu-west-1", "REPLICATION_SECRET": "k1:a-short-one"}
    with pytest.raises(SettingsError) as refused:
        _ = Wiring(several).arena().replication
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["REPLICATION_SECRET"]
    assert "a-short-one" not in str(refused.value)


def test_environments_of_separate_functions_share_connections_and_limits() -> None:
    said = {"ARENA_MONGO_CONNECTIONS": "1000", "ARENA_REDIS_CONNECTIONS": "1000", "ARENA_RATE_LIMITS": "on"}
    bounded = {**DEVELOPMENT, **said, "REDIS_URL": ""}
    alone, beside = (Wiring({**bounded, "ARENA_SEPARATE_ENVIRONMENTS": number}).arena() for number in ("0", "3"))
    before, after = (
        {one.name: one.other_environments for one in budgets(arena.settings, arena.pools)} for arena in (alone, beside)
    )
    # Three, and half as many on demand.
    assert {name: after[name] - before[name] for name in before} == {"mongo_connections": 5, "redis_connections": 5}
    degraded = []
    for arena in (alone, beside):
        assert arena.rate_limits is not None
        degraded.append(arena.rate_limits.admit("api", "address", "198.18.0.1").degraded)
    # Without Redis the only environment there may be counts the whole limit; one of four only its share.
    assert degraded == [False, True]


def test_importing_the_app_reads_no_setting() -> None:
    code = "import os; os.environ.clear(); import app"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
