"""MongoDB's values as JSON and back: MongoDB Extended JSON, relaxed, by the driver's own module."""

import json
from typing import Any, Final

from bson import json_util
from bson.json_util import RELAXED_JSON_OPTIONS, JSONOptions

_OPTIONS: Final[JSONOptions] = RELAXED_JSON_OPTIONS.with_options(tz_aware=True)


def to_json(value: Any) -> Any:
    """``value`` in JSON's own types."""
    return json.loads(json_util.dumps(value, json_options=_OPTIONS))


def from_json(value: Any) -> Any:
    """What ``to_json`` was given. Raises ``ValueError`` or ``TypeError`` for values that are no Extended JSON."""
    return json_util.loads(json.dumps(value), json_options=_OPTIONS)
