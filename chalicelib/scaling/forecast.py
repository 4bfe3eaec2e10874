"""What load to expect when environments asked for now are ready: several simple forecasts, each with its record.

Load is the mean number of environments busy (Erlang), sampled each 15 s. At any moment there are four levels:

- ``last``: as in the minute just past;
- ``recent``: as on average of the last few minutes (half-life 4 min);
- ``steady``: as on average of the last hour or so (half-life 30 min), for traffic whose bursts come without warning;
- ``learned``: a regression, learned as it goes, upon all of these, the trend, the minute of the hour, the time of
  day, and what happened 15, 30 and 60 minutes before the moment in question.

Each keeps the distribution of "what came over what it said", forgetting old errors. Level times that distribution is
its forecast: a burst that keeps happening is in it, by its size and its frequency. Each is a candidate a second time
``bare``, its level taken at its word: after a flash, the errors of which are no news of the next.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.scaling.erlang import Distribution
from chalicelib.scaling.regression import Regression
from chalicelib.scaling.rhythm import DAY_SLOT_SECONDS, DayRhythm, HourRhythm

TICK_SECONDS: Final = 15
TICKS_PER_MINUTE: Final = 60 // TICK_SECONDS

LEVELS: Final = ("learned", "recent", "steady", "last")
BARE: Final = "bare "
"""A candidate of this prefix takes its level at its word, without the spread of its errors."""
CANDIDATES: Final = (*LEVELS, *(BARE + name for name in LEVELS))
HALF_LIVES: Final = {"fast": 60.0, "recent": 240.0, "slow": 300.0, "steady": 1800.0, "hour": 3600.0}
"""Seconds, of the exponential means; each plain one is rhythm-free, see ``_even``."""
EVEN_HALF_LIVES: Final = {"even_recent": 240.0, "even_steady": 1800.0}
"""Means of the load over its minute's factor: the level without the hour's rhythm."""
SERVICE_HALF_LIFE: Final = 900.0
LAGS_MINUTES: Final = (15, 30, 60)
MINUTES_KEPT: Final = 64
FEATURES: Final = 11

BINS_PER_OCTAVE: Final = 3
OCTAVES: Final = 4
BINS: Final = 2 * OCTAVES * BINS_PER_OCTAVE + 1
"""Of what came over what was expected: from a sixteenth to sixteen times."""
PRIOR_MINUTES: Final = 10.0
PRIOR_SIGMA_OCTAVES: Final = 0.4
"""Until it knows better a forecast is taken to be off by a third."""
ERROR_HALF_LIFE_MINUTES: Final = 360.0
IGNORED_SHARE: Final = 2e-4
FLOOR_REQUESTS_PER_MINUTE: Final = 0.5
"""Added to loads before ratios are taken: half a request a minute, so that silence has a ratio."""
WARM_TICKS: Final = 40
"""Ticks until the hourly level means something."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One candidate's view of the load when what is asked for now is ready."""

    candidate: str
    expected: float
    """The level, in environments busy."""
    distribution: Distribution

    def quantile(self, share: float) -> float:
        """The load that is not exceeded with this probability."""
        total = 0.0
        for load, probability in self.distribution:
            total += probability
            if total >= share:
                return load
        return self.distribution[-1][0]


class Errors:
    """The distribution of log2(what came / what was expected), in bins that know their own mean."""

    def __init__(self, state: Mapping[str, list[float]] | None = None) -> None:
        if state is None:
            places = [(index - OCTAVES * BINS_PER_OCTAVE) / BINS_PER_OCTAVE for index in range(BINS)]
            shape = [math.exp(-0.5 * (place / PRIOR_SIGMA_OCTAVES) ** 2) for place in places]
            self._weights = [PRIOR_MINUTES * value / sum(shape) for value in shape]
            self._sums = [weight * place for weight, place in zip(self._weights, places, strict=True)]
        else:
            self._weights, self._sums = list(state["weights"]), list(state["sums"])

    def state(self) -> dict[str, list[float]]:
        """As JSON."""
        return {"weights": self._weights, "sums": self._sums}

    def learn(self, octaves: float) -> None:
        """A forecast was off by this much."""
        keep = 0.5 ** (1.0 / ERROR_HALF_LIFE_MINUTES)
        octaves = max(-float(OCTAVES), min(float(OCTAVES), octaves))
        place = round(octaves * BINS_PER_OCTAVE) + OCTAVES * BINS_PER_OCTAVE
        self._weights = [keep * weight for weight in self._weights]
        self._sums = [keep * value for value in self._sums]
        self._weights[place] += 1.0
        self._sums[place] += octaves

    def around(self, level: float, floor: float) -> Distribution:
        """Loads and probabilities, ascending, when ``level`` is expected."""
        total = sum(self._weights)
        return [
            (max(0.0, (level + floor) * 2.0 ** (value / weight) - floor), weight / total)
            for weight, value in zip(self._weights, self._sums, strict=True)
            if weight > IGNORED_SHARE * total
        ]


class Forecaster:
    """The candidates, and all they learned: loaded from JSON, fed sample by sample, stored as JSON."""

    def __init__(self, state: Mapping[str, Any] | None, lead_seconds: float) -> None:
        stored = state or {}
        self._lead = lead_seconds
        self.at: float = stored.get("at", 0.0)
        self._before: float = stored.get("before", 0.0)
        self._ticks: int = stored.get("ticks", 0)
        self._latest: list[float] = list(stored.get("latest", []))
        self._served: float = stored.get("served", 0.0)
        self._arrived: float = stored.get("arrived", 0.0)
        self._means: dict[str, float] = dict(stored.get("means", {}))
        self._minutes: list[float] = list(stored.get("minutes", []))
        self._waiting: list[list[Any]] = list(stored.get("waiting", []))
        self._errors = {name: Errors(stored.get("errors", {}).get(name)) for name in LEVELS}
        self._hour = HourRhythm(stored.get("hour"))
        self._day = DayRhythm(stored.get("day"))
        self._regression = Regression(FEATURES)
        self._now: tuple[list[float], float] | None = None
        if "regression" in stored:
            self._regression.p, self._regression.coefficients = stored["regression"]

    def state(self) -> dict[str, Any]:
        """Everything as JSON; its size is bounded, whatever the traffic."""
        return {
            "at": self.at,
            "before": self._before,
            "ticks": self._ticks,
            "latest": self._latest,
            "served": self._served,
            "arrived": self._arrived,
            "means": self._means,
            "minutes": self._minutes,
            "waiting": self._waiting,
            "errors": {name: errors.state() for name, errors in self._errors.items()},
            "hour": self._hour.state(),
            "day": self._day.state(),
            "regression": [self._regression.p, self._regression.coefficients],
        }

    @property
    def minute_ended(self) -> bool:
        """Whether the latest sample ended a minute."""
        return self._ended(60)

    @property
    def minute_load(self) -> float:
        """Mean load of the last minute."""
        return sum(self._latest) / len(self._latest) if self._latest else 0.0

    @property
    def service_seconds(self) -> float:
        """Mean time an environment is busy with a request (Little's law); 0 before the first request."""
        return self._served / self._arrived if self._arrived > 0 else 0.0

    @property
    def hour_factor(self) -> float:
        """What the hour's rhythm makes of the level at the moment forecast."""
        return self._hour.factors[self._target_minute % 60] / self._hour.factors[self._minute % 60]

    @property
    def day_factor(self) -> float:
        """What the time of day makes of it."""
        return self._day.change(self.at, self._target)

    def observe(self, at: float, load: float, arrivals: float) -> None:
        """One sample: mean load and arrivals per second of the 15 s that ended at ``at``."""
        self._before, self.at, self._ticks, self._now = self.at, at, self._ticks + 1, None
        self._latest = [*self._latest, load][-TICKS_PER_MINUTE:]
        keep = 0.5 ** (TICK_SECONDS / SERVICE_HALF_LIFE)
        self._served, self._arrived = keep * self._served + load, keep * self._arrived + arrivals
        if self.minute_ended:
            self._learn(self.minute_load)
        for name, half_life in HALF_LIVES.items():
            self._follow(name, load, half_life)
        even = load / self._hour.factors[self._minute % 60]
        for name, half_life in EVEN_HALF_LIVES.items():
            self._follow(name, even, half_life)
        if self._ended(DAY_SLOT_SECONDS):
            self._day.learn(self.at, self._means["slow"])
        if self.minute_ended:
            features, base = self._features()
            levels = [self._level(name, features, base) for name in LEVELS]
            self._waiting = [*self._waiting, [self._target_minute, levels, features, base]]

    def forecast(self, candidate: str) -> Forecast:
        """What the candidate says just now. Call after the first ``observe``."""
        name = candidate.removeprefix(BARE)
        if self._now is None:
            # Asked for one candidate after the other.
            self._now = self._features()
        level = self._level(name, *self._now)
        if name != candidate:
            return Forecast(candidate, level, [(level, 1.0)])
        return Forecast(candidate, level, self._errors[name].around(level, self._floor))

    def _ended(self, seconds: int) -> bool:
        """Whether a period of ``seconds`` ended since the sample before, be it late or not."""
        return self._ticks > 1 and self.at // seconds > self._before // seconds

    @property
    def _minute(self) -> int:
        return int((self.at - 1) // 60)

    @property
    def _target(self) -> float:
        return self.at + self._lead + TICK_SECONDS / 2

    @property
    def _target_minute(self) -> int:
        return int(self._target // 60)

    @property
    def _floor(self) -> float:
        return max(1e-4, FLOOR_REQUESTS_PER_MINUTE / 60.0 * self.service_seconds)

    def _follow(self, name: str, value: float, half_life: float) -> None:
        keep = 0.5 ** (TICK_SECONDS / half_life)
        known = self._means.get(name, value)
        self._means[name] = keep * known + (1 - keep) * value

    def _learn(self, load: float) -> None:
        """What the minute just past teaches."""
        done, floor = self._minute, self._floor
        for minute, levels, features, base in self._waiting:
            if minute != done:
                continue
            for name, level in zip(LEVELS, levels, strict=True):
                self._errors[name].learn(math.log2((load + floor) / (level + floor)))
            keep = 0.5 ** (1.0 / ERROR_HALF_LIFE_MINUTES)
            self._regression.learn(features, math.log(load + floor) - base, keep)
        self._waiting = [entry for entry in self._waiting if entry[0] > done]
        if self._ticks > WARM_TICKS:
            self._hour.learn(done % 60, load / max(self._means["hour"], self._floor))
        self._minutes = [*self._minutes, load][-MINUTES_KEPT:]

    def _features(self) -> tuple[list[float], float]:
        """Logarithms relative to the recent level, and that level's."""
        means, floor = self._means, self._floor
        base = math.log(means["recent"] + floor)
        factor = self._hour.factors[self._target_minute % 60]
        trend = max(0.0, means["fast"] + (means["fast"] - means["slow"]) / 2)
        levels = [
            self.minute_load,
            self._latest[-1],
            means["steady"],
            trend,
            means["even_recent"] * factor,
            means["even_steady"] * factor,
            means["recent"] * self.day_factor,
        ]
        features = [math.log(level + floor) - base for level in levels]
        ahead = self._target_minute - int(self.at // 60) + 1
        for lag in LAGS_MINUTES:
            place = len(self._minutes) - 1 - (lag - ahead)
            known = self._minutes[place - 1 : place + 2] if place >= 1 else []
            features.append(math.log(sum(known) / len(known) + floor) - base if known else 0.0)
        return [*features, 0.2], base

    def _level(self, candidate: str, features: list[float], base: float) -> float:
        if candidate == "last":
            return self.minute_load
        if candidate == "learned":
            change = max(-5.0, min(5.0, self._regression.predict(features)))
            return max(0.0, math.exp(base + change) - self._floor)
        return self._means[candidate]
