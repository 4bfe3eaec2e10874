"""Loaded by the interpreters of a chaos run's environments before anything else: a clock that can be wrong.

The arena reads the time in one place. How many seconds to add stands in a file named like the region, or there is none.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

CLOCKS_VARIABLE = "CHAOS_CLOCKS"
"""Not named as the arena's own: it refuses settings it does not know."""


def install(offsets: Path) -> None:
    """Lets the arena's clock be off by what ``offsets`` says now. Nothing where the arena is not to be found."""
    try:
        from chalicelib import clock
    except ImportError:
        return
    machine = clock.system_clock

    def wrong() -> datetime:
        try:
            seconds = float(offsets.read_text(encoding="ascii"))
        except (OSError, ValueError):
            seconds = 0.0
        return machine() + timedelta(seconds=seconds)

    setattr(clock, machine.__name__, wrong)


if CLOCKS_VARIABLE in os.environ:
    install(Path(os.environ[CLOCKS_VARIABLE]) / os.environ.get("AWS_REGION", ""))
