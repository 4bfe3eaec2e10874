"""Run as a program by test_servers: a supervisor over Valkey and, if wanted, mongod, as ``./arena up`` runs it.

``supervisor_child.py STATE_DIR [mongod]`` prints ``ready`` when all serve, then watches them until told to stop.
Exit codes: 0 = asked to stop, 1 = refused or a server failed (the message is printed).
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "localstack")]

from localcloud.errors import LocalCloudError, StopRequested  # noqa: E402 (after the path is set)
from localcloud.mongod import ReplicaSet  # noqa: E402
from localcloud.ports import free_ports  # noqa: E402
from localcloud.state import StateDir  # noqa: E402
from localcloud.stop_request import StopRequest  # noqa: E402
from localcloud.supervisor import Supervisor  # noqa: E402
from localcloud.valkey import Valkey  # noqa: E402


def main(state: StateDir, *, mongod: bool) -> int:
    stop = StopRequest()
    stop.install()
    try:
        with Supervisor(state, log=print, stop_requested=stop) as supervisor:
            mongo_port, valkey_port = ports = free_ports(2)
            database = ReplicaSet([mongo_port]).servers(state) if mongod else []
            supervisor.start([*database, Valkey(valkey_port).server(state)])
            print("ready", *(ports if mongod else ports[1:]), flush=True)
            supervisor.watch()
    except StopRequested:
        return 0
    except LocalCloudError as error:
        print(error.message, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(StateDir(Path(sys.argv[1])), mongod="mongod" in sys.argv[2:]))
