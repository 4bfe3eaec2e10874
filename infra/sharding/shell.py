"""Commands as one types them into mongosh."""

import re
from collections.abc import Mapping
from typing import Any

from bson import MaxKey, MinKey

from chalicelib.arena.ports import Document

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")


def shell(database: str, command: Document) -> str:
    """``command`` of ``database``."""
    if database == "admin":
        return f"db.adminCommand({shown(command)})"
    return f'db.getSiblingDB("{database}").runCommand({shown(command)})'


def shown(value: Any) -> str:
    """A value as mongosh writes it."""
    match value:
        case MinKey():
            return "MinKey()"
        case MaxKey():
            return "MaxKey()"
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case Mapping():
            fields = ", ".join(f"{_named(name)}: {shown(inner)}" for name, inner in value.items())
            return f"{{{fields}}}"
        case list() | tuple():
            return f"[{', '.join(map(shown, value))}]"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case _:
            return str(value)


def _named(name: str) -> str:
    return name if _NAME.match(name) else shown(name)
