"""MongoDB's values as JSON and back: MongoDB Extended JSON, relaxed, by the driver's own module."""

import json
import re
from datetime import datetime
from typing import Any, Final

from bson import json_util
from bson.errors import BSONError
from bson.json_util import RELAXED_JSON_OPTIONS, JSONOptions

_OPTIONS: Final[JSONOptions] = RELAXED_JSON_OPTIONS.with_options(tz_aware=True)
_AS_WRITTEN: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z")
"""Moments as ``to_json`` writes them."""


def to_json(value: Any) -> Any:
    """``value`` in JSON's own types."""
    return json.loads(json_util.dumps(value, json_options=_OPTIONS))


def from_json(value: Any) -> Any:
    """What ``to_json`` was given. Raises ``ValueError`` or ``TypeError`` for what is none, or too deep."""
    try:
        return _read(value)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _read(value: Any) -> Any:
    # Not through text, as the driver's ``loads`` has it: a receiver has parsed that already.
    if type(value) is dict:
        return _object({name: _read(part) for name, part in value.items()})
    if type(value) is list:
        return [_read(part) for part in value]
    return value


def _object(found: dict[str, Any]) -> Any:
    moment = found.get("$date")
    if isinstance(moment, str) and len(found) == 1 and _AS_WRITTEN.fullmatch(moment):
        # The driver's own way takes twenty times as long.
        return datetime.fromisoformat(moment)
    try:
        return json_util.object_hook(found, _OPTIONS)
    except BSONError as error:
        raise ValueError(str(error)) from error
