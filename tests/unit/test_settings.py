"""Settings: every problem at once, secrets never shown, production stricter than development."""

import pytest

from chalicelib.settings import SECRET_KEYS, SettingsError, load, split_urls

SECRETS = {
    "MONGO_URI": "mongodb://db.internal:27017/?replicaSet=rs0&tls=true",
    "REDIS_URL": "rediss://cache.internal:6379",
    "TELEGRAM_BOT_TOKEN": "7654321:AAH-secret-token",
    "BATTLE_SEED_SECRET": "0f9d8c7b6a5948372615049382716a5b4c3d2e1f",
    "ADMIN_JWT_SECRET": "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    "ADMIN_EMAIL": "ops@arena.test",
    # Of "x".
    "ADMIN_PASSWORD_HASH": "scrypt$16384$8$1$84qS1L7arEYJpWqXgOYePg==$"
    "MhYxXNfdfv5wDnv3XOH8Q/64qax2MfGAn7Le4Lma3cP95vV6focJ5EBZQZhjt4KJ53OVEPAxssSFBvARURuFyQ==",
}
PRODUCTION = {
    "APP_ENV": "prod",
    "ARENA_TIER": "production",
    "ARENA_SECRET_ID": "aiba-arena/prod",
    "CORS_ORIGIN": "https://app.arena.test, https://t.arena.test/",
    "TELEGRAM_INITDATA_MAX_AGE_SECONDS": "900",
    "AWS_REGION": "eu-west-1",
}
DEVELOPMENT = {"APP_ENV": "dev", "ARENA_RATE_LIMITS": "off", **SECRETS}
"""Without rate limits: a test sends more than a player would. Tests of them switch them on."""


def problems(environ: dict[str, str], secrets: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, secrets)
    return list(caught.value.problems)


def test_production_settings_load() -> None:
    settings = load(PRODUCTION, SECRETS)
    assert settings.app_env == "prod"
    assert settings.region == "eu-west-1"
    assert settings.cors_origins == ("https://app.arena.test", "https://t.arena.test")
    assert settings.initdata_max_age_seconds == 900
    assert settings.body_limit_bytes == 1024 * 1024
    assert settings.header_auth is False


def test_secrets_do_not_show_in_the_representation() -> None:
    shown = repr(load(PRODUCTION, SECRETS))
    for key in ("MONGO_URI", "REDIS_URL", "TELEGRAM_BOT_TOKEN", "BATTLE_SEED_SECRET"):
        assert SECRETS[key] not in shown


def test_every_problem_is_reported_at_once_naming_key_and_remedy() -> None:
    found = problems(
        {
            "APP_ENV": "prod",
            "ARENA_TIER": "huge",
            "ARENA_SECRET_ID": "x",
            "ARENA_TEIR": "typo",
            "JSON_BODY_LIMIT": "9mb",
            "TELEGRAM_INITDATA_MAX_AGE_SECONDS": "soon",
        },
        {},
    )
    for start in (
        "ARENA_TEIR: unknown setting",
        "ARENA_TIER: 'huge'; allowed: development",
        "CORS_ORIGIN: not set",
        "MONGO_URI: not set",
        "TELEGRAM_BOT_TOKEN: not set",
        "BATTLE_SEED_SECRET: not set",
        "ADMIN_JWT_SECRET: not set",
        "ADMIN_EMAIL: not set",
        "ADMIN_PASSWORD_HASH: not set",
        "TELEGRAM_INITDATA_MAX_AGE_SECONDS: 'soon'",
        "JSON_BODY_LIMIT: '9mb'",
    ):
        assert any(problem.startswith(start) for problem in found), start


@pytest.mark.parametrize("key", ["CORS_ORIGIN", "TELEGRAM_INITDATA_MAX_AGE_SECONDS"])
def test_production_needs_plain_settings_set_explicitly(key: str) -> None:
    assert [problem.split(":")[0] for problem in problems({**PRODUCTION, key: " "}, SECRETS)] == [key]


@pytest.mark.parametrize("key", [key for key in SECRET_KEYS if key not in ("REDIS_URL", "REPLICATION_SECRET")])
def test_production_needs_every_secret(key: str) -> None:
    assert [problem.split(":")[0] for problem in problems(PRODUCTION, {**SECRETS, key: ""})] == [key]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_production_refuses_secrets_in_the_plain_environment(key: str) -> None:
    assert problems({**PRODUCTION, key: SECRETS.get(key, "any")}, SECRETS) == [
        f"{key}: set in the plain environment; move it into the secret and remove it here"
    ]


@pytest.mark.parametrize("key", ["BATTLE_SEED_SECRET", "ADMIN_JWT_SECRET"])
@pytest.mark.parametrize("value", ["short", "change-me-" * 4, "x" * 40, "dev-secret-dev-secret-dev-secret-"])
def test_production_refuses_weak_secrets_without_showing_them(key: str, value: str) -> None:
    found = problems(PRODUCTION, {**SECRETS, key: value})
    assert all(problem.startswith(key) for problem in found)
    assert all(value not in problem for problem in found)


@pytest.mark.parametrize("age", ["0", "-1"])
def test_production_never_skips_the_age_check(age: str) -> None:
    assert problems({**PRODUCTION, "TELEGRAM_INITDATA_MAX_AGE_SECONDS": age}, SECRETS)


def test_a_long_sign_in_age_is_warned_about() -> None:
    settings = load({**PRODUCTION, "TELEGRAM_INITDATA_MAX_AGE_SECONDS": "86401"}, SECRETS)
    assert "86401" in settings.warnings[0]
    assert load({**PRODUCTION, "TELEGRAM_INITDATA_MAX_AGE_SECONDS": "86400"}, SECRETS).warnings == ()


def test_the_header_short_cut_is_impossible_in_production() -> None:
    assert problems({**PRODUCTION, "ARENA_HEADER_AUTH": "true"}, SECRETS)
    assert load({**DEVELOPMENT, "ARENA_HEADER_AUTH": "true"}).header_auth is True


def test_an_illegible_password_hash_is_refused_without_showing_it() -> None:
    for environ, secrets in ((PRODUCTION, dict(SECRETS)), ({"APP_ENV": "dev"}, dict(SECRETS))):
        secrets["ADMIN_PASSWORD_HASH"] = "$2b$12$abcdefghijklmnopqrstuv"
        (problem,) = problems(environ, secrets)
        assert problem.startswith("ADMIN_PASSWORD_HASH: not of the form scrypt$N$r$p$SALT$HASH; make one with")
        assert "abcdefghij" not in problem


def test_without_admin_settings_development_has_no_operator() -> None:
    """All of them or none; in production all."""
    none = {key: value for key, value in DEVELOPMENT.items() if not key.startswith("ADMIN_")}
    assert load(none).operator is None
    operator = load(DEVELOPMENT).operator
    assert operator is not None
    assert operator.email == "ops@arena.test"
    assert SECRETS["ADMIN_JWT_SECRET"] not in repr(operator)
    assert [p.split(":")[0] for p in problems({**none, "ADMIN_EMAIL": "a@b.test"})] == [
        *("ADMIN_JWT_SECRET", "ADMIN_PASSWORD_HASH"),
    ]


def test_vault_settings_are_all_or_none() -> None:
    assert problems({**PRODUCTION, "ARENA_VAULT_ADDRESS": "EQ-vault"}, SECRETS)
    load({**PRODUCTION, "ARENA_VAULT_ADDRESS": "EQ-vault", "AIBA_JETTON_MASTER": "EQ-jetton"}, SECRETS)


@pytest.mark.parametrize(
    ("uri", "taken"),
    [
        ("mongodb+srv://arena:p@cluster.mongodb.net/?retryWrites=true", True),
        ("mongodb://db.internal/?replicaSet=rs0&TLS=true", True),
        ("mongodb://db.internal/?ssl=true", True),
        ("mongodb://db.internal:27017/?replicaSet=rs0", False),
        ("mongodb://tls=true@db.internal", False),
        ("mongodb+srv://cluster.mongodb.net/?tls=false", False),
        ("mongodb+srv://cluster.mongodb.net/?tlsInsecure=true", False),
        ("mongodb://db.internal/?tls=true&tlsAllowInvalidCertificates=true", False),
        ("mongodb://db.internal/?tls=true&tlsAllowInvalidHostnames=true", False),
    ],
)
def test_production_speaks_to_its_database_in_private(uri: str, taken: bool) -> None:
    secrets = {**SECRETS, "MONGO_URI": uri}
    load({**DEVELOPMENT, "MONGO_URI": uri})
    if taken:
        assert load(PRODUCTION, secrets).mongo_uri == uri
    else:
        (problem,) = problems(PRODUCTION, secrets)
        assert problem.startswith("MONGO_URI: is not encrypted")
        assert uri not in problem


def test_a_missing_app_env_means_production() -> None:
    assert any("ARENA_SECRET_ID" in problem for problem in problems(dict(SECRETS)))


@pytest.mark.parametrize(("text", "seconds"), [("", 900), ("-5", 0), ("60", 60)])
def test_development_reads_the_sign_in_age_as_the_game_does(text: str, seconds: int) -> None:
    assert load({**DEVELOPMENT, "TELEGRAM_INITDATA_MAX_AGE_SECONDS": text}).initdata_max_age_seconds == seconds


@pytest.mark.parametrize(("text", "size"), [("1mb", 1048576), ("512kb", 524288), ("100", 100), (" 2 MB ", 2097152)])
def test_body_limit_sizes(text: str, size: int) -> None:
    assert load({**DEVELOPMENT, "JSON_BODY_LIMIT": text}).body_limit_bytes == size


def test_an_endpoint_is_a_url_and_absent_means_none() -> None:
    name = "ARENA_WEBSOCKET_ENDPOINT"
    assert load(PRODUCTION, SECRETS).websocket_endpoint is None
    assert load({**PRODUCTION, name: " https://x.example/api/ "}, SECRETS).websocket_endpoint == "https://x.example/api"
    (problem,) = problems({**PRODUCTION, name: "x.example"}, SECRETS)
    assert problem.startswith(f"{name}: 'x.example'; an http or https URL")


def test_a_redis_cluster_is_told_by_its_mode_and_some_of_its_nodes() -> None:
    urls = "rediss://arena:p,w@a.cache:6379,rediss://arena:p,w@b.cache:6379/0, rediss://[fd00::1]:7000"
    settings = load({**PRODUCTION, "ARENA_REDIS_MODE": "cluster"}, {**SECRETS, "REDIS_URL": urls})
    assert (settings.redis_mode, settings.redis_url) == ("cluster", urls)
    assert [url[:10] for url in split_urls(urls)] == ["rediss://a", "rediss://a", "rediss://["]
    assert load(PRODUCTION, SECRETS).redis_mode == "single"


@pytest.mark.parametrize(
    ("mode", "urls", "problem"),
    [
        ("clustre", "rediss://cache", "ARENA_REDIS_MODE: 'clustre'; allowed: single, cluster"),
        ("single", "rediss://one,rediss://two", "REDIS_URL: 2 URLs; one URL, or set ARENA_REDIS_MODE=cluster"),
        (
            "cluster",
            "rediss://one,rediss://two:x",
            "REDIS_URL: URL 2 is illegible; rediss://user:password@host:port/database",
        ),
        ("single", "redis://cache", "REDIS_URL: URL 1 is not encrypted, or for anyone; rediss:// in production"),
        (
            "single",
            "rediss://cache?ssl_cert_reqs=none",
            "REDIS_URL: URL 1 is not encrypted, or for anyone; rediss:// in production",
        ),
        *(
            ("single", f"rediss://{rest}", "REDIS_URL: URL 1 is illegible; rediss://user:password@host:port/database")
            for rest in (":pw#x@cache", ":pw?x@cache", "cache:99999", "cache?socket_timeout=abc")
        ),
        ("single", "http://cache", "REDIS_URL: not a URI of the right kind; allowed: redis:// or rediss://…"),
    ],
)
def test_redis_settings_that_cannot_be_meant(mode: str, urls: str, problem: str) -> None:
    assert problems({**PRODUCTION, "ARENA_REDIS_MODE": mode}, {**SECRETS, "REDIS_URL": urls}) == [problem]
