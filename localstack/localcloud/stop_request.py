"""A request to stop, made by signal and noticed at the next safe moment."""

import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Turns Ctrl-C, SIGTERM and SIGHUP into a flag.

    An exception raised out of a signal handler could arrive between starting a server and writing down that
    it was started; a flag that is looked at between steps cannot.
    """

    def __init__(self) -> None:
        self.times = 0
        """How often it was made."""

    def install(self) -> None:
        """Takes over the signals for the rest of the process's life. Main thread only."""
        for number in _SIGNALS:
            signal.signal(number, self._note)

    def __call__(self) -> bool:
        return self.times > 0

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.times += 1
