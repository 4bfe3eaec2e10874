"""How LocalStack is run here: its command and every variable it is given.

Nothing is inherited from our own environment: a developer's AWS profile, proxy or LocalStack settings must not
change what the local cloud does.
"""

import os
from pathlib import Path

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL")
_LOOPBACK = "127.0.0.1"


def localstack_command(env_python: Path) -> list[str]:
    """The command that runs LocalStack in the foreground; ``env_python`` is its own environment's interpreter.

    ``-P`` keeps the working directory off the import path: this repository has a folder named ``localstack`` too.
    """
    return [str(env_python), "-P", "-m", "arena_lambda.serve"]


def localstack_environment(port: int, state_dir: Path, runtime_python: Path, log_dir: Path) -> dict[str, str]:
    """Every variable of a LocalStack that listens on loopback at ``port``.

    ``state_dir`` takes all it writes (and is created), so that two can run side by side and a deleted directory
    leaves nothing; ``runtime_python`` runs the Lambda functions; ``log_dir`` receives the functions' logs.
    """
    temporary = state_dir / "tmp"
    for directory in (state_dir, temporary, log_dir):
        directory.mkdir(parents=True, exist_ok=True)
    address = f"{_LOOPBACK}:{port}"
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return inherited | {
        "GATEWAY_LISTEN": address,
        "LOCALSTACK_HOST": address,
        "LOCALSTACK_VOLUME_DIR": str(state_dir / "volume"),
        "XDG_CACHE_HOME": str(state_dir / "cache"),
        "TMPDIR": str(temporary),
        # No name server, no certificate download, no analytics: the local cloud works without a network.
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        # Its parts ask each other for much: without connections a request costs a third less, a message two fifths.
        "IN_MEMORY_CLIENT": "1",
        "SQS_ENDPOINT_STRATEGY": "path",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        # Functions of several regions start side by side with much else: one that is still starting has not failed.
        "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "120",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.1",
        # Between two batches of a queue that has more; AWS has no such pause.
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.02",
        # As in AWS, a resource type nobody can create is an error; the local template must not hold any.
        "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "0",
        "ARENA_LAMBDA_PYTHON": str(runtime_python),
        "ARENA_LAMBDA_LOG_DIR": str(log_dir),
        "PYTHONUNBUFFERED": "1",
    }
