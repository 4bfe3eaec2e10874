"""CPU and memory as shares of what an environment has."""

import subprocess
import sys

import pytest

from chalicelib.monitoring.usage import (
    MEGABYTE,
    MEGABYTES_PER_VCPU,
    Identity,
    Usage,
    cpu_share,
    identify,
    memory_share,
    process_usage,
)

BUSY = """
import time
from chalicelib.monitoring.usage import Identity, cpu_share, process_usage
identity = Identity(instance="a", memory_megabytes=1769)
process_usage()  # what is only loaded at the first call is no part of what is measured

def used(work):
    before, began = process_usage(), time.monotonic()
    work()
    seconds, after = time.monotonic() - began, process_usage()
    return cpu_share(before, after, seconds, identity), after.cpu_seconds - before.cpu_seconds, seconds

def spin():
    began = time.process_time()
    while time.process_time() < began + 0.3:
        pass

print(*used(spin), *used(lambda: time.sleep(0.3)))
"""


def test_a_busy_loop_uses_what_it_gets_and_a_sleeper_next_to_nothing() -> None:
    """In a process of its own; others may share its processor, so what it got is asked of the system.

    It spins for as much as it is to get, however long that takes.
    """
    ran = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, check=True)
    busy, got, seconds, asleep, hardly, rest = map(float, ran.stdout.split())
    assert busy == pytest.approx(got / seconds)
    assert asleep == pytest.approx(hardly / rest)
    assert got > 0.25
    assert busy < 1.05
    assert 0 <= hardly < got / 4


@pytest.mark.parametrize(
    ("megabytes", "share"), [(MEGABYTES_PER_VCPU, 0.5), (2 * MEGABYTES_PER_VCPU, 0.25), (MEGABYTES_PER_VCPU / 4, 2.0)]
)
def test_a_share_is_of_the_vcpus_the_memory_size_gives(megabytes: int, share: float) -> None:
    identity = Identity(instance="a", memory_megabytes=megabytes)
    assert cpu_share(Usage(1.0, None), Usage(6.0, None), 10.0, identity) == share


def test_without_a_memory_size_there_are_no_shares() -> None:
    identity = identify("a", {})
    assert identity.vcpus is None
    assert cpu_share(Usage(0.0, 1), Usage(1.0, 1), 1.0, identity) is None
    assert memory_share(Usage(0.0, 1), identity) is None


def test_without_resident_memory_there_is_no_share_of_it() -> None:
    assert memory_share(Usage(0.0, None), Identity(instance="a", memory_megabytes=1769)) is None


@pytest.mark.parametrize("size", ["", "0", "-5", "a lot", "1.5"])
def test_an_illegible_memory_size_is_none(size: str) -> None:
    assert identify("a", {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": size}).memory_megabytes is None


def test_this_process_uses_memory_and_time() -> None:
    usage = process_usage()
    assert usage.cpu_seconds > 0
    assert usage.resident_bytes is None or usage.resident_bytes > MEGABYTE
    if sys.platform == "linux":
        share = memory_share(usage, Identity(instance="a", memory_megabytes=100_000))
        assert share is not None
        assert 0 < share < 1
