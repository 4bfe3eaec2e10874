"""Shapes of what operators see of the regions."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, NUMBER, TEXT, list_of, nullable, record

_FROM: Final = record(
    {
        "events": COUNT,
        "p50Seconds": nullable(NUMBER),
        "p99Seconds": nullable(NUMBER),
        "leastSeconds": nullable(NUMBER),
    },
    description="From commit there to application here, of the newest events. Below zero: the clocks differ.",
)
_TO: Final = record(
    {"waiting": COUNT, "oldestSeconds": nullable(NUMBER), "setAside": COUNT},
    description="What has not been sent there; what can't be is set aside.",
)

SHAPES: Final[Mapping[str, Any]] = {
    "Regions": record(
        {
            "region": TEXT,
            "regions": list_of(
                record(
                    {
                        "region": TEXT,
                        "priority": COUNT,
                        "servedBy": nullable(TEXT),
                        "epoch": COUNT,
                        "url": nullable(TEXT),
                        "from": nullable(_FROM),
                        "to": nullable(_TO),
                    }
                )
            ),
        },
        description="Seen from region. servedBy is null while nobody serves that region's players.",
    ),
}
