"""Looks at the region while the demo runs: Lambda's own numbers, the processes there really are, the decisions."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psutil


class Provisioning(Protocol):
    """What is asked of Lambda."""

    def get_provisioned_concurrency_config(self, **alias: str) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """The region at one moment."""

    at: float
    """Seconds from the start."""
    requested: int
    available: int
    """Both as Lambda tells them."""
    provisioned_processes: int
    on_demand_processes: int
    """Processes of the API's function, by how they were initialized."""


def processes(endpoint: str, region: str, function: str) -> tuple[int, int]:
    """Provisioned and on-demand environments of ``function``, processes of the LocalStack at ``endpoint``."""
    counted = {"provisioned-concurrency": 0, "on-demand": 0}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            variables = process.environ()
            if (
                variables.get("AWS_LAMBDA_FUNCTION_NAME") == function
                and variables.get("AWS_REGION") == region
                and endpoint in variables.get("AWS_ENDPOINT_URL", "")
            ):
                kind = variables.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
                counted[kind] = counted.get(kind, 0) + 1
    return counted["provisioned-concurrency"], counted["on-demand"]


class Watch:
    """Samples one function's alias."""

    def __init__(self, client: Provisioning, endpoint: str, region: str, function: str, alias: str) -> None:
        self._client = client
        self._where = (endpoint, region, function)
        self._alias = {"FunctionName": function, "Qualifier": alias}

    def sample(self, at: float) -> Sample:
        """The region now. Raises what the client raises."""
        told = self._client.get_provisioned_concurrency_config(**self._alias)
        provisioned, on_demand = processes(*self._where)
        return Sample(
            at=at,
            requested=int(told["RequestedProvisionedConcurrentExecutions"]),
            available=int(told.get("AvailableProvisionedConcurrentExecutions", 0)),
            provisioned_processes=provisioned,
            on_demand_processes=on_demand,
        )


def first_rise(samples: Sequence[Sample]) -> float | None:
    """When there was first more than at the beginning, by counted processes; None = never."""
    start = samples[0].provisioned_processes if samples else 0
    return next((sample.at for sample in samples if sample.provisioned_processes > start), None)
