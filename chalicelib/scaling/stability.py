"""Whether a rule set comes to rest under every constant load, or goes round for ever.

Everything that depends on the past (windows, rate policies, cooldowns) and on the surroundings (ceilings, what is in
use) only shortens a step: from capacity n the decision lies between n and what the rules ask for at n. So consider a
fleet that may at any evaluation stop anywhere in between, as if by the worst of pasts. If even that fleet can't return
to a capacity it has left, the real one can't, with any window, cooldown, rhythm of evaluation or past.

A return needs a capacity from which all metrics agree to scale in, ``high``, down to ``low``; and from somewhere
between the two a metric whose wish reaches ``high`` again. That metric agreed to scale in from ``high`` too, and no
less far; so it can go round by itself, as far as the others, idle at most, let it down. Metrics are therefore looked
at one by one, under every class of loads (``responses``), and sets of rules that are calm each are calm together.

When that fleet can go round, the real policy is run under the loads found, every 60 and every 15 seconds, also with a
ceiling at the capacity in question. One run that repeats itself is the counter-example. If none does, the rule set
counts as unproved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, product
from typing import Final

from chalicelib.scaling.constant_load import ConstantLoad, Run, run
from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.responses import Response, metrics_of, responses
from chalicelib.scaling.rule_set import RuleSet
from chalicelib.scaling.rules import METRIC_KINDS

EVERY_SECONDS: Final = (60, 15)
"""The rhythms in which the controller evaluates."""

SUSPICIONS_MAX: Final = 20_000
"""Suspicions that are collected..."""
SUSPECTS_RUN_MAX: Final = 100
"""...and, evenly picked from them, those under which the real policy is run before a rule set counts as unproved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The rule set comes to rest under every constant load."""

    classes: int
    """Load classes that were looked at; they cover every load."""
    assumes: tuple[str, ...]
    not_proved: tuple[str, ...] = (
        "anything about a load that changes: then the capacity follows it",
        "that requests spill nowhere: a rule set can be calm and too small",
        "delays: capacity asked for is taken to be ready, and seen in the metrics, at the next evaluation",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A load under which the fleet might go round, found on the tables."""

    metric: str
    """The one that goes round; the others are idle."""
    load: ConstantLoad
    interval: tuple[float, float]
    """Every load of the metric strictly between the two gives the same, or just the one, if they are equal."""
    high: int
    """A capacity from which all agree to scale in..."""
    low: int
    """...down to here, from where the metric scales out, to ``high`` or beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """The rule set goes round for ever: a run of the real policy that repeats itself."""

    suspicion: Suspicion
    load: ConstantLoad
    """The suspicion's, perhaps with a ceiling."""
    start: int
    every_seconds: int
    run: Run

    @property
    def capacities(self) -> tuple[int, ...]:
        """What is passed through, back to the first."""
        return (*self.run.cycle, self.run.cycle[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproved:
    """Neither a proof nor a run that repeats itself was found."""

    suspicions: tuple[Suspicion, ...]
    """Loads under which a fleet that stops at the worst moments would go round."""


Verdict = Proof | Cycle | Unproved


def check(rule_set: RuleSet) -> Verdict:
    """Proves ``rule_set`` calm, or gives a counter-example, or says that it could do neither."""
    tables = {metric: tuple(responses(rule_set, metric)) for metric in metrics_of(rule_set)}
    suspicions = tuple(islice(_suspicions(rule_set, list(tables.values())), SUSPICIONS_MAX))
    if not suspicions:
        return Proof(classes=sum(map(len, tables.values())), assumes=_assumptions(rule_set))
    picked = suspicions[:: -(-len(suspicions) // SUSPECTS_RUN_MAX)]
    return next(_cycles(rule_set, picked), Unproved(suspicions=picked))


def _cycles(rule_set: RuleSet, suspicions: Sequence[Suspicion]) -> Iterator[Cycle]:
    policy = GuidePolicy(rule_set)
    # Without a ceiling first: a cycle that needs none is the plainer example.
    for bounded, suspicion, every_seconds in product((False, True), suspicions, EVERY_SECONDS):
        load = replace(suspicion.load, ceiling=suspicion.high if bounded else None)
        for start in (suspicion.low, suspicion.high):
            ran = run(policy, load, start, every_seconds)
            if not ran.settles:
                yield Cycle(suspicion=suspicion, load=load, start=start, every_seconds=every_seconds, run=ran)


def _suspicions(rule_set: RuleSet, tables: Sequence[tuple[Response, ...]]) -> Iterator[Suspicion]:
    # How far in each capacity goes when every metric is idle: no load makes any metric agree to more.
    idle = tuple(max(each) for each in zip(*(table[0].desired for table in tables), strict=True))
    for response in chain.from_iterable(tables):
        first, outs = response.first, response.outs
        for place in range(outs - first, len(idle)):
            low, high = max(response.desired[place], idle[place]), first + place
            if low < outs and max(response.desired[low - first : outs - first]) >= high:
                load = _others_idle(rule_set, response.load)
                yield Suspicion(metric=response.metric, load=load, interval=response.interval, low=low, high=high)


def _others_idle(rule_set: RuleSet, load: ConstantLoad) -> ConstantLoad:
    names = metrics_of(rule_set)
    sums = {name: load.sums.get(name, 0.0) for name in names if METRIC_KINDS[name] == "mean"}
    return ConstantLoad(sums, {name: load.needed.get(name, 0) for name in names if METRIC_KINDS[name] == "backlog"})


def _assumptions(rule_set: RuleSet) -> tuple[str, ...]:
    means = [name for name in metrics_of(rule_set) if METRIC_KINDS[name] == "mean"]
    backlogs = [name for name in metrics_of(rule_set) if METRIC_KINDS[name] == "backlog"]
    said = []
    if means:
        said.append(f"{', '.join(means)}: a constant sum shared evenly by the environments, each sum on its own")
    if backlogs:
        said.append(
            f"{', '.join(backlogs)}: grows while there are too few environments, all of them then busy, and drains "
            "when there are enough"
        )
    return tuple(said)
