"""The controller's policy: the guide's rules and targets, arbitrated, slowed down and bounded.

Order: rules and targets judge → arbitration → in use → stabilization → cooldowns → rate policies → bounds. Every step
after the judges only brings the answer nearer to the current capacity, or within the bounds; ``stability`` relies on
that. What is remembered as recommended is what was wanted before windows and cooldowns: a cooldown of 300 s and a
window of 300 s run side by side, not one after the other.

A change is remembered when the next observation shows that it was made, not when it was decided: an actuator that
failed starts no cooldown, and neither does an operator's override. So store the state before carrying out the
decision; a controller that dies in between then loses nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.scaling.arbitration import arbitrate, bounds, keep_in_use, keep_within
from chalicelib.scaling.behavior import rate_limit, stabilize
from chalicelib.scaling.hpa import judge_target
from chalicelib.scaling.memory import Memory, aged, decode, encode
from chalicelib.scaling.model import (
    IN_USE,
    Clamp,
    Observation,
    RuleOutcome,
    ScalingDecision,
    State,
    action_of,
)
from chalicelib.scaling.rule_set import RuleSet, rule_set_data
from chalicelib.scaling.rules import cools_for, judge_rule


class GuidePolicy:
    """Decides by a rule set."""

    def __init__(self, rule_set: RuleSet) -> None:
        self.rule_set = rule_set
        self._configuration = rule_set_data(rule_set)

    @property
    def name(self) -> str:
        """The rule set's name."""
        return self.rule_set.name

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The rule set as data."""
        return self._configuration

    def decide(self, state: State, observation: Observation, now: float) -> tuple[ScalingDecision, State]:
        """The decision at ``now`` and the state for the next run."""
        rule_set, current = self.rule_set, observation.requested
        memory = decode(state, observation, now).carried_out(observation)
        memory = memory.without_old(rule_set.behavior, rule_set.cooldown_seconds, now)
        outcomes = judge(rule_set, observation)
        wish = arbitrate(outcomes, current)
        wanted, busy = keep_in_use(wish.desired, observation)
        free, cooling = self._free(memory, outcomes, current, now)
        allowed, _ = keep_in_use(arbitrate(free, current).desired, observation)
        desired, slowed = self._slow_down(memory, observation, wanted, allowed, cooling, now)
        clamps, action = (*busy, *slowed), action_of(current, desired)
        decision = ScalingDecision(
            policy=self.name,
            at=now,
            current=current,
            desired=desired,
            action=action,
            reason=_sentence(current, desired, wish.reason, clamps),
            outcomes=outcomes,
            clamps=clamps,
            inputs={"ready": observation.ready, IN_USE: observation.read(IN_USE).value("maximum")},
        )
        wanting = tuple(outcome.rule for outcome in free if outcome.wish == action)
        return decision, encode(memory.with_decision(now, wanted, current, desired, wanting))

    def aged(self, state: State, now: float) -> object:
        """The state with ages instead of times, hashable: equal where the future is the same."""
        return aged(state, now)

    def _free(
        self, memory: Memory, outcomes: tuple[RuleOutcome, ...], current: int, now: float
    ) -> tuple[tuple[RuleOutcome, ...], str]:
        """The outcomes with ``hold`` in place of what cools down, and a word on whom that concerns."""
        rules = {rule.name: rule for rule in self.rule_set.rules}
        free, cooling = [], []
        for outcome in outcomes:
            rule, last = rules.get(outcome.rule), memory.last_actions.get(outcome.rule)
            left = cools_for(rule, outcome.wish, last, now) if rule else 0.0
            if left and last:
                cooling.append(f"{outcome.rule} went {last.action} and cools down for {left:g} s more")
            free.append(replace(outcome, wish="hold", desired=current) if left else outcome)
        return tuple(free), ", ".join(cooling)

    def _slow_down(
        self, memory: Memory, observation: Observation, wanted: int, allowed: int, cooling: str, now: float
    ) -> tuple[int, tuple[Clamp, ...]]:
        """What becomes of the wish now: windows, cooldowns, rate policies, bounds."""
        current, behavior = observation.requested, self.rule_set.behavior
        low, top = bounds(self.rule_set.limits, observation.ceilings)
        if not low.after <= current <= top.after:
            # Put right at once, as the HPA does: a window must not keep a connection budget overdrawn.
            return keep_within(current, low, top)
        clamps = []
        stable = stabilize(behavior, current, wanted, memory.recommendations, now)
        if stable != wanted:
            clamps.append(_stabilization(wanted, stable, current, self.rule_set))
        cooled = min(stable, allowed) if wanted > current else max(stable, allowed)
        if cooled != stable:
            clamps.append(Clamp(name="cooldown", before=stable, after=cooled, reason=cooling))
        limited = rate_limit(behavior, current, cooled, memory.changes, now)
        if limited != cooled:
            reason = "as far as the rate policies let it go"
            clamps.append(Clamp(name="rate", before=cooled, after=limited, reason=reason))
        desired, bounded = keep_within(limited, low, top)
        return desired, (*clamps, *bounded)


def judge(rule_set: RuleSet, observation: Observation) -> tuple[RuleOutcome, ...]:
    """What each rule and target wants, cooldown or not, in the rule set's order."""
    return (
        *(judge_rule(rule, observation) for rule in rule_set.rules),
        *(judge_target(target, observation) for target in rule_set.targets),
    )


def _stabilization(wanted: int, stable: int, current: int, rule_set: RuleSet) -> Clamp:
    if wanted > current:
        seconds, which = rule_set.behavior.out.stabilization_seconds, "lowest"
    else:
        seconds, which = rule_set.behavior.in_.stabilization_seconds, "highest"
    reason = f"the {which} recommendation of the last {seconds} s counts"
    return Clamp(name="stabilization", before=wanted, after=stable, reason=reason)


def _sentence(current: int, desired: int, reason: str, clamps: tuple[Clamp, ...]) -> str:
    went = f"stays at {current}" if desired == current else f"{current} -> {desired}"
    limits = "".join(f"; {clamp.before} became {clamp.after}: {clamp.reason}" for clamp in clamps)
    return f"{went}: {reason}{limits}"
