"""A field for a moment in time."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chalicelib.entrypoints.validation import FieldError

_FORM: Final = (
    r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(\.[0-9]{1,3})?Z$"
)
_EXAMPLE: Final = "2026-11-23T07:07:14.914Z"


@dataclass(frozen=True, slots=True)
class Instant:
    """A UTC time as the game writes it, milliseconds optional; error word ``pattern``.

    A day its month has not is the days after its end, as JavaScript reads 31 February: so the form alone decides.
    """

    required: bool = False

    def parse(self, value: Any) -> datetime:
        match = re.fullmatch(_FORM, value) if isinstance(value, str) else None
        if match is None:
            raise FieldError("pattern")
        year, month, day, hours, minutes, seconds = (int(part) for part in match.groups()[:6])
        milliseconds = int(float(match[7] or 0) * 1000 + 0.5)
        since = timedelta(days=day - 1, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        return datetime(year, month, 1, tzinfo=UTC) + since

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        described: dict[str, Any] = {"type": "string", "pattern": _FORM, "examples": [_EXAMPLE]}
        if self.required:
            return described
        return {"anyOf": [described, {"enum": ["", None] if in_body else [""]}]}
