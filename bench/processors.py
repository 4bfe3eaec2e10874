"""Whose processor time a local cloud takes: its servers', and its functions' by name."""

from collections import defaultdict
from collections.abc import Mapping

import psutil

from localcloud.processes import read_pid_file
from localcloud.state import StateDir
from localcloud.supervisor import SUPERVISOR

ENDED = "functions that ended"


def processor_seconds(state: StateDir) -> Mapping[str, float]:
    """Since each began, by server and function; of all regions together."""
    found: defaultdict[str, float] = defaultdict(float)
    for path in state.run.glob("*.pid"):
        identity = read_pid_file(path)
        if identity is None or path.stem == SUPERVISOR:
            continue
        server = psutil.Process(identity.pid)
        times = server.cpu_times()
        found[path.stem] += times.user + times.system
        # What was waited for is no child any more, and its parent's to tell.
        found[ENDED] += times.children_user + times.children_system
        for child in server.children(recursive=True):
            try:
                name, (user, system, *_) = _function(child), child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            found[name or path.stem] += user + system
    return found


def _function(process: psutil.Process) -> str:
    """By what its stack calls it: ``<stack>-<function>-<digits>``. Empty for a process that is none."""
    return process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").rpartition("-")[0].rpartition("-")[2]
