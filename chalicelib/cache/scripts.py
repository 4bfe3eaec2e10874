"""Lua scripts, kept as files beside this one."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "lua"


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the digest Redis knows it by once it has run there."""

    name: str
    text: str
    sha: str


@cache
def load_script(name: str) -> Script:
    """The script in ``lua/<name>.lua``. Raises ``FileNotFoundError``."""
    text = (FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
