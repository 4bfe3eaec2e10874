"""Provisioned concurrency of one alias through the Lambda API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable
from chalicelib.scaling.provisioning import Provision, Quota, Refused, Status, Throttled

_STATUS: Final[dict[str, Status]] = {"IN_PROGRESS": "in_progress", "READY": "ready", "FAILED": "failed"}
_NONE: Final = "ProvisionedConcurrencyConfigNotFoundException"
_REFUSALS: Final = frozenset({"InvalidParameterValueException", "ResourceNotFoundException"})
_THROTTLES: Final = frozenset({"TooManyRequestsException", "ThrottlingException", "ResourceConflictException"})


class LambdaProvisioner:
    """``provisioning.Provisioner``."""

    def __init__(self, connect: Callable[[], Any], function: str, alias: str) -> None:
        """``connect`` builds the boto3 client when it is first needed."""
        self._connect = connect
        self._alias = {"FunctionName": function, "Qualifier": alias}

    def read(self) -> Provision:
        try:
            with _translated():
                found = self._client.get_provisioned_concurrency_config(**self._alias)
        except _NotThere:
            return Provision(status="none")
        except (Refused, Throttled) as error:
            raise Unavailable("lambda_unavailable", str(error), retry_after_seconds=15) from error
        return Provision(
            status=_STATUS[found["Status"]],
            requested=int(found["RequestedProvisionedConcurrentExecutions"]),
            available=int(found.get("AvailableProvisionedConcurrentExecutions", 0)),
            reason=str(found.get("StatusReason", "")),
        )

    def quota(self) -> Quota:
        try:
            with _translated():
                limit = self._client.get_account_settings()["AccountLimit"]
        except (Refused, Throttled) as error:
            raise Unavailable("lambda_unavailable", str(error), retry_after_seconds=15) from error
        return Quota(limit=int(limit["ConcurrentExecutions"]), unreserved=int(limit["UnreservedConcurrentExecutions"]))

    def put(self, environments: int) -> None:
        with _translated():
            self._client.put_provisioned_concurrency_config(**self._alias, ProvisionedConcurrentExecutions=environments)

    @cached_property
    def _client(self) -> Any:
        return self._connect()


class _NotThere(Exception):
    """The alias has no provisioned concurrency."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code == _NONE:
            raise _NotThere from error
        if code in _REFUSALS:
            raise Refused(f"{code}: {message}") from error
        if code in _THROTTLES:
            raise Throttled(f"{code}: {message}") from error
        raise Unavailable("lambda_unavailable", f"Lambda answered {code}", retry_after_seconds=15) from error
    except BotoCoreError as error:
        raise Unavailable("lambda_unavailable", "Lambda did not answer", retry_after_seconds=15) from error
