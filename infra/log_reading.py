"""Lines of functions' logs: where they are from, what they say, whether they are about an id."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from infra.template.stage import STAGES

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
PLAIN: Final = "TEXT"
"""The level of what is no JSON of ours: what a runtime or a library printed. It passes every choice of a level."""

_LAMBDAS_OWN: Final = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ")
_BEFORE_ITS_LINES: Final = ("START RequestId: ", "INIT_START ")
_NAME: Final = re.compile(rf"(?:{'|'.join(re.escape(stage.stack_name) for stage in STAGES.values())})-(\w+?)-\w+")
_NOT_SHOWN: Final = frozenset({"level", "location", "message", "timestamp", "service", "exception", "xray_trace_id"})


@dataclass(frozen=True, slots=True)
class Source:
    """An environment of a function."""

    region: str
    function: str
    """As the template calls it."""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``fields`` are None of what is no JSON object."""

    source: Source
    text: str
    fields: Mapping[str, Any] | None
    at: datetime | None
    """None while only its neighbours tell."""

    @property
    def level(self) -> str:
        return PLAIN if self.fields is None else str(self.fields.get("level", ""))

    @property
    def is_told(self) -> bool:
        """Whether the arena or a library says something: not Lambda's own lines, nor embedded metrics."""
        if self.fields is None:
            return bool(self.text.strip()) and not self.text.startswith(_LAMBDAS_OWN)
        return "level" in self.fields

    def is_about(self, correlation_id: str) -> bool:
        """Whether any value in it is this id, however deep; of plain text, whether a word is."""
        if self.fields is None:
            return re.search(rf"(?<![\w-]){re.escape(correlation_id)}(?![\w-])", self.text) is not None
        return _holds(self.fields, correlation_id)

    def is_at_least(self, level: str) -> bool:
        return self.level not in LEVELS or LEVELS.index(self.level) >= LEVELS.index(level)


def function_of(name: str) -> str:
    """What the template calls the function, or the log group, of this name; the name itself if it is another's."""
    found = _NAME.fullmatch(name)
    return found[1].removesuffix("Logs") if found else name


def read_line(source: Source, text: str, at: datetime | None = None) -> Line:
    """``at`` is when it was logged, where the line itself does not say."""
    try:
        found = json.loads(text) if text.startswith("{") else None
    except ValueError:
        found = None
    fields = found if isinstance(found, dict) else None
    return Line(source, text, fields, _moment((fields or {}).get("timestamp")) or at)


def timed(lines: Iterable[Line], otherwise: datetime) -> list[Line]:
    """``lines`` of one file in their order, each with a time: that of the line before, or after what begins."""
    found = list(lines)
    last: datetime | None = None
    for place, line in enumerate(found):
        if line.at is None and not line.text.startswith(_BEFORE_ITS_LINES):
            found[place] = replace(line, at=last)
        last = found[place].at or last
    following: datetime | None = None
    for place in range(len(found) - 1, -1, -1):
        if found[place].at is None:
            found[place] = replace(found[place], at=following or last or otherwise)
        following = found[place].at
    return found


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Merged by time; lines of one moment in the order given."""
    return sorted(lines, key=lambda line: line.at.timestamp() if line.at else 0.0)


def shown(line: Line, correlation_id: str | None = None) -> Iterator[str]:
    """For people: time, region, function, level, message, fields; an exception on lines of its own.

    Of lists only what is about ``correlation_id`` is shown, and how many others there are.
    """
    at = f"{line.at:%Y-%m-%d %H:%M:%S}.{line.at.microsecond // 1000:03d}" if line.at else "-"
    head = f"{at} {line.source.region:14} {line.source.function:20} {line.level:7}"
    if line.fields is None:
        yield f"{head} {line.text.rstrip()}"
        return
    fields = {
        name: value
        for name, value in line.fields.items()
        if name not in _NOT_SHOWN and value != "" and not (name == "correlation_id" and value == correlation_id)
    }
    told = " ".join(f"{name}={_short(value, correlation_id)}" for name, value in fields.items())
    yield f"{head} {_word(line.fields.get('message', ''))}{'  ' if told else ''}{told}"
    for part in str(line.fields.get("exception", "")).splitlines():
        yield f"    {part}"


def data(line: Line) -> dict[str, Any]:
    """For programs."""
    source = {"region": line.source.region, "function": line.source.function, "environment": line.source.environment}
    at = None if line.at is None else line.at.isoformat(timespec="milliseconds")
    return {"at": at, **source, **({"text": line.text.rstrip()} if line.fields is None else {"line": line.fields})}


def _short(value: Any, correlation_id: str | None) -> str:
    if isinstance(value, list) and correlation_id is not None:
        about = [one for one in value if _holds(one, correlation_id)]
        if about and len(about) < len(value):
            return f"{json.dumps(about)}(+{len(value) - len(about)} more)"
    return _word(value)


def _word(value: Any) -> str:
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)


def _holds(value: Any, correlation_id: str) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(one, correlation_id) for one in value.values())
    if isinstance(value, list):
        return any(_holds(one, correlation_id) for one in value)
    return bool(value == correlation_id)


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else None
