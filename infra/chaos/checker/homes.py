"""Who decided: a player's home, and whoever had taken over from it; at no time both, and never anybody else."""

from collections.abc import Iterator
from typing import Final

from infra.chaos.checker.model import PAID, Case, Violation
from infra.chaos.history import Operation

DECIDED_AT_HOME: Final = PAID | {"battle"}
"""Of a queued battle only the taking is answered by who decides."""


def served_by_who_serves(case: Case) -> Iterator[Violation]:
    """served-by-another"""
    for operation in case.acknowledged:
        if operation.kind in DECIDED_AT_HOME and operation.served:
            serving = set(_serving(case, operation))
            if operation.served not in serving:
                told = (
                    f"{operation.kind} {operation.id} was answered at second {operation.answered_at:.1f} by "
                    f"{operation.served}; {operation.player} was served by {', '.join(sorted(serving)) or 'nobody'}"
                )
                yield Violation("served-by-another", operation.served, told)


def _serving(case: Case, operation: Operation) -> Iterator[str]:
    """Who may have served the player at some moment between question and answer."""
    home = case.home(operation.player)
    asked, answered = operation.answered_at - operation.took, operation.answered_at
    takeovers = [one for one in case.takeovers if one.of == home]
    # Between the order and its being done it is the one or the other, whichever the regions' roles say.
    if not any(one.taken < asked and answered < one.returning for one in takeovers):
        yield home
    yield from (one.by for one in takeovers if one.began <= answered and asked <= one.returned)
