"""Which pictures there are, and what each is drawn from."""

from collections.abc import Callable
from typing import Final

from infra.drawings import battle, rooms, stack
from infra.package import PROJECT_ROOT, build_package

IMAGES: Final = PROJECT_ROOT / "docs" / "images"
STAGE: Final = "staging"
"""Whose template is drawn; stages differ in numbers, which the picture has not."""


def pictures(log: Callable[[str], None]) -> dict[str, str]:
    """Every picture's source by its file's name. Raises ``PackageError`` where the package can't be built."""
    template = build_package(STAGE, PROJECT_ROOT / ".arena" / "build", log).template
    return {
        "rooms.svg": rooms.drawing(PROJECT_ROOT),
        "stack.svg": stack.drawing(template),
        "battle.svg": battle.drawing(battle.recorded()),
    }
