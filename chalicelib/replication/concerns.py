"""Whom decisions concern. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.replication.effects import OWNERS
from chalicelib.replication.repair import Blocked, Decision, Repair


def name_of(decision: Decision) -> tuple[Any, ...]:
    """Of the document a decision is about; the same from whichever of two keys it was found."""
    if isinstance(decision, Blocked):
        return "", decision.collection, decision.key
    return decision.region, decision.collection, decision.before["_id"] if decision.before else decision.key


def payees(decisions: Sequence[Decision]) -> Iterator[str]:
    for one in decisions:
        player = payee(one)
        if player is not None:
            yield player


def payee(decision: Decision) -> str | None:
    if isinstance(decision, Blocked) or decision.after is None:
        return None
    if decision.collection == "ledgerentries":
        return str(decision.after["telegramId"])
    return str(decision.key[0]) if decision.collection == "users" and decision.before is None else None


def with_offsets(decision: Decision, offsets: dict[str, dict[str, int]]) -> Decision:
    player = payee(decision)
    if player is None or isinstance(decision, Blocked):
        return decision
    return replace(decision, player=player, offsets=offsets[player])


def scored(repairs: Sequence[Repair]) -> dict[str, list[str]]:
    """By region, players whose battles were repaired, or who were restored."""
    found: dict[str, list[str]] = {}
    for one in repairs:
        for document in (one.before, one.after):
            if one.collection == "battles" and document is not None:
                found.setdefault(one.region, []).append(str(document[OWNERS["battles"]]))
        if one.collection == "users" and one.action == "insert":
            found.setdefault(one.region, []).append(str(one.key[0]))
    return found
