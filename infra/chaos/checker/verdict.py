"""All rules asked."""

from collections.abc import Callable, Iterator
from typing import Final

from infra.chaos.checker import agreement, brokers, facts, homes, money
from infra.chaos.checker.model import Case, Violation

RULES: Final[tuple[Callable[[Case], Iterator[Violation]], ...]] = (
    facts.battles_kept,
    facts.nothing_doubled,
    facts.nothing_unasked,
    facts.purchases_kept,
    facts.queued_ended,
    money.balances_are_sums,
    money.battles_are_paid,
    money.guilds_are_paid,
    money.caps_hold,
    money.standings_are_sums,
    brokers.brokers_are_what_was_done,
    brokers.cooldowns_hold,
    brokers.limits_hold,
    homes.served_by_who_serves,
    agreement.regions_agree,
    agreement.nobody_decided_unheard,
    agreement.members_agree,
    agreement.all_was_told,
    agreement.guilds_as_told,
    agreement.letters_are_explained,
)


def names() -> list[str]:
    """What each rule may find, as its docstring says."""
    return [name.strip() for rule in RULES for name in (rule.__doc__ or "").split(",")]


def violations(case: Case) -> list[Violation]:
    """Everything that must not be, by rule."""
    return sorted({found for rule in RULES for found in rule(case)})
