"""The part of the settings that says how the region scales, and what its servers admit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

SCALING_KEYS: Final = (
    "ARENA_API_FUNCTION",
    "ARENA_SCALING_BY",
    "ARENA_SCALING_POLICY",
    "ARENA_SCALING_MIN",
    "ARENA_SCALING_MAX",
    "ARENA_MONGO_CONNECTIONS",
    "ARENA_REDIS_CONNECTIONS",
    "ARENA_SEPARATE_ENVIRONMENTS",
)
POLICIES: Final = ("guide", "hpa", "predictive")
DEFAULT_POLICY: Final = "guide"
LAPTOP_POLICY: Final = "laptop"
"""The guide's for what a laptop serves; never in production."""
CONTROLLER: Final = "controller"
MOVERS: Final = (CONTROLLER, "application-auto-scaling")
"""Who asks Lambda for numbers. With AWS's own the controller observes and records what it would do."""
CONNECTIONS_MAX: Final = 10_000_000
ENVIRONMENTS_MAX: Final = 100_000

Problem = Callable[[str, str, str], None]
"""Reports a key, what was found, and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingSettings:
    """What the scaling controller is told."""

    api_function: str | None = None
    """Whose alias is scaled; the function itself where nothing is set. None outside Lambda."""
    mover: str = CONTROLLER
    """One of ``MOVERS``."""
    policy: str = DEFAULT_POLICY
    environments_min: int | None = None
    """None = the tier's."""
    environments_max: int | None = None
    """None = the tier's."""
    mongo_connections: int | None = None
    """Connections this region may hold to one MongoDB node. None = as many as the server says it has."""
    redis_connections: int | None = None
    """Likewise to one Redis node. None = not bounded."""
    separate_environments: int = 0
    """Environments of the functions that serve groups of routes beside the API's own; nobody scales these."""


def policies(*, production: bool) -> tuple[str, ...]:
    """What ``ARENA_SCALING_POLICY`` may be."""
    return POLICIES if production else (*POLICIES, LAPTOP_POLICY)


def read_scaling_settings(environ: Mapping[str, str], *, production: bool, problem: Problem) -> ScalingSettings:
    """The settings in ``environ``; whatever is wrong with them is told to ``problem``."""
    policy, allowed = environ.get("ARENA_SCALING_POLICY", "").strip() or DEFAULT_POLICY, policies(production=production)
    if policy not in allowed:
        problem("ARENA_SCALING_POLICY", repr(policy), f"allowed: {', '.join(allowed)}")
    mover = environ.get("ARENA_SCALING_BY", "").strip() or CONTROLLER
    if mover not in MOVERS:
        problem("ARENA_SCALING_BY", repr(mover), f"allowed: {', '.join(MOVERS)}")
    least = _number("ARENA_SCALING_MIN", environ, ENVIRONMENTS_MAX, problem)
    most = _number("ARENA_SCALING_MAX", environ, ENVIRONMENTS_MAX, problem)
    if least is not None and most is not None and least > most:
        problem("ARENA_SCALING_MIN", str(least), f"at most ARENA_SCALING_MAX, which is {most}")
    return ScalingSettings(
        api_function=_first(environ, "ARENA_API_FUNCTION", "AWS_LAMBDA_FUNCTION_NAME"),
        mover=mover,
        policy=policy,
        environments_min=least,
        environments_max=most,
        mongo_connections=_number("ARENA_MONGO_CONNECTIONS", environ, CONNECTIONS_MAX, problem),
        redis_connections=_number("ARENA_REDIS_CONNECTIONS", environ, CONNECTIONS_MAX, problem),
        separate_environments=_number("ARENA_SEPARATE_ENVIRONMENTS", environ, ENVIRONMENTS_MAX, problem) or 0,
    )


def _first(environ: Mapping[str, str], *keys: str) -> str | None:
    return next((environ[key].strip() for key in keys if environ.get(key, "").strip()), None)


def _number(key: str, environ: Mapping[str, str], most: int, problem: Problem) -> int | None:
    text = environ.get(key, "").strip()
    if not text or text == "0":
        return None
    if not text.isdecimal() or int(text) > most:
        problem(key, repr(text), f"a whole number up to {most}; empty or 0 leaves it to the tier or the server")
        return None
    return int(text)
