"""The dashboard's rows, from top to bottom."""

from collections.abc import Sequence
from typing import Final

from infra.grafana.panel import Panel
from infra.grafana.service_panels import API, BATTLES, ENVIRONMENTS, OVERVIEW, QUEUES
from infra.grafana.store_panels import CACHE, DATABASE, REPLICATION

ROWS: Final[Sequence[tuple[str, Sequence[Panel]]]] = (
    ("Overview", OVERVIEW),
    ("API", API),
    ("Environments and scaling", ENVIRONMENTS),
    ("Battles", BATTLES),
    ("Queues", QUEUES),
    ("Replication", REPLICATION),
    ("Cache", CACHE),
    ("Database", DATABASE),
)
