"""A secret's versions in Secrets Manager."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import ClientError

_CURRENT: Final = "AWSCURRENT"
_PENDING: Final = "AWSPENDING"
_NONE: Final = frozenset({"ResourceNotFoundException", "InvalidRequestException"})


class StoredVersions:
    """``secret_rotation.SecretVersions``. Raises botocore's errors: Secrets Manager tries a failed step again."""

    def __init__(self, connect: Callable[[], Any], secret_id: str) -> None:
        """``connect`` builds the boto3 client of the secret's region when it is first needed."""
        self._connect = connect
        self._secret_id = secret_id

    def current(self) -> Mapping[str, str]:
        return self._parsed(self._client.get_secret_value(SecretId=self._secret_id, VersionStage=_CURRENT))

    def pending(self, token: str) -> Mapping[str, str] | None:
        try:
            found = self._client.get_secret_value(SecretId=self._secret_id, VersionId=token, VersionStage=_PENDING)
        except ClientError as error:
            # A version that is made and already counts is no longer pending; one without a value is not made yet.
            if error.response["Error"]["Code"] in _NONE:
                return self._promoted(token)
            raise
        return self._parsed(found)

    def put_pending(self, token: str, secret: Mapping[str, str]) -> None:
        self._client.put_secret_value(
            SecretId=self._secret_id,
            ClientRequestToken=token,
            SecretString=json.dumps(dict(secret)),
            VersionStages=[_PENDING],
        )

    def put_current(self, secret: Mapping[str, str]) -> None:
        self._client.put_secret_value(SecretId=self._secret_id, SecretString=json.dumps(dict(secret)))

    def promote(self, token: str) -> None:
        before = self._version_in_force()
        if before != token:
            self._client.update_secret_version_stage(
                SecretId=self._secret_id, VersionStage=_CURRENT, MoveToVersionId=token, RemoveFromVersionId=before
            )

    def _promoted(self, token: str) -> Mapping[str, str] | None:
        return self.current() if self._version_in_force() == token else None

    def _version_in_force(self) -> str:
        versions = self._client.describe_secret(SecretId=self._secret_id)["VersionIdsToStages"]
        return next(str(version) for version, stages in versions.items() if _CURRENT in stages)

    @staticmethod
    def _parsed(answer: Mapping[str, Any]) -> Mapping[str, str]:
        secret: Mapping[str, str] = json.loads(answer["SecretString"])
        return secret

    @cached_property
    def _client(self) -> Any:
        return self._connect()
