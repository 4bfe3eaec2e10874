"""Random emission, alone and interleaved: exact against a plain counter, and never above a cap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.arena.emission import CURRENCIES, Allocation, EmissionRequest, caps, spend_counters
from chalicelib.arena.ports import Document, Update
from chalicelib.arena.stripes import COLLECTION
from tests.fakes.memory_database import DuplicateError, Moment, StaleError
from tests.unit.arena.days import DAY, Arena, check_sums, emitted, request

STRIPES = 3
ARENAS = ("arb", "a.b")

AMOUNTS = st.one_of(st.integers(0, 12), st.integers(0, 60))
REQUESTS = st.builds(request, st.sampled_from(ARENAS), neur=AMOUNTS, aiba=AMOUNTS)
CONFIGS = st.fixed_dictionaries(
    {"dailyCapAiba": st.integers(0, 120), "dailyCapNeur": st.integers(0, 120)},
    optional={
        "dailyCapAibaByArena": st.dictionaries(st.sampled_from(ARENAS), st.integers(0, 80)),
        "dailyCapNeurByArena": st.dictionaries(st.sampled_from(ARENAS), st.integers(0, 80)),
    },
)
PALETTES = st.lists(CONFIGS, min_size=1, max_size=3)
"""Few settings to switch between, so that some come back."""
SWITCH = st.tuples(st.just("configure"), st.integers(0, 2))
STRIPE = st.integers(0, STRIPES - 1)


def fits(stripes: Sequence[Document], config: Mapping[str, Any], wanted: EmissionRequest, currency: str) -> bool:
    """The rule itself: what the day has emitted plus the amount is within the currency's cap and the arena's."""
    amount = wanted.amounts[currency]
    limits = caps(config, currency, wanted.arena)
    return emitted(stripes, currency) + amount <= limits.total and (
        limits.arena is None or emitted(stripes, currency, wanted.arena) + amount <= limits.arena
    )


def assert_as_ruled(
    allocation: Allocation, stripes: Sequence[Document], config: Mapping[str, Any], wanted: EmissionRequest
) -> None:
    for currency in CURRENCIES:
        amount = wanted.amounts[currency]
        if amount == 0:
            assert currency not in allocation.results
            assert allocation.granted[currency] == 0
        else:
            ok = fits(stripes, config, wanted, currency)
            assert allocation.results[currency] == ("ok" if ok else "cap_exceeded")
            assert allocation.granted[currency] == (amount if ok else 0)


@settings(max_examples=300)
@given(
    palette=PALETTES,
    steps=st.lists(st.one_of(st.tuples(st.just("emit"), STRIPE, REQUESTS), SWITCH), max_size=40),
)
def test_one_after_another_is_a_plain_counter(palette: list[dict[str, Any]], steps: list[Any]) -> None:
    """Granted exactly when total + amount is within every cap, whatever the stripes and however caps change."""
    arena = Arena(palette[0], stripes_total=STRIPES)
    for step in steps:
        match step:
            case "configure", number:
                arena.config = palette[number % len(palette)]
            case "emit", stripe, wanted:
                before = arena.stripes()
                assert_as_ruled(arena.emit(wanted, stripe), before, arena.config, wanted)
                check_sums(arena.stripes(), arena.config)


@dataclass
class Environment:
    """One concurrent client: at most one transaction under way."""

    stripe: int
    stripes_total: int
    wanted: EmissionRequest | None = None
    moment: Moment | None = None
    config: Mapping[str, Any] | None = None
    writes: tuple[Update, ...] = ()
    granted: Mapping[str, int] | None = None


class Race:
    """Environments over one database; settings are read with the rest of the snapshot, so a transaction may commit
    under settings that changed meanwhile."""

    def __init__(self, config: dict[str, Any], environments: list[Environment]) -> None:
        self.arena = Arena(config)
        self.environments = environments
        self.granted = dict.fromkeys(CURRENCIES, 0)

    def begin(self, environment: Environment, wanted: EmissionRequest) -> None:
        environment.wanted = wanted
        environment.moment = moment = self.arena.database.now()
        environment.config = self.arena.config
        self.arena.stripes_total = environment.stripes_total
        allocation = self.arena.decide(moment, wanted, environment.stripe)
        assert_as_ruled(allocation, moment.find(COLLECTION), self.arena.config, wanted)
        environment.writes, environment.granted = allocation.writes, allocation.granted

    def end(self, environment: Environment) -> None:
        """Commits, or begins again on a fresh snapshot as a store does."""
        if environment.wanted is None or environment.granted is None or environment.config is None:
            return
        try:
            self.arena.database.commit(environment.writes, seen=environment.moment)
        except (StaleError, DuplicateError):
            self.begin(environment, environment.wanted)
            return
        stripes = self.arena.stripes()
        for currency, amount in environment.granted.items():
            self.granted[currency] += amount
            assert emitted(stripes, currency) == self.granted[currency]
            if amount:
                limits = caps(environment.config, currency, environment.wanted.arena)
                assert emitted(stripes, currency) <= limits.total
                assert limits.arena is None or emitted(stripes, currency, environment.wanted.arena) <= limits.arena
        environment.wanted = None
        check_sums(stripes, environment.config)


ENVIRONMENTS = st.integers(0, 4)
STEPS = st.one_of(
    st.tuples(st.just("begin"), ENVIRONMENTS, REQUESTS),
    st.tuples(st.just("end"), ENVIRONMENTS),
    st.tuples(st.just("end"), ENVIRONMENTS),
    st.tuples(st.just("pay"), STRIPE),
    SWITCH,
)


@settings(max_examples=500)
@given(palette=PALETTES, steps=st.lists(STEPS, max_size=60), totals=st.lists(st.integers(1, 4), min_size=5, max_size=5))
def test_no_interleaving_passes_a_cap(palette: list[dict[str, Any]], steps: list[Any], totals: list[int]) -> None:
    """Five environments, some on one stripe, some sure of another number of stripes; transactions begin, overlap,
    collide and are run again while caps rise, fall, come and go."""
    race = Race(palette[0], [Environment(number % total, total) for number, total in enumerate(totals)])
    for step in steps:
        match step:
            case "begin", number, wanted:
                race.begin(race.environments[number], wanted)
            case "end", number:
                race.end(race.environments[number])
            case "pay", stripe:
                race.arena.database.commit([spend_counters("AIBA", 5, "upgrade", "upgrades", DAY, stripe)])
            case "configure", number:
                race.arena.config = palette[number % len(palette)]
    for environment in race.environments * 8:
        race.end(environment)
    assert all(environment.wanted is None for environment in race.environments), "a transaction never got through"
