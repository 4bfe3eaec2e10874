"""What becomes of a global boss, as its document says."""

from typing import Final

BOSS_ACTIVE: Final = "active"
BOSS_DEFEATED: Final = "defeated"
