"""The arena's own policy: as many environments as the traffic to come is worth.

Each 15 s it forecasts the load at the moment at which environments asked for now would be ready
(``forecast``), as a distribution. One more environment is asked for while the seconds in which it would be needed are
worth its keep (a newsvendor's choice, ``erlang``). What was wanted for the moments in between is kept as well, so
capacity is given back only when nothing expected before it could be replaced needs it; and one that is there is kept
at half the price.

One knob, ``worth_seconds``: what a cold-served request is worth, in seconds of keeping one provisioned environment.
600 says: keep an environment that is needed once in ten minutes. It is the most the policy pays; what it does pay is
less where AWS target tracking would not have spent as much (``tracking_bill``): it is never meant to be dearer than
that. The price that spends this budget is sought slowly, since a price that stays the same buys the most.

The forecast is chosen among candidates by what following each would have cost so far.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.scaling.arbitration import bounds, keep_within
from chalicelib.scaling.erlang import Prepared, blocking, busiest, environments_for
from chalicelib.scaling.forecast import BARE, CANDIDATES, TICK_SECONDS, TICKS_PER_MINUTE, Forecast, Forecaster
from chalicelib.scaling.model import (
    ARRIVALS,
    OFFERED_LOAD,
    SPILLOVER,
    Clamp,
    Observation,
    RuleOutcome,
    ScalingDecision,
    ScalingLimits,
    State,
    action_of,
)
from chalicelib.scaling.tracking_bill import TrackingBill

KIND: Final = "predictive/1"
"""Of the state; what another release stored otherwise is not read."""
WORTH_SECONDS: Final = 600.0
READY_SECONDS: Final = 90.0
ON_DEMAND_SURCHARGE: Final = (16.6667 - 9.7222) / 4.1667
"""What a second of executing on demand costs more than in a provisioned environment, over the price of keeping one
provisioned for a second (aws.amazon.com/lambda/pricing, us-east-1, x86): the same for every memory size."""

RISE: Final = 0.05
RUNGS: Final = 14
RUNG: Final = 0.6
"""The prices tried beside each other: the knob, and thirteen lower ones, each 0.6 of the one before."""
KEEP_SHARE: Final = 0.5
"""An environment that is there is given back when it is worth less than half its keep: to ask for it again costs its
preparation, and a load that swings would have it asked for again and again."""
START_RUNG: Final = 6
PRIOR_MINUTES: Final = 240.0
"""For how long traffic counts for which ``START_RUNG`` spends the budget. Without it a night would be priced by itself,
and what it saves be spent before the day."""
PRIOR_SLOPE: Final = 0.08
"""By how much of the budget one rung is dearer than the next, in that traffic."""
BUDGET_SHARE: Final = 0.96
"""Of target tracking's bill; the rest is for what the reckoning leaves out."""
DEBT_GAIN: Final = 5.0
"""What was spent above the budget is taken back five times as hard as what was saved is spent."""
LEDGER_HALF_LIFE_MINUTES: Final = 2 * 1440.0
"""Over about two days the bills are compared: so that a day's rhythm does not move the price."""
RECORD_HALF_LIFE_MINUTES: Final = 720.0
"""Half a day: what follows a flash best is remembered until the next."""
CHANGE_OF_CANDIDATE: Final = 0.98
"""Another candidate is followed when it would have cost 2 % less: so that two good ones don't alternate."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """One sample's answer."""

    forecast: Forecast
    worth_seconds: float
    wanted: int
    """Worth asking for."""
    kept: int
    """Worth keeping once there; at least ``wanted``."""


class Predictive:
    """Forecasts, and keeps what is worth keeping."""

    name = "predictive"

    def __init__(
        self, limits: ScalingLimits, worth_seconds: float = WORTH_SECONDS, ready_seconds: float = READY_SECONDS
    ) -> None:
        if not worth_seconds > 0:
            raise ValueError(f"worth_seconds must be above 0, found {worth_seconds}")
        self._limits, self._worth, self._ready_seconds = limits, worth_seconds, ready_seconds
        self._ready_ticks = math.ceil(ready_seconds / TICK_SECONDS) + 1

    @classmethod
    def configured(cls, configuration: Mapping[str, Any]) -> "Predictive":
        """The policy with this ``configuration``. Raises KeyError, TypeError or ValueError for anything else."""
        limits = ScalingLimits(min=configuration["min"], max=configuration["max"])
        return cls(limits, configuration["worth_seconds"], configuration["ready_seconds"])

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The knob, the delay it looks ahead, and the bounds."""
        return {
            "worth_seconds": self._worth,
            "ready_seconds": self._ready_seconds,
            "min": self._limits.min,
            "max": self._limits.max,
        }

    def decide(self, state: State, observation: Observation, now: float) -> tuple[ScalingDecision, State]:
        """Takes in every new sample and answers for the last. Without samples it holds: silence is not idleness."""
        loads, arrivals = observation.read(OFFERED_LOAD), observation.read(ARRIVALS)
        if not loads.points or not arrivals.points:
            return self._abstain(observation, now, loads.missing or arrivals.missing), state
        spilled = {point.at: point.value for point in observation.read(SPILLOVER).points}
        rates = {point.at: point.value for point in arrivals.points}
        memory = _Memory(state, self._limits, self._ready_seconds, self._ready_ticks)
        choice = None
        for point in loads.points:
            if point.at > memory.forecaster.at and point.at in rates:
                away = spilled.get(point.at, 0.0)
                choice = memory.take(point.at, point.value, rates[point.at], observation.requested, away, self._worth)
        if choice is None:
            return self._abstain(observation, now, "no new sample"), state
        return self._decision(observation, now, choice, memory), memory.state()

    def _abstain(self, observation: Observation, now: float, why: str) -> ScalingDecision:
        outcome = RuleOutcome(
            rule=self.name,
            metric=OFFERED_LOAD,
            value=None,
            wish="abstain",
            desired=observation.requested,
            reason=why,
        )
        return ScalingDecision(
            policy=self.name,
            at=now,
            current=observation.requested,
            desired=observation.requested,
            action="hold",
            reason=f"keeps {observation.requested}: {why}",
            outcomes=(outcome,),
        )

    def _decision(self, observation: Observation, now: float, choice: _Choice, memory: "_Memory") -> ScalingDecision:
        current, forecast, held = observation.requested, choice.forecast, _held(observation.requested, memory.wanted)
        desired, bounded = keep_within(held, *bounds(self._limits, observation.ceilings))
        forecaster = memory.forecaster
        spread = forecaster.forecast(forecast.candidate.removeprefix(BARE))
        low, high = spread.quantile(0.1), spread.quantile(0.9)
        reason = (
            f"expects {forecast.expected:.1f} busy ({low:.1f} to {high:.1f}) in {self._ready_seconds:.0f} s "
            f"by '{forecast.candidate}': now {forecaster.minute_load:.1f}, "
            f"minute of the hour x{forecaster.hour_factor:.2f}, time of day x{forecaster.day_factor:.2f}; "
            f"{choice.wanted} are worth asking for and {choice.kept} keeping at {choice.worth_seconds:.1f} s "
            f"a cold-served request"
        )
        clamps = bounded
        if held > choice.wanted:
            why = f"{held} are worth keeping for now, or were wanted for a moment before more could be ready"
            clamps = (Clamp(name="kept", before=choice.wanted, after=held, reason=why), *bounded)
            reason += f"; {why}"
        reason += "".join(f"; {clamp.before} became {clamp.after}: {clamp.reason}" for clamp in bounded)
        wish = action_of(current, desired)
        outcome = RuleOutcome(
            rule=self.name, metric=OFFERED_LOAD, value=forecast.expected, wish=wish, desired=desired, reason=reason
        )
        return ScalingDecision(
            policy=self.name,
            at=now,
            current=current,
            desired=desired,
            action=wish,
            reason=reason,
            outcomes=(outcome,),
            clamps=clamps,
            inputs={
                "load": forecaster.minute_load,
                "expected": forecast.expected,
                "low": low,
                "high": high,
                "candidate": forecast.candidate,
                "hour_factor": forecaster.hour_factor,
                "day_factor": forecaster.day_factor,
                "service_seconds": forecaster.service_seconds,
                "worth_seconds": choice.worth_seconds,
                "headroom": desired - forecast.expected,
                "target_tracking": memory.bill.requested,
            },
        )


class _Memory:
    """What is remembered between samples, and what one sample does to it."""

    def __init__(self, state: State, limits: ScalingLimits, ready_seconds: float, ready_ticks: int) -> None:
        stored: Mapping[str, Any] = state if isinstance(state, Mapping) and state.get("kind") == KIND else {}
        self._limits, self._ready_ticks = limits, ready_ticks
        self._ready_minutes = math.ceil(ready_ticks / TICKS_PER_MINUTE)
        self.forecaster = Forecaster(stored.get("forecast"), ready_seconds)
        self.bill = TrackingBill(stored.get("bill"), limits, ready_ticks)
        self._records: dict[str, float] = dict(stored.get("records", dict.fromkeys(CANDIDATES, 0.0)))
        followed = stored.get("followed", {})
        self._followed = {name: _Followed.loaded(followed.get(name), limits.min) for name in CANDIDATES}
        self._candidate: str = stored.get("candidate", "recent")
        self._rung: float = stored.get("rung", START_RUNG)
        self._rungs = [_Followed.loaded(each, limits.min) for each in stored.get("rungs", [None] * RUNGS)]
        self._spent: list[float] = list(stored.get("spent", [0.0] * RUNGS))
        self._own: float = stored.get("own", 0.0)
        self._reckoned: float = stored.get("reckoned", 0.0)
        self._minutes: float = stored.get("minutes", 0.0)
        self._budget: float = stored.get("budget", 0.0)
        self.wanted: list[list[int]] = list(stored.get("wanted", []))

    def state(self) -> dict[str, Any]:
        """As JSON; bounded."""
        return {
            "kind": KIND,
            "forecast": self.forecaster.state(),
            "bill": self.bill.state(),
            "records": self._records,
            "followed": {name: followed.state() for name, followed in self._followed.items()},
            "candidate": self._candidate,
            "rung": self._rung,
            "rungs": [followed.state() for followed in self._rungs],
            "spent": self._spent,
            "own": self._own,
            "reckoned": self._reckoned,
            "budget": self._budget,
            "minutes": self._minutes,
            "wanted": self.wanted,
        }

    def take(self, at: float, load: float, arrivals: float, requested: int, spilled: float, knob: float) -> _Choice:
        """One sample of 15 s: learns from it, and says what is wanted."""
        forecaster = self.forecaster
        forecaster.observe(at, load, arrivals)
        service = forecaster.service_seconds
        paid, elsewhere = self.bill.tick(at, load, arrivals, minute_ended=forecaster.minute_ended)
        self._budget += BUDGET_SHARE * (paid + ON_DEMAND_SURCHARGE * elsewhere) / TICKS_PER_MINUTE
        self._own += (requested + ON_DEMAND_SURCHARGE * spilled * service) / TICKS_PER_MINUTE
        if forecaster.minute_ended:
            self._compare_candidates(knob)
            self._compare_prices(knob)
        worth = knob * RUNG**self._rung
        forecast = forecaster.forecast(self._candidate)
        pair = self._pair(busiest(forecast.distribution), worth)
        self.wanted = [*self.wanted, pair][-self._ready_ticks :]
        return _Choice(forecast, worth, *pair)

    def _pair(self, loads: Prepared, worth: float) -> list[int]:
        return [self._environments(loads, worth), self._environments(loads, worth, KEEP_SHARE)]

    def _environments(self, loads: Prepared, worth: float, share: float = 1.0) -> int:
        service = self.forecaster.service_seconds
        if service <= 0:
            return self._limits.min
        # Seconds of need that pay for a second of keeping: a request turned away lasts ``service`` seconds and is
        # worth ``worth`` plus what it costs more to execute elsewhere.
        price = share * service / (worth + ON_DEMAND_SURCHARGE * service)
        return environments_for(loads, price=price, low=self._limits.min, high=self._limits.max)

    def _compare_candidates(self, knob: float) -> None:
        """What the last minute would have cost under each candidate, and which one to follow."""
        load, service = self.forecaster.minute_load, self.forecaster.service_seconds
        worth = knob * RUNG**self._rung
        keep = 0.5 ** (1.0 / RECORD_HALF_LIFE_MINUTES)
        for name in CANDIDATES:
            followed = self._followed[name]
            if followed.choices and service > 0:
                held, away = followed.minute(load)
                cost = held + away / service * (worth + ON_DEMAND_SURCHARGE * service)
                self._records[name] = keep * self._records[name] + cost
            loads = busiest(self.forecaster.forecast(name).distribution)
            followed.choose(self._pair(loads, worth), self._ready_minutes)
        best = min(CANDIDATES, key=lambda name: self._records[name])
        if self._records[best] < CHANGE_OF_CANDIDATE * self._records[self._candidate]:
            self._candidate = best

    def _compare_prices(self, knob: float) -> None:
        """What each price would have spent so far, and the highest that target tracking's bill allows."""
        load = self.forecaster.minute_load
        loads = busiest(self.forecaster.forecast(self._candidate).distribution)
        keep = 0.5 ** (1.0 / LEDGER_HALF_LIFE_MINUTES)
        self._minutes = keep * self._minutes + 1.0
        self._budget, self._own, self._reckoned = keep * self._budget, keep * self._own, keep * self._reckoned
        for rung, followed in enumerate(self._rungs):
            held, away = followed.minute(load)
            spent = held + ON_DEMAND_SURCHARGE * away
            self._spent[rung] = keep * self._spent[rung] + spent
            self._reckoned += spent * max(0.0, 1.0 - abs(rung - self._rung))
            followed.choose(self._pair(loads, knob * RUNG**rung), self._ready_minutes)
        ratio = max(0.8, min(1.25, self._own / self._reckoned)) if self._reckoned > 0 else 1.0
        balance = self._budget - self._own
        allowed = self._budget + balance * (1.0 if balance > 0 else DEBT_GAIN)
        usual = PRIOR_MINUTES * self._budget / self._minutes
        bills = [
            ratio * spent + usual * (1.0 + PRIOR_SLOPE * (START_RUNG - rung)) for rung, spent in enumerate(self._spent)
        ]
        self._rung = max(_position(bills, allowed + usual), self._rung - RISE)


class _Followed:
    """What would be there if one way of choosing had been followed, minute by minute."""

    def __init__(self, held: int, choices: list[list[int]]) -> None:
        self.held, self.choices = held, choices

    @classmethod
    def loaded(cls, stored: list[Any] | None, least: int) -> "_Followed":
        """From JSON; ``least`` environments to begin with."""
        return cls(*(stored or [least, []]))

    def state(self) -> list[Any]:
        """As JSON."""
        return [self.held, self.choices]

    def minute(self, load: float) -> tuple[int, float]:
        """A minute of this mean load: environments paid for, and how many others were busy."""
        before = self.held
        if self.choices:
            self.held = _held(before, self.choices)
        return self.held, load * blocking(load, min(before, self.held))

    def choose(self, pair: list[int], remembered: int) -> None:
        """What is wanted and kept as of now; the last ``remembered`` choices count."""
        self.choices = [*self.choices, pair][-remembered:]


def _held(before: int, choices: list[list[int]]) -> int:
    """What to ask for: all that was wanted for the moments until more could be ready, and of what is there (``before``)
    what is worth keeping for one of them."""
    wanted, kept = max(choice[0] for choice in choices), max(choice[1] for choice in choices)
    return max(wanted, min(before, kept))


def _position(spent: list[float], budget: float) -> float:
    """Where, between the dearest rung (0) and the cheapest, the budget would have been spent; the rungs' bills fall."""
    if spent[0] <= budget:
        return 0.0
    for rung in range(1, RUNGS):
        if spent[rung] <= budget:
            return rung - (budget - spent[rung]) / (spent[rung - 1] - spent[rung])
    return RUNGS - 1.0
