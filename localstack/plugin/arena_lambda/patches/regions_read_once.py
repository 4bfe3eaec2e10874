"""Fault: to tell which regions there are, each service reads the list of all endpoints anew, a megabyte of JSON. The
arena uses a dozen services, and the first request to each waits for that.

Now: it is read once, and each service's regions are taken from it.
"""

import threading
from collections.abc import Callable
from functools import lru_cache

import boto3
from localstack.services import stores
from localstack.utils.aws import aws_stack

from arena_lambda.patches.replacing import replace

_OTHER_PARTITIONS = ("aws-us-gov", "aws-cn")


def apply() -> None:
    """Where it is defined, for who imports it later, and where it was imported already."""
    for module in (aws_stack, stores):
        replace(module, "get_valid_regions_for_service", _build)


def _build(_: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    return _valid_regions


@lru_cache
def _valid_regions(service_name: str) -> list[str]:
    with _lock:
        found = list(_session().get_available_regions(service_name))
        for partition in _OTHER_PARTITIONS:
            found.extend(_session().get_available_regions("cloudwatch", partition_name=partition))
        return found


# A session is not to be shared by threads.
_lock = threading.Lock()


@lru_cache
def _session() -> boto3.Session:
    return boto3.Session()
