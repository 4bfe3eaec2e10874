"""Whether this environment can serve: each dependency asked once, within a budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["up", "down", "off"]


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency's answer. ``off`` = not configured."""

    name: str
    state: State
    required: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Every dependency's answer. Only required ones decide: without its cache the arena is slower, not wrong."""

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        return all(check.state == "up" for check in self.checks if check.required)

    def is_up(self, name: str) -> bool:
        return any(check.name == name and check.state == "up" for check in self.checks)


@dataclass(frozen=True, slots=True)
class Dependency:
    """How to ask: ``ping`` raises when the dependency is down; None = not configured."""

    ping: Callable[[], object] | None
    required: bool


def check_all(dependencies: Mapping[str, Dependency]) -> Readiness:
    """Asks every dependency; no fault of one hides another."""
    return Readiness(tuple(_check(name, dependency) for name, dependency in dependencies.items()))


def _check(name: str, dependency: Dependency) -> Check:
    if dependency.ping is None:
        return Check(name, "off", dependency.required)
    try:
        dependency.ping()
    except Exception:  # noqa: BLE001 - any fault of a dependency means the same here: it is down
        return Check(name, "down", dependency.required)
    return Check(name, "up", dependency.required)
