"""What the system says of itself: as Lambda's sandbox does, as a laptop does, and as one that says nothing."""

import socket
import sys
from pathlib import Path

import pytest

from chalicelib.monitoring.machine import machine_now

MEMINFO = """MemTotal:        1900544 kB
MemFree:          100000 kB
MemAvailable:    1500544 kB
HugePages_Total:       0
"""
SANDBOX = """Inter-|   Receive                                                |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 9000000  9000    0    0    0     0          0         0  9000000  9000    0    0    0     0       0          0
vinternal_1: 1000  10  0    0    0     0          0         0     2500    25    0    0    0     0       0          0
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "self" / "fd").mkdir(parents=True)
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "net" / "dev").write_text(SANDBOX)
    for number, target in enumerate(("socket:[1]", "/dev/null", "pipe:[2]", "socket:[3]")):
        (tmp_path / "self" / "fd" / str(number)).symlink_to(target)
    return tmp_path


def test_a_sandbox_s_traffic_memory_and_sockets(proc: Path) -> None:
    found = machine_now(proc)
    assert (found.total_bytes, found.used_bytes) == (1900544 * 1024, 400000 * 1024)
    assert (found.network_bytes, found.network_packets) == (3500, 35)
    assert found.sockets == 2


def test_a_laptop_s_traffic_is_not_the_environment_s(proc: Path) -> None:
    (proc / "net" / "dev").write_text(SANDBOX.replace("vinternal_1", "eth0"))
    found = machine_now(proc)
    assert (found.network_bytes, found.network_packets) == (None, None)
    assert found.total_bytes is not None


@pytest.mark.parametrize(
    "text", ["", "vinternal_1: 1 2 3\n", "vinternal_1: many\n", "MemTotal: some kB\n", "MemTotal:\n"]
)
def test_what_can_not_be_read_is_missing(proc: Path, text: str) -> None:
    for name in ("meminfo", "net/dev"):
        (proc / name).write_text(text)
    found = machine_now(proc)
    assert (found.total_bytes, found.used_bytes, found.network_bytes, found.network_packets) == (None,) * 4


def test_without_proc_everything_but_the_load_is_missing(tmp_path: Path) -> None:
    found = machine_now(tmp_path / "nowhere")
    assert (found.total_bytes, found.used_bytes, found.sockets, found.network_bytes) == (None,) * 4


def test_this_process_s_own_sockets_are_counted() -> None:
    if sys.platform != "linux":
        return

    def opened() -> int:
        before = machine_now().sockets
        with socket.socket():
            during = machine_now().sockets
        assert before is not None
        assert during is not None
        return during - before

    # Other threads of this process, clients of servers, open and close theirs meanwhile: seldom, and not each time.
    assert 1 in [opened() for _ in range(10)]
