"""What the region's environments share of what they counted, for routes that show it."""

from chalicelib import wiring
from chalicelib.errors import Unavailable
from chalicelib.monitoring.readiness import Readiness
from chalicelib.monitoring.reports import RegionState
from chalicelib.observability import logger


def known_state(arena: wiring.Arena, readiness: Readiness) -> RegionState | None:
    """None while what keeps it does not answer; that is not waited for where ``readiness`` knows it already."""
    if not readiness.is_up("mongodb" if arena.redis is None else "redis"):
        return None
    try:
        return arena.shared_metrics.state(arena.clock())
    except Exception:  # noqa: BLE001 - whatever it fails with, the rest of the answer is true
        logger().warning("shared metrics not known", exc_info=True)
        return None


def required_state(arena: wiring.Arena) -> RegionState:
    """Raises ``Unavailable`` while what keeps it does not answer."""
    state = known_state(arena, arena.readiness())
    if state is None:
        raise Unavailable("metrics_unavailable", "what the region's environments told is not known at present")
    return state
