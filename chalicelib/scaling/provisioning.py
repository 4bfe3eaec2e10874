"""Provisioned concurrency as a state, and what to do about it: the last step of a decision, as data."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

Status = Literal["none", "in_progress", "ready", "failed"]
Outcome = Literal["moved", "unchanged", "waiting", "refused", "throttled", "would_move"]

RETRY_FAILED_SECONDS: Final = 60.0
"""A failed allocation is asked for again no sooner than this after it was asked for."""
UNRESERVED_MIN: Final = 100
"""Concurrency Lambda keeps of an account's quota for functions without a reservation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """Provisioned concurrency on the alias, as Lambda tells it."""

    status: Status
    requested: int = 0
    """Environments asked for; 0 with ``none``."""
    available: int = 0
    """Of these, ready to serve."""
    reason: str = ""
    """Lambda's words when the allocation failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The account's concurrency in the region."""

    limit: int
    unreserved: int
    """What is left after every function's reservation and provisioned concurrency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What was done, or would be, about a decision."""

    outcome: Outcome
    before: int
    after: int
    """Environments asked for now."""
    reason: str


class Refused(Exception):
    """Lambda does not accept the number: a quota, a reservation. Trying again would change nothing."""


class Throttled(Exception):
    """Lambda wants to be left alone for now, or an update of the function is under way."""


class Provisioner(Protocol):
    """Provisioned concurrency of the API's alias. Methods raise ``Unavailable`` when Lambda does not answer."""

    def read(self) -> Provision: ...

    def quota(self) -> Quota: ...

    def put(self, environments: int) -> None:
        """Asks for so many; ready a minute or two later. Raises ``Refused`` or ``Throttled``."""
        ...


def wanted_move(provision: Provision, desired: int, *, asked_seconds_ago: float | None) -> Move:
    """What to do so that there are ``desired``: ``would_move`` = ask for them.

    ``asked_seconds_ago`` is when the controller last asked for a number; None = it does not know.
    """
    before = provision.requested

    def stay(outcome: Outcome, reason: str) -> Move:
        return Move(outcome=outcome, before=before, after=before, reason=reason)

    if desired < 1:
        return stay("refused", "no environment is allowed: see the ceilings")
    going = Move(outcome="would_move", before=before, after=desired, reason=f"{before} -> {desired}")
    if provision.status == "in_progress" and desired < before:
        # What is being made is not needed any more; taking it back half-way makes nothing cheaper or quicker.
        return stay("waiting", f"{provision.available} of {before} are ready; scaling in waits for the others")
    if desired != before:
        return going
    if provision.status == "failed":
        if asked_seconds_ago is not None and asked_seconds_ago < RETRY_FAILED_SECONDS:
            return stay("waiting", f"the allocation failed ({provision.reason}); asked for again in a while")
        return Move(outcome="would_move", before=before, after=desired, reason=f"again: {provision.reason}")
    if provision.status == "in_progress":
        return stay("waiting", f"{provision.available} of {before} are ready")
    return stay("unchanged", f"{before} are there")


def make_move(provisioner: Provisioner, move: Move) -> Move:
    """Carries out a ``would_move``; any other stays as it is. Raises ``Unavailable``."""
    if move.outcome != "would_move":
        return move
    try:
        provisioner.put(move.after)
    except Refused as error:
        return Move(outcome="refused", before=move.before, after=move.before, reason=str(error))
    except Throttled as error:
        return Move(outcome="throttled", before=move.before, after=move.before, reason=str(error))
    return Move(outcome="moved", before=move.before, after=move.after, reason=move.reason)
