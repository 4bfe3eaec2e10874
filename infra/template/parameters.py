"""The stack's parameters: what differs between two deployments of one package."""

from typing import Any, Final

from infra.template.stage import StageSpec

SECRET_ID: Final = "SecretId"  # noqa: S105 (a parameter's name)
MONGO_DATABASE: Final = "MongoDatabase"
CORS_ORIGIN: Final = "CorsOrigin"
PUBLIC_BASE_URL: Final = "PublicBaseUrl"
INITDATA_MAX_AGE: Final = "InitDataMaxAgeSeconds"
PROVISIONED_CONCURRENCY: Final = "ProvisionedConcurrency"
RELEASE_HASH: Final = "ReleaseHash"
ALARM_TOPIC: Final = "AlarmTopicArn"
WEBSOCKET_API: Final = "WebSocketApi"
WEBSOCKET_ENDPOINT: Final = "WebSocketEndpoint"

DEFAULT_INITDATA_MAX_AGE_SECONDS: Final = 900

ENVIRONMENT: Final = {
    "ARENA_SECRET_ID": SECRET_ID,
    "MONGO_DATABASE": MONGO_DATABASE,
    "CORS_ORIGIN": CORS_ORIGIN,
    "PUBLIC_BASE_URL": PUBLIC_BASE_URL,
    "TELEGRAM_INITDATA_MAX_AGE_SECONDS": INITDATA_MAX_AGE,
}
"""Environment variable of every function → the parameter it takes its value from."""


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
        PROVISIONED_CONCURRENCY: {
            "Type": "Number",
            "Default": stage.tier.min_instances,
            "MinValue": 1,
            "Description": "Warm environments of the API. The scaling controller owns the number once deployed.",
        },
        ALARM_TOPIC: {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^(arn:.+)?$",
            "Description": "SNS topic that alarms are sent to. Empty sends them nowhere.",
        },
        RELEASE_HASH: {
            "Type": "String",
            "AllowedPattern": "^[0-9a-f]{64}$",
            "Description": "Digest of code, template and parameters. A new one publishes new function versions.",
        },
    }


def function_environment() -> dict[str, dict[str, str]]:
    """Environment variables that refer to parameters."""
    return {variable: {"Ref": parameter} for variable, parameter in ENVIRONMENT.items()}
