"""A person's number instead of the policy's, for a while."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from chalicelib.errors import BadRequest, Conflict
from chalicelib.scaling.arbitration import bounds, keep_within
from chalicelib.scaling.model import Ceiling, ScalingDecision, ScalingLimits, action_of

MINUTES_MAX: Final = 24 * 60
"""Longer is no override any more but another configuration."""
REASON_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """So many environments until then."""

    desired: int
    until: float
    """Seconds since the epoch."""
    by: str
    """Who asked for it."""
    reason: str

    def is_live(self, now: float) -> bool:
        return now < self.until


def new_override(desired: int, minutes: float, *, by: str, reason: str, limits: ScalingLimits, now: float) -> Override:
    """Raises ``Conflict("outside_bounds")``, and ``BadRequest("validation_error")`` naming the field, what was found
    and what is allowed."""
    if not limits.min <= desired <= limits.max:
        raise Conflict("outside_bounds", f"desired: {desired}; allowed here: {limits.min} to {limits.max}")
    if not 0 < minutes <= MINUTES_MAX:
        raise BadRequest("validation_error", f"minutes: {minutes:g}; allowed: above 0 and up to {MINUTES_MAX}")
    if not 0 < len(reason.strip()) <= REASON_CHARACTERS_MAX:
        allowed = f"1 to {REASON_CHARACTERS_MAX} characters, not only spaces"
        raise BadRequest("validation_error", f"reason: {len(reason)} characters; allowed: {allowed}")
    return Override(desired=desired, until=now + 60 * minutes, by=by, reason=reason.strip())


def override_data(override: Override) -> dict[str, Any]:
    """Its JSON form."""
    return asdict(override)


def read_override(data: Mapping[str, Any] | None) -> Override | None:
    """The reverse of ``override_data``; one that another release wrote otherwise is none."""
    try:
        return None if data is None else Override(**{name: data[name] for name in ("desired", "until", "by", "reason")})
    except KeyError:
        return None


def overridden(
    decision: ScalingDecision, override: Override, limits: ScalingLimits, ceilings: Sequence[Ceiling]
) -> ScalingDecision:
    """``decision`` with the person's number in its place, bounds and connection budgets still observed.

    What the rules wanted stays visible in its outcomes.
    """
    low, top = bounds(limits, ceilings)
    desired, clamps = keep_within(override.desired, low, top)
    current = decision.current
    went = f"stays at {current}" if desired == current else f"{current} -> {desired}"
    limited = "".join(f"; {clamp.before} became {clamp.after}: {clamp.reason}" for clamp in clamps)
    return replace(
        decision,
        desired=desired,
        action=action_of(current, desired),
        clamps=clamps,
        reason=f"{went}: overridden by {override.by}: {override.reason}{limited}; the policy said: {decision.reason}",
        inputs={**decision.inputs, "override": override_data(override)},
    )
