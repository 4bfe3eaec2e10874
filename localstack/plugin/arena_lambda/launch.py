"""First code of a runtime process: tie its life to LocalStack's, then become awslambdaric.

Run as ``python -P launch.py <handler>`` by the runtime's interpreter, which does not have this package;
so it imports the standard library only. Standard input is a pipe that LocalStack holds open: when
LocalStack ends, however it ends, the pipe closes and this whole process group is killed. A parent-death
signal would not do: Linux ties it to the thread that forked, and other systems lack it.
"""

import os
import runpy
import signal
import sys
import threading


def _die_with_parent() -> None:
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    _die_with_parent()
    sys.argv = ["awslambdaric", sys.argv[1]]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
