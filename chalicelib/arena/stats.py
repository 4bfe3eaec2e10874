"""What a broker is good at."""

from typing import Final

STATS: Final = ("intelligence", "speed", "risk")
