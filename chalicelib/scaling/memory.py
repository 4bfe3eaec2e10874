"""What the guide's policy remembers between runs, and its JSON form."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, cast

from chalicelib.scaling.behavior import Behavior, Change, Recommendation
from chalicelib.scaling.model import Observation, State
from chalicelib.scaling.rules import LastAction

KIND: Final = "guide/1"
"""Marks a state as this policy's. Any other state counts as none: the first run is safe, a misread state is not."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The last change that was decided; whether it was made is seen at the next run."""

    at: float
    before: int
    after: int
    rules: tuple[str, ...]
    """Who wanted it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bounded: everything in it is forgotten after the longest window, period or cooldown."""

    recommendations: tuple[Recommendation, ...]
    """Oldest first, before any behaviour."""
    changes: tuple[Change, ...] = ()
    """Oldest first, those that were carried out."""
    last_actions: Mapping[str, LastAction] = field(default_factory=dict)
    """By rule."""
    asked: Asked | None = None

    def carried_out(self, observation: Observation) -> "Memory":
        """With the last decision entered as a change if the capacity is what was asked for, dropped otherwise."""
        asked = self.asked
        if asked is None or observation.requested != asked.after:
            return replace(self, asked=None)
        action: Literal["out", "in"] = "out" if asked.after > asked.before else "in"
        return replace(
            self,
            changes=(*self.changes, Change(asked.at, asked.before, asked.after)),
            last_actions={**self.last_actions, **{rule: LastAction(action, asked.at) for rule in asked.rules}},
            asked=None,
        )

    def without_old(self, behavior: Behavior, cooldown_seconds: Mapping[str, int], now: float) -> "Memory":
        """Without what is too old to matter at ``now``."""
        window = max(behavior.out.stabilization_seconds, behavior.in_.stabilization_seconds)
        period = max(behavior.out.longest_period_seconds, behavior.in_.longest_period_seconds)
        return replace(
            self,
            recommendations=tuple(past for past in self.recommendations if now - past.at < window),
            changes=tuple(change for change in self.changes if now - change.at < period),
            last_actions={
                rule: last for rule, last in self.last_actions.items() if now - last.at < cooldown_seconds.get(rule, 0)
            },
        )

    def with_decision(self, at: float, wanted: int, before: int, after: int, rules: tuple[str, ...]) -> "Memory":
        """After deciding at ``at`` to go from ``before`` to ``after`` where ``wanted`` was recommended."""
        return replace(
            self,
            recommendations=(*self.recommendations, Recommendation(at, wanted)),
            asked=Asked(at, before, after, rules) if after != before else None,
        )


def decode(state: State, observation: Observation, now: float) -> Memory:
    """The state as data. The first run remembers the present capacity as recommended, as the HPA does: a controller
    that lost its memory neither jumps nor drops before its windows have filled."""
    if isinstance(state, Mapping) and state.get("kind") == KIND:
        try:
            return _decoded(state)
        except (KeyError, TypeError, ValueError):
            # Another release's. Its rules may have been others, too.
            pass
    return Memory((Recommendation(now, observation.requested),))


def _decoded(state: Mapping[str, Any]) -> Memory:
    asked = state["asked"]
    return Memory(
        recommendations=tuple(Recommendation(at, desired) for at, desired in state["recommendations"]),
        changes=tuple(Change(at, before, after) for at, before, after in state["changes"]),
        last_actions={
            rule: LastAction(cast(Literal["out", "in"], action), at)
            for rule, (action, at) in state["last_actions"].items()
        },
        asked=None if asked is None else Asked(asked["at"], asked["before"], asked["after"], tuple(asked["rules"])),
    )


def encode(memory: Memory) -> dict[str, Any]:
    """The JSON form that ``decode`` reads."""
    asked = memory.asked
    return {
        "kind": KIND,
        "recommendations": [[past.at, past.desired] for past in memory.recommendations],
        "changes": [[change.at, change.before, change.after] for change in memory.changes],
        "last_actions": {rule: [last.action, last.at] for rule, last in memory.last_actions.items()},
        "asked": asked and {"at": asked.at, "before": asked.before, "after": asked.after, "rules": list(asked.rules)},
    }


def aged(state: State, now: float) -> object:
    """The state with ages instead of times, hashable: equal where the future is the same."""
    if state is None:
        return None
    asked = state["asked"]
    return (
        tuple((now - at, desired) for at, desired in state["recommendations"]),
        tuple((now - at, before, after) for at, before, after in state["changes"]),
        tuple(sorted((rule, action, now - at) for rule, (action, at) in state["last_actions"].items())),
        asked and (now - asked["at"], asked["before"], asked["after"], tuple(asked["rules"])),
    )
