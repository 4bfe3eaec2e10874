"""Groups of routes that a stage of ``.chalice/config.json`` wants served by functions of their own.

Under the stage's key ``separate_functions``, by the group's name: ``paths`` (prefixes of whole segments),
``provisioned_concurrency``, and ``lambda_memory_size`` where it is not the stage's.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from infra.template.document import TemplateError

KEY: Final = "separate_functions"
_PATHS, _WARM, _MEMORY = "paths", "provisioned_concurrency", "lambda_memory_size"
_ALLOWED: Final = (_PATHS, _WARM, _MEMORY)
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NAME_LENGTH_MAX: Final = 24
_PREFIX: Final = re.compile(r"/[^/{}\s]+(/[^/\s]+)*")
"""Its first segment is a name: what catches all other paths is the API's own function."""
_MEMORY_MB: Final = (128, 10_240)
"""What Lambda admits."""


class GroupsError(TemplateError):
    """The groups can't be meant so; each line of the message names key, value and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Routes served by one function."""

    name: str
    paths: tuple[str, ...]
    """Prefixes: ``/api/battle`` is that path and everything below it, not ``/api/battles``."""
    provisioned_concurrency: int
    """Environments kept warm, always so many. 0: none."""
    memory_mb: int | None = None
    """None = the stage's."""

    @property
    def function_id(self) -> str:
        """Logical id of its function."""
        return "".join(word.capitalize() for word in self.name.split("_")) + "Api"


def below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def read_groups(config: Mapping[str, Any], stage: str) -> tuple[Group, ...]:
    """The groups of ``stage`` in Chalice's configuration. Raises GroupsError."""
    declared = config.get("stages", {}).get(stage, {}).get(KEY, {})
    if not isinstance(declared, dict):
        raise GroupsError(f'{KEY}: {json.dumps(declared)}; give an object, e.g. {{"battles": {{…}}}}')
    problems = [line for name, row in declared.items() for line in _problems(f"{KEY}.{name}", name, row)]
    if problems:
        raise GroupsError("\n".join(problems))
    return tuple(
        Group(
            name=name,
            paths=tuple(row[_PATHS]),
            provisioned_concurrency=row[_WARM],
            memory_mb=row.get(_MEMORY),
        )
        for name, row in declared.items()
    )


def assigned(groups: Sequence[Group], paths: Sequence[str]) -> dict[str, Group]:
    """The group of each of the API's ``paths`` that has one. Raises GroupsError."""
    found: dict[str, Group] = {}
    problems = []
    for group in groups:
        for prefix in group.paths:
            matched = [path for path in paths if below(path, prefix)]
            if not matched:
                problems.append(
                    f"{KEY}.{group.name}.{_PATHS}: {prefix!r} is the beginning of no route; mend it or take it out. "
                    f"Routes begin with {', '.join(_beginnings(paths))}"
                )
            for path in matched:
                if found.setdefault(path, group) is not group:
                    problems.append(
                        f"{KEY}.{group.name}.{_PATHS}: {prefix!r} takes {path}, which is in group "
                        f"{found[path].name!r} already; leave it to one of them"
                    )
    if problems:
        raise GroupsError("\n".join(dict.fromkeys(problems)))
    return found


def _problems(where: str, name: str, row: Any) -> list[str]:
    if not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH_MAX:
        return [f"{where}: {name!r}; call the group by a-z, 0-9 and _, in at most {_NAME_LENGTH_MAX} characters"]
    if not isinstance(row, dict):
        return [f"{where}: {json.dumps(row)}; give an object with {', '.join(_ALLOWED)}"]
    found = [
        f"{where}.{key}: {json.dumps(row[key])}; there is no such key, only {', '.join(_ALLOWED)}"
        for key in row
        if key not in _ALLOWED
    ]
    paths, warm, memory = row.get(_PATHS), row.get(_WARM), row.get(_MEMORY, _MEMORY_MB[0])
    if not isinstance(paths, list) or not paths:
        found.append(f'{where}.{_PATHS}: {json.dumps(paths)}; list prefixes, e.g. ["/api/battle"], or drop the group')
    else:
        found += [
            f"{where}.{_PATHS}: {json.dumps(path)}; begin with / and a name, and end without /"
            for path in paths
            if not isinstance(path, str) or not _PREFIX.fullmatch(path)
        ]
    if not _is_whole(warm) or warm < 0:
        found.append(f"{where}.{_WARM}: {json.dumps(warm)}; say how many environments to keep warm, 0 or more")
    least, most = _MEMORY_MB
    if not _is_whole(memory) or not least <= memory <= most:
        found.append(f"{where}.{_MEMORY}: {json.dumps(memory)}; give {least} to {most} MB, or leave it to the stage")
    return found


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _beginnings(paths: Sequence[str]) -> list[str]:
    return sorted({"/".join(path.split("/")[:3]) for path in paths if "{" not in path.split("/")[1]} - {"/"})
