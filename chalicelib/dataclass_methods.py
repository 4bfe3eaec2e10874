"""The methods of dataclasses, compiled where the package was made.

Python writes them as text when a class is made, and compiles it, at every start. A package has those texts compiled
(``infra/compile_methods.py``), as it has modules. Each is found by its whole text, so that none can be out of date; one
that is not there is compiled as ever, and so are all if Python should come to make methods in another way.
"""

import dataclasses
import marshal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

Execute = Callable[[str, dict[str, Any] | None, dict[str, Any]], None]

FOLDER: Final = Path(__file__).parent


def file_in(folder: Path) -> Path:
    """Where the package ``folder`` keeps them: byte code of this Python, beside that of modules."""
    return folder / "__pycache__" / f"dataclass_methods_of_all.{sys.implementation.cache_tag}.pyc"


def use(folder: Path = FOLDER) -> None:
    """From now on dataclasses are made of what ``folder`` keeps. Nothing happens where it keeps none."""
    kept = kept_in(folder)
    if kept:
        # The name its source calls: the module has none of its own, and gets the built-in function otherwise.
        vars(dataclasses)["exec"] = execute_of(kept)


def kept_in(folder: Path) -> dict[str, bytes]:
    """Marshalled byte code by its text."""
    try:
        found: dict[str, bytes] = marshal.loads(file_in(folder).read_bytes())  # noqa: S302 (ours, as modules are)
    except FileNotFoundError:
        return {}
    return found


def execute_of(kept: Mapping[str, bytes]) -> Execute:
    """What does as ``exec`` does, with the byte code that is ``kept`` of a text."""

    def execute(text: str, in_globals: dict[str, Any] | None, in_locals: dict[str, Any]) -> None:
        code = kept.get(text)
        exec(text if code is None else marshal.loads(code), in_globals, in_locals)  # noqa: S102, S302 (a text of Python's)

    return execute
