"""Compiles what dataclasses are made of: ``python compile_methods.py TARGET FOLDER...``.

Run by path in an interpreter of its own, which imports all of the application in FOLDER... and writes what it found
to TARGET, for ``chalicelib.dataclass_methods``. Standard library only.
"""

import dataclasses
import marshal
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    target, *folders = sys.argv[1:]
    sys.path[:0] = folders
    texts: set[str] = set()

    def execute(text: str, in_globals: dict[str, Any] | None, in_locals: dict[str, Any]) -> None:
        texts.add(text)
        exec(text, in_globals, in_locals)  # noqa: S102 (what Python itself wrote)

    vars(dataclasses)["exec"] = execute
    import_module("app")
    for module in pkgutil.walk_packages(import_module("chalicelib").__path__, "chalicelib."):
        import_module(module.name)
    compiled = {text: marshal.dumps(compile(text, "<string>", "exec", dont_inherit=True)) for text in sorted(texts)}
    Path(target).write_bytes(marshal.dumps(compiled))


main()
