"""How often a test looks whether what it waits for has come.

Of servers and processes, which have the machine's clock and none a test could turn.
"""

import time
from collections.abc import Iterator
from typing import Final

PAUSE_MIN_SECONDS: Final = 0.02
PAUSE_MAX_SECONDS: Final = 0.5
LOOKS: Final = 3
"""A pause lasts so many times as long as the look before it: what is waited for needs the processors, too."""
SHARE: Final = 20
"""What has not come for a while is looked for less often, by this part of the wait."""


def looks(seconds: float) -> Iterator[None]:
    """A turn for each look, the last one when ``seconds`` are over."""
    began = time.monotonic()
    while True:
        looked_at = time.monotonic()
        yield
        if looked_at - began > seconds:
            return
        now = time.monotonic()
        time.sleep(min(PAUSE_MAX_SECONDS, max(PAUSE_MIN_SECONDS, LOOKS * (now - looked_at), (now - began) / SHARE)))
