"""The arena's settings: one frozen value, checked whole before the first request is served.

Plain settings come from the environment; secrets come from one JSON secret (``ARENA_SECRET_ID`` names
it), or outside production straight from the environment. Every problem is reported at once, each
naming the key, what was found and what is allowed. Secret values never appear in a problem.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from chalicelib.backup_settings import BACKUP_KEYS, BackupSettings, read_backup_settings
from chalicelib.credentials import IllegibleHash, PasswordHash
from chalicelib.queue_settings import QUEUE_KEYS, QueueSettings, read_queue_settings
from chalicelib.rate_settings import RATE_KEYS, RateSettings, read_rate_settings
from chalicelib.replication_settings import REPLICATION_KEYS, ReplicationSettings, read_replication_settings
from chalicelib.scaling_settings import SCALING_KEYS, ScalingSettings, read_scaling_settings

AppEnv = Literal["dev", "test", "prod"]
RedisMode = Literal["single", "cluster"]

SECRET_KEYS: Final = (
    "MONGO_URI",
    "REDIS_URL",
    "TELEGRAM_BOT_TOKEN",
    "BATTLE_SEED_SECRET",
    "ADMIN_JWT_SECRET",
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD_HASH",
    "REPLICATION_SECRET",
)
"""Keys whose values are secret, or name an account: in production they come from Secrets Manager only."""

ADMIN_KEYS: Final = ("ADMIN_JWT_SECRET", "ADMIN_EMAIL", "ADMIN_PASSWORD_HASH")
VAULT_KEYS: Final = ("ARENA_VAULT_ADDRESS", "AIBA_JETTON_MASTER")
KNOWN_ARENA_KEYS: Final = frozenset(
    {
        *("ARENA_TIER", "ARENA_SECRET_ID", "ARENA_HEADER_AUTH", "ARENA_WEBSOCKET_ENDPOINT", "ARENA_REDIS_MODE"),
        *(*QUEUE_KEYS, *VAULT_KEYS, *RATE_KEYS, *SCALING_KEYS, *REPLICATION_KEYS, *BACKUP_KEYS),
    }
)
REDIS_MODES: Final = ("single", "cluster")
TIERS: Final = ("development", "staging", "production", "enterprise")

DEFAULT_BODY_LIMIT_BYTES: Final = 1024 * 1024
MAX_BODY_LIMIT_BYTES: Final = 6 * 1024 * 1024
"""Lambda refuses larger synchronous payloads, so a higher limit could never be reached."""

DEFAULT_INITDATA_MAX_AGE_SECONDS: Final = 900
LONG_INITDATA_AGE_SECONDS: Final = 86_400
MIN_SECRET_CHARACTERS: Final = 32

_PLACEHOLDER = re.compile(r"change[-_ ]?me|placeholder|your[-_]|example|dev-secret|replace[-_ ]?me|^(.)\1*$", re.I)
_ORIGIN = re.compile(r"^https?://[^/\s,*]+$")
_ENDPOINT = re.compile(r"^https?://[^\s?#]+$")
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(b|kb|mb)?\s*$", re.I)
_SIZE_FACTORS = {"b": 1, "kb": 1024, "mb": 1024 * 1024}
_DATABASE = re.compile(r"^[A-Za-z0-9_-]{1,38}$")
_REDIS = re.compile(
    r"^rediss?://([^@/?#\s]*@)?(\[[0-9a-f:]+\]|[^:/@?#\s\[\]]+)(:\d{1,5})?(/\d*)?"
    r"(\?(ssl_ca_certs=[^&#\s]+|ssl_cert_reqs=(none|required)|&)*)?$",
    re.I,
)
_UNTRUE = r"^(?!.*[?&](?:(?:tls|ssl)=false|tls(?:insecure|allowinvalid\w+)=true))"
_ENCRYPTED_MONGO = re.compile(_UNTRUE + r"(?:mongodb\+srv:|.*[?&](?:tls|ssl)=true)", re.I)
_TRUTHS = {"true": True, "1": True, "false": False, "0": False, "": False}


class SettingsError(Exception):
    """The settings can't be used; ``problems`` lists every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("invalid settings:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """The one account that may use operator routes."""

    email: str
    password_hash: PasswordHash = field(repr=False)
    token_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Validated settings. Secrets are left out of its repr."""

    app_env: AppEnv
    tier: str
    region: str
    mongo_uri: str = field(repr=False)
    mongo_database: str
    redis_url: str | None = field(repr=False)
    """None = no Redis. In cluster mode one start-up node or several, comma-separated."""
    bot_token: str = field(repr=False)
    battle_seed_secret: str = field(repr=False)
    initdata_max_age_seconds: int
    """0 = no age check (never in production)."""
    header_auth: bool
    """Trust x-telegram-id instead of initData; only ever true in dev and test."""
    cors_origins: tuple[str, ...]
    """Empty = reflect any origin (never in production)."""
    body_limit_bytes: int
    public_base_url: str
    operator: OperatorSettings | None = None
    """None = there are no operator routes (never in production)."""
    websocket_endpoint: str | None = None
    """Where WebSocket connections are held (API Gateway's management API). None = there are none."""
    queues: QueueSettings = field(default_factory=QueueSettings)
    redis_mode: RedisMode = "single"
    rates: RateSettings = field(default_factory=RateSettings)
    scaling: ScalingSettings = field(default_factory=ScalingSettings)
    replication: ReplicationSettings
    backup: BackupSettings = field(default_factory=BackupSettings)
    warnings: tuple[str, ...] = ()


def split_urls(text: str) -> tuple[str, ...]:
    """The URLs in a comma-separated list; a comma within a password separates nothing."""
    return tuple(part.strip() for part in re.split(r",(?=\s*rediss?://)", text))


def _has_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def load(environ: Mapping[str, str], secrets: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``environ`` and the decoded secret.

    ``secrets`` is None when no secret is configured. Raises ``SettingsError`` with every problem.
    """
    return _Loader(environ, secrets).load()


class _Loader:
    def __init__(self, environ: Mapping[str, str], secrets: Mapping[str, str] | None) -> None:
        self._environ = environ
        self._secrets = secrets
        self._problems: list[str] = []
        self._warnings: list[str] = []
        self._region = self._plain("AWS_REGION") or "us-east-1"
        self._app_env = self._read_app_env()
        self._production = self._app_env == "prod"

    def load(self) -> Settings:
        self._check_unknown_keys()
        self._check_secret_source()
        if self._production:
            self._check_production_only()
        settings = Settings(
            app_env=self._app_env,
            tier=self._choice("ARENA_TIER", TIERS, "development"),
            region=self._region,
            mongo_uri=self._mongo_uri(),
            mongo_database=self._database(),
            redis_url=self._redis_url(),
            redis_mode=self._redis_mode(),
            rates=read_rate_settings(self._environ, production=self._production, problem=self._problem),
            scaling=read_scaling_settings(self._environ, production=self._production, problem=self._problem),
            replication=read_replication_settings(
                self._environ, self._region, lambda: self._strong_secret("REPLICATION_SECRET"), self._problem
            ),
            backup=read_backup_settings(self._environ, self._problem),
            bot_token=self._required_secret("TELEGRAM_BOT_TOKEN"),
            battle_seed_secret=self._strong_secret("BATTLE_SEED_SECRET"),
            initdata_max_age_seconds=self._initdata_max_age(),
            header_auth=self._header_auth(),
            cors_origins=self._cors_origins(),
            body_limit_bytes=self._body_limit(),
            public_base_url=self._plain("PUBLIC_BASE_URL").rstrip("/"),
            operator=self._operator(),
            websocket_endpoint=self._endpoint("ARENA_WEBSOCKET_ENDPOINT"),
            queues=read_queue_settings(self._environ, self._problem),
            warnings=tuple(self._warnings),
        )
        if self._problems:
            raise SettingsError(self._problems)
        return settings

    def _plain(self, key: str) -> str:
        return self._environ.get(key, "").strip()

    def _secret(self, key: str) -> str:
        source = self._environ if self._secrets is None else self._secrets
        value = source.get(key, "")
        return value.strip() if isinstance(value, str) else ""

    def _problem(self, key: str, found: str, allowed: str) -> None:
        self._problems.append(f"{key}: {found}; {allowed}")

    def _read_app_env(self) -> AppEnv:
        value = self._plain("APP_ENV") or "prod"
        if value in ("dev", "test", "prod"):
            return value  # type: ignore[return-value]  # narrowed by the line above
        self._problem("APP_ENV", repr(value), "allowed: dev, test, prod (the default)")
        return "prod"

    def _check_unknown_keys(self) -> None:
        for key in sorted(self._environ):
            if key.startswith("ARENA_") and key not in KNOWN_ARENA_KEYS:
                self._problem(key, "unknown setting", f"known: {', '.join(sorted(KNOWN_ARENA_KEYS))}")

    def _check_secret_source(self) -> None:
        if not self._production:
            return
        if self._secrets is None:
            self._problem("ARENA_SECRET_ID", "not set", "name the Secrets Manager secret that holds the secrets")
        for key in SECRET_KEYS:
            if self._plain(key):
                self._problem(key, "set in the plain environment", "move it into the secret and remove it here")

    def _check_production_only(self) -> None:
        present = [key for key in VAULT_KEYS if self._plain(key)]
        if present and len(present) < len(VAULT_KEYS):
            missing = ", ".join(key for key in VAULT_KEYS if key not in present)
            self._problem(", ".join(present), f"set without {missing}", "set all vault settings, or none")

    def _operator(self) -> OperatorSettings | None:
        if not self._production and not any(self._secret(key) for key in ADMIN_KEYS):
            return None
        token_secret = self._strong_secret("ADMIN_JWT_SECRET")
        email = self._required_secret("ADMIN_EMAIL")
        text = self._required_secret("ADMIN_PASSWORD_HASH")
        if not text:
            return None
        try:
            password_hash = PasswordHash.parse(text)
        except IllegibleHash as error:
            self._problem("ADMIN_PASSWORD_HASH", str(error), "make one with `./arena hash-password`")
            return None
        return OperatorSettings(email=email, password_hash=password_hash, token_secret=token_secret)

    def _choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = self._plain(key) or default
        if value not in allowed:
            self._problem(key, repr(value), f"allowed: {', '.join(allowed)}")
        return value

    def _uri(self, key: str, schemes: tuple[str, ...], *, required: bool) -> str | None:
        value = self._secret(key)
        if value.startswith(schemes) and len(value) > max(map(len, schemes)):
            return value
        if value or required:
            self._problem(
                key, "not a URI of the right kind" if value else "not set", f"allowed: {' or '.join(schemes)}…"
            )
        return None

    def _mongo_uri(self) -> str:
        value = self._uri("MONGO_URI", ("mongodb://", "mongodb+srv://"), required=True) or ""
        if value and self._production and not _ENCRYPTED_MONGO.search(value):
            self._problem("MONGO_URI", "is not encrypted, or for anyone", "mongodb+srv://, or tls=true, in production")
        return value

    def _redis_mode(self) -> RedisMode:
        return "cluster" if self._choice("ARENA_REDIS_MODE", REDIS_MODES, "single") == "cluster" else "single"

    def _redis_url(self) -> str | None:
        value = self._uri("REDIS_URL", ("redis://", "rediss://"), required=False)
        if value is None:
            return None
        urls = split_urls(value)
        if len(urls) > 1 and self._plain("ARENA_REDIS_MODE") != "cluster":
            self._problem("REDIS_URL", f"{len(urls)} URLs", "one URL, or set ARENA_REDIS_MODE=cluster")
        for place, url in enumerate(urls, 1):
            if not _REDIS.fullmatch(url) or not _has_port(url):
                self._problem("REDIS_URL", f"URL {place} is illegible", "rediss://user:password@host:port/database")
            elif self._production and not (url.lower().startswith("rediss:") and "ssl_cert_reqs=none" not in url):
                self._problem("REDIS_URL", f"URL {place} is not encrypted, or for anyone", "rediss:// in production")
        return value

    def _endpoint(self, key: str) -> str | None:
        value = self._plain(key).rstrip("/")
        if value and not _ENDPOINT.fullmatch(value):
            self._problem(key, repr(value), "an http or https URL, e.g. https://host/stage")
        return value or None

    def _database(self) -> str:
        value = self._plain("MONGO_DATABASE") or "aiba_arena"
        if not _DATABASE.fullmatch(value):
            self._problem("MONGO_DATABASE", repr(value), "allowed: 1 to 38 letters, digits, _ and -")
        return value

    def _required_secret(self, key: str) -> str:
        value = self._secret(key)
        if not value:
            self._problem(key, "not set", "required")
        return value

    def _strong_secret(self, key: str) -> str:
        value = self._required_secret(key)
        if value and self._production:
            if len(value) < MIN_SECRET_CHARACTERS:
                self._problem(key, f"{len(value)} characters", f"at least {MIN_SECRET_CHARACTERS}")
            if _PLACEHOLDER.search(value):
                self._problem(key, "looks like a placeholder", "use a random value, e.g. `openssl rand -hex 32`")
        return value

    def _initdata_max_age(self) -> int:
        key = "TELEGRAM_INITDATA_MAX_AGE_SECONDS"
        text = self._plain(key)
        if not text and not self._production:
            return DEFAULT_INITDATA_MAX_AGE_SECONDS
        try:
            seconds = max(0, int(text))
        except ValueError:
            self._problem(key, repr(text), "a whole number of seconds")
            return DEFAULT_INITDATA_MAX_AGE_SECONDS
        if self._production and seconds == 0:
            self._problem(key, repr(text), "must be above 0 in production")
        if seconds > LONG_INITDATA_AGE_SECONDS:
            self._warnings.append(f"{key}: {seconds} keeps a stolen sign-in usable for more than a day")
        return seconds

    def _header_auth(self) -> bool:
        text = self._plain("ARENA_HEADER_AUTH").lower()
        if text not in _TRUTHS:
            self._problem("ARENA_HEADER_AUTH", repr(text), "allowed: true, false")
            return False
        if _TRUTHS[text] and self._production:
            self._problem("ARENA_HEADER_AUTH", repr(text), "never in production: players sign in with initData")
        return _TRUTHS[text]

    def _cors_origins(self) -> tuple[str, ...]:
        origins = tuple(part.strip().rstrip("/") for part in self._plain("CORS_ORIGIN").split(",") if part.strip())
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                self._problem(
                    "CORS_ORIGIN", repr(origin), "a comma-separated list of origins, e.g. https://app.example"
                )
        if self._production and not origins:
            self._problem("CORS_ORIGIN", "not set", "name the origins that may call the API")
        return origins

    def _body_limit(self) -> int:
        text = self._plain("JSON_BODY_LIMIT")
        if not text:
            return DEFAULT_BODY_LIMIT_BYTES
        match = _SIZE.match(text)
        size = int(float(match[1]) * _SIZE_FACTORS[(match[2] or "b").lower()]) if match else 0
        if not 0 < size <= MAX_BODY_LIMIT_BYTES:
            self._problem("JSON_BODY_LIMIT", repr(text), "a size above 0 and up to 6mb, e.g. 1mb or 524288")
        return size
