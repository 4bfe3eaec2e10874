"""A region is given up and given back while it is played: what its operators do, and when."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.chaos.history import Takeover
from infra.cli.calling import called

NOTICE_SECONDS: Final = 3.0
"""From the failure until somebody does something about it."""
HELD_SECONDS: Final = 20.0
"""So long another region serves at least: an order takes its time, and the failure may be over by then."""
_PAUSE_SECONDS: Final = 1.0
_COMMAND_SECONDS: Final = 240.0
_PATIENCE_SECONDS: Final = 180.0
"""For a command that is refused, or does not get through, and is given again."""


class NotTakenOver(Exception):
    """The arena's operators did not come to what they wanted; the text is what they were told last."""


def operate(state_dir: Path, *arguments: str) -> str:
    """What ``./arena`` says to them. Raises ``NotTakenOver`` with what it says when it fails."""
    done = called(*arguments, "--state-dir", str(state_dir.absolute()), timeout=_COMMAND_SECONDS)
    if done.returncode:
        raise NotTakenOver((done.stdout + done.stderr).strip())
    return done.stdout.strip()


class TakingOver(threading.Thread):
    """Has ``region`` served by another one, and by itself again once ``well`` is called.

    ``run`` runs the arena's commands; ``now`` is the run's time. ``tell`` hears of it, ``stand_ins`` holds who serves
    meanwhile: what clients learn from DNS. ``held`` seconds pass at least before it is given back.
    """

    def __init__(
        self,
        region: str,
        run: Callable[..., str],
        now: Callable[[], float],
        tell: Callable[[str], None],
        stand_ins: dict[str, str],
        held: float = HELD_SECONDS,
    ) -> None:
        super().__init__(name=f"takeover of {region}", daemon=True)
        self._region = region
        self._run = run
        self._now = now
        self._tell = tell
        self._stand_ins = stand_ins
        self._held = held
        self._well = threading.Event()
        self.takeover: Takeover | None = None
        """Once somebody else serves."""
        self.fault: BaseException | None = None

    def well(self) -> None:
        """The region may be given its players back."""
        self._well.set()

    def run(self) -> None:
        try:
            self._over_and_back()
        except BaseException as error:  # noqa: BLE001 (told to the thread that waits for this one)
            self.fault = error

    def _over_and_back(self) -> None:
        self._well.wait(NOTICE_SECONDS)
        began = self._now()
        by = self._until_done("--from", self._region)
        taken = self._now()
        self._stand_ins[self._region] = by
        self.takeover = Takeover(self._region, by, began, taken)
        time.sleep(self._held)
        self._well.wait()
        returning = self._now()
        self._until_done("--return", self._region)
        del self._stand_ins[self._region]
        self.takeover = Takeover(self._region, by, began, taken, returning, self._now())

    def _until_done(self, *arguments: str) -> str:
        """Who serves then. A command that fails is given again, as the runbook says."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                said = self._run("failover", *arguments, "--yes")
            except NotTakenOver as error:
                self._tell(f"failover {' '.join(arguments)} is run again: {str(error).splitlines()[-1:]}")
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_SECONDS)
                continue
            self._tell("; ".join(said.splitlines()))
            return said.partition(" ")[0]
