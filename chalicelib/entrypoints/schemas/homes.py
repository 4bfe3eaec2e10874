"""Shapes of where players are at home."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import TEXT, nullable, record

SHAPES: Final[Mapping[str, Any]] = {
    "Home": record(
        {"home": TEXT, "servedBy": nullable(TEXT), "answeredBy": TEXT},
        description="Regions. servedBy is another one than home while home has failed, and null while nobody serves.",
    ),
}
