"""Builds what rotates the arena's secret."""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from chalicelib.secret_rotation import RotationRefused, Step, take

if TYPE_CHECKING:
    from chalicelib.aws.secret_versions import StoredVersions

KEY_BYTES: Final = 32


def rotate(step: Step, token: str, secret_id: str, environ: Mapping[str, str]) -> None:
    """Takes one step for the secret of this region; the other regions' get what all share.

    Raises RotationRefused, SettingsError when functions could not start with the new version, and botocore's errors.
    """
    own, others = _versions(secret_id, environ)
    take(step, token, own, others, new_key=lambda: secrets.token_hex(KEY_BYTES), check=lambda new: _check(environ, new))


def _versions(secret_id: str, environ: Mapping[str, str]) -> "tuple[StoredVersions, Sequence[StoredVersions]]":
    from chalicelib.aws.secret_versions import StoredVersions

    named, region = environ.get("ARENA_SECRET_ID", ""), environ.get("AWS_REGION", "")
    if not named or (secret_id != named and f":secret:{named}-" not in secret_id):
        raise RotationRefused("this function rotates the arena's secret alone")
    regions = [name for name in environ.get("ARENA_REGIONS", "").split(",") if name and name != region]
    own = StoredVersions(partial(_client, region), secret_id)
    # By name: the other regions' secrets have it, too.
    return own, [StoredVersions(partial(_client, name), named) for name in regions]


def _check(environ: Mapping[str, str], secret: Mapping[str, str]) -> None:
    from chalicelib import settings

    settings.load(environ, secret)


def _client(region: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
    return boto3.client("secretsmanager", region_name=region, config=config)
