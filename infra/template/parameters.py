"""The stack's parameters: what differs between two deployments of one package."""

from typing import Any, Final

from chalicelib.rate_settings import DEFAULT_REQUESTS_PER_MINUTE, REQUESTS_PER_MINUTE_MAX
from chalicelib.scaling_settings import (
    CONNECTIONS_MAX,
    CONTROLLER,
    DEFAULT_POLICY,
    ENVIRONMENTS_MAX,
    MOVERS,
    policies,
)
from infra.template.stage import StageSpec

SECRET_ID: Final = "SecretId"  # noqa: S105 (a parameter's name)
MONGO_DATABASE: Final = "MongoDatabase"
CORS_ORIGIN: Final = "CorsOrigin"
PUBLIC_BASE_URL: Final = "PublicBaseUrl"
INITDATA_MAX_AGE: Final = "InitDataMaxAgeSeconds"
REDIS_MODE: Final = "RedisMode"
TRUSTED_PROXIES: Final = "TrustedProxies"
REQUESTS_PER_MINUTE: Final = "RequestsPerMinute"
PROVISIONED_CONCURRENCY: Final = "ProvisionedConcurrency"
RELEASE_HASH: Final = "ReleaseHash"
ALARM_TOPIC: Final = "AlarmTopicArn"
RUNBOOK_BASE_URL: Final = "RunbookBaseUrl"
ACCOUNT_CONCURRENCY: Final = "AccountConcurrency"
ALARMS: Final = "Alarms"
DASHBOARD: Final = "Dashboard"
REGIONS: Final = "Regions"
LOG_LEVEL: Final = "LogLevel"
LOG_SAMPLE_RATE: Final = "LogSampleRate"
WEBSOCKET_API: Final = "WebSocketApi"
WEBSOCKET_ENDPOINT: Final = "WebSocketEndpoint"

DEFAULT_INITDATA_MAX_AGE_SECONDS: Final = 900

ENVIRONMENT: Final = {
    "ARENA_SECRET_ID": SECRET_ID,
    "MONGO_DATABASE": MONGO_DATABASE,
    "CORS_ORIGIN": CORS_ORIGIN,
    "PUBLIC_BASE_URL": PUBLIC_BASE_URL,
    "TELEGRAM_INITDATA_MAX_AGE_SECONDS": INITDATA_MAX_AGE,
    "ARENA_REDIS_MODE": REDIS_MODE,
    "ARENA_TRUSTED_PROXIES": TRUSTED_PROXIES,
    "RATE_LIMIT_PER_MINUTE": REQUESTS_PER_MINUTE,
    "ARENA_REGIONS": REGIONS,
    "POWERTOOLS_LOG_LEVEL": LOG_LEVEL,
    "POWERTOOLS_LOGGER_SAMPLE_RATE": LOG_SAMPLE_RATE,
}
"""Environment variable of every function → the parameter it takes its value from."""


SCALING_BY: Final = "ScalingBy"
SCALING_MIN: Final = "ScalingMin"
SCALING_MAX: Final = "ScalingMax"
SCALING_ENVIRONMENT: Final = {
    "ARENA_SCALING_BY": SCALING_BY,
    "ARENA_SCALING_POLICY": "ScalingPolicy",
    "ARENA_SCALING_MIN": SCALING_MIN,
    "ARENA_SCALING_MAX": SCALING_MAX,
    "ARENA_MONGO_CONNECTIONS": "MongoConnections",
    "ARENA_REDIS_CONNECTIONS": "RedisConnections",
}
"""Likewise, of the functions that scale or show how."""


def _count(description: str, most: int) -> dict[str, Any]:
    return {"Type": "Number", "Default": 0, "MinValue": 0, "MaxValue": most, "Description": description}


_SCALING: Final[dict[str, dict[str, Any]]] = {
    SCALING_BY: {
        "Type": "String",
        "Default": CONTROLLER,
        "AllowedValues": list(MOVERS),
        "Description": "Who moves warm environments: the arena's controller, or AWS's own target tracking.",
    },
    SCALING_MIN: _count("Fewest warm environments. 0 is the tier's number.", ENVIRONMENTS_MAX),
    SCALING_MAX: _count("Most warm environments. 0 is the tier's number.", ENVIRONMENTS_MAX),
    "MongoConnections": _count(
        "Connections this region may hold to one MongoDB node. 0 asks the server.", CONNECTIONS_MAX
    ),
    "RedisConnections": _count(
        "Connections this region may hold to one Redis node. 0 does not bound.", CONNECTIONS_MAX
    ),
}


def _switch(description: str, default: str) -> dict[str, Any]:
    return {"Type": "String", "Default": default, "AllowedValues": ["on", "off"], "Description": description}


_ACCOUNT_CONCURRENCY_DEFAULT: Final = 1_000
"""An account's quota in a region until more is asked for."""

_WATCHING: Final[dict[str, dict[str, Any]]] = {
    ALARM_TOPIC: {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "^(arn:.+)?$",
        "Description": "SNS topic that alarms are sent to. Empty sends them nowhere.",
    },
    ALARMS: _switch("Whether the stack has alarms.", "on"),
    RUNBOOK_BASE_URL: {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "^(https?://.+/)?$",
        "ConstraintDescription": "must be an address that ends with a slash",
        "Description": "Where docs/runbooks is to be read, put before the path in each alarm's description.",
    },
    ACCOUNT_CONCURRENCY: {
        "Type": "Number",
        "Default": _ACCOUNT_CONCURRENCY_DEFAULT,
        "MinValue": 10,
        "Description": "The account's quota of concurrent executions in this region; an alarm says when it is short.",
    },
}


_OF_EVERY_STAGE: Final[dict[str, dict[str, Any]]] = {
    REGIONS: {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "^([a-z]{2}(-[a-z]+)+-[0-9](,[a-z]{2}(-[a-z]+)+-[0-9])*)?$",
        "ConstraintDescription": "must be regions separated by commas, without spaces",
        "Description": "Regions that converge, this one among them, in order of priority. Empty: this one alone.",
    },
    TRUSTED_PROXIES: {
        "Type": "String",
        "Default": "",
        "Description": "Networks, separated by commas, whose X-Forwarded-For names the client. Empty trusts none.",
    },
    LOG_LEVEL: {
        "Type": "String",
        "Default": "",
        "AllowedValues": ["", "DEBUG", "INFO", "WARNING", "ERROR"],
        "Description": "Least level of what functions log. Empty is the tier's.",
    },
    LOG_SAMPLE_RATE: {
        "Type": "Number",
        "Default": 0,
        "MinValue": 0,
        "MaxValue": 1,
        "Description": "Share of correlation ids whose debug lines are logged, too, in every function and region.",
    },
    REQUESTS_PER_MINUTE: {
        "Type": "Number",
        "Default": DEFAULT_REQUESTS_PER_MINUTE,
        "MinValue": 1,
        "MaxValue": REQUESTS_PER_MINUTE_MAX,
        "Description": "Most requests a minute from one client address.",
    },
}


def parameters(stage: StageSpec) -> dict[str, dict[str, Any]]:
    """The Parameters section for ``stage``."""
    cors: dict[str, Any] = {
        "Type": "String",
        "Description": "Origins a browser may call from, separated by commas.",
    }
    if stage.production_rules:
        cors["MinLength"] = 1
    else:
        cors["Default"] = ""
        cors["Description"] += " Empty admits any."
    return {
        SECRET_ID: {
            "Type": "String",
            "Default": stage.secret_id,
            # A name, not an ARN: the functions' permission is built around it.
            "AllowedPattern": "^[A-Za-z0-9/_+=.@-]{1,512}$",
            "ConstraintDescription": "must be the name of a Secrets Manager secret, not its ARN",
            "Description": "Name of the secret, in this region, that holds connection strings and keys.",
        },
        MONGO_DATABASE: {
            "Type": "String",
            "AllowedPattern": "^[A-Za-z0-9_-]{1,38}$",
            "Description": "This region's database.",
        },
        CORS_ORIGIN: cors,
        PUBLIC_BASE_URL: {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^(https?://.+)?$",
            "Description": "Address players see, for links in metadata. Empty if there is none.",
        },
        INITDATA_MAX_AGE: {
            "Type": "Number",
            "Default": DEFAULT_INITDATA_MAX_AGE_SECONDS,
            "MinValue": 1 if stage.production_rules else 0,
            "Description": "Oldest Telegram sign-in accepted, seconds.",
        },
        REDIS_MODE: {
            "Type": "String",
            "Default": "cluster" if stage.tier.cache == "cluster" else "single",
            "AllowedValues": ["single", "cluster"],
            "Description": "Whether the secret's REDIS_URL names one server or the start-up nodes of a cluster.",
        },
        **_OF_EVERY_STAGE,
        "ScalingPolicy": {
            "Type": "String",
            "Default": DEFAULT_POLICY,
            "AllowedValues": list(policies(production=stage.production_rules)),
            "Description": "What decides how many environments of the API are kept warm.",
        },
        **_SCALING,
        PROVISIONED_CONCURRENCY: {
            "Type": "Number",
            "Default": stage.tier.min_instances,
            "MinValue": 1,
            "Description": "Warm environments of the API. The scaling controller owns the number once deployed.",
        },
        **_WATCHING,
        DASHBOARD: _switch(
            "Whether the stack has a CloudWatch dashboard; it shows alarms, so it needs them.",
            "on" if stage.production_rules else "off",
        ),
        RELEASE_HASH: {
            "Type": "String",
            "AllowedPattern": "^[0-9a-f]{64}$",
            "Description": "Digest of code, template and parameters. A new one publishes new function versions.",
        },
    }


def function_environment() -> dict[str, dict[str, str]]:
    """Environment variables that refer to parameters."""
    return {variable: {"Ref": parameter} for variable, parameter in ENVIRONMENT.items()}
