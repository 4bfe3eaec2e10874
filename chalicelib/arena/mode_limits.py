"""How far a game mode's numbers may go."""

from typing import Final

COOLDOWN_LIMIT_SECONDS: Final = 86_400
ENTRY_COST_LIMIT: Final = 1_000_000_000
