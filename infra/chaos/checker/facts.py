"""Battles and purchases: each that was acknowledged is there, once, as it was told; nothing nobody asked for."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from infra.chaos.checker.model import BATTLES, PAID, Case, Document, Violation
from infra.chaos.history import DONE, REFUSED, Operation
from infra.chaos.rules import PRICES

_TOLD: Final = ("score", "rewardAiba", "rewardNeur", "guildShareNeur", "seedHex", "brokerId")
_IDENTITY: Final = ("sourceType", "sourceId", "telegramId", "currency", "direction", "reason")


def battles_kept(case: Case) -> Iterator[Violation]:
    """lost-battle, changed-battle"""
    for operation in case.acknowledged:
        if operation.kind in BATTLES:
            for region in case.regions:
                found = case.battles[region].get(operation.id)
                if not found:
                    yield Violation("lost-battle", region, f"{operation.id} was acknowledged to {operation.player}")
                else:
                    yield from _as_told(region, operation, found[0])
            yield from _id_as_told(case, operation)


def _id_as_told(case: Case, operation: Operation) -> Iterator[Violation]:
    """Each region has an id of its own; the one that was told is of who decided."""
    if "_id" in operation.answer:
        regions = case.deciders(operation.player)
        ids = {found["_id"] for region in regions for found in case.battles[region].get(operation.id, ())}
        if ids and operation.answer["_id"] not in ids:
            told = f"{operation.id} was told to be {operation.answer['_id']!r} and is {sorted(ids)!r}"
            yield Violation("changed-battle", regions[0], told)


def _as_told(region: str, operation: Operation, stored: Document) -> Iterator[Violation]:
    for name in _TOLD:
        if name in operation.answer and operation.answer[name] != stored.get(name):
            told = f"{operation.id}: {name} was told as {operation.answer[name]!r} and is {stored.get(name)!r}"
            yield Violation("changed-battle", region, told)


def nothing_doubled(case: Case) -> Iterator[Violation]:
    """doubled-battle, doubled-ledger-row"""
    for region in case.regions:
        for request_id, found in case.battles[region].items():
            if len(found) > 1:
                yield Violation("doubled-battle", region, f"{request_id} is there {len(found)} times")
        rows = Counter(tuple(row.get(name) for name in _IDENTITY) for row in case.state.read(region, "ledgerentries"))
        for identity, count in rows.items():
            if count > 1:
                yield Violation("doubled-ledger-row", region, f"{identity} is there {count} times")


def nothing_unasked(case: Case) -> Iterator[Violation]:
    """unasked-battle, unasked-ledger-row, refused-yet-done"""
    for region in case.regions:
        for request_id in case.battles[region].keys() - case.asked.keys() - case.state.before:
            yield Violation("unasked-battle", region, f"{request_id} was asked for by nobody")
        for request_id in case.rows[region].keys() - case.asked.keys() - case.state.before:
            yield Violation("unasked-ledger-row", region, f"{request_id} was asked for by nobody")
        for operation in case.operations:
            # Refused while an earlier attempt was still under way, it may have been done after all.
            final = operation.outcome == REFUSED and not operation.unsure and not operation.accepted
            if final and (operation.id in case.battles[region] or operation.id in case.rows[region]):
                told = f"{operation.kind} {operation.id} was refused ({operation.code}) and is there"
                yield Violation("refused-yet-done", region, told)


def purchases_kept(case: Case) -> Iterator[Violation]:
    """lost-purchase, wrong-price"""
    for operation in case.operations:
        if operation.kind not in PAID:
            continue
        currency, price = PRICES[operation.kind]
        for region in case.regions:
            rows = [row for row in case.rows[region].get(operation.id, ()) if row["direction"] == "debit"]
            if operation.outcome == DONE and not rows:
                told = f"{operation.kind} {operation.id} was acknowledged to {operation.player} and not paid for"
                yield Violation("lost-purchase", region, told)
            for row in rows:
                if (row["currency"], row["amount"], row["reason"]) != (currency, price, operation.kind):
                    told = f"{operation.kind} {operation.id} cost {row['amount']} {row['currency']} ({row['reason']})"
                    yield Violation("wrong-price", region, told)


def queued_ended(case: Case) -> Iterator[Violation]:
    """unfinished-job, lost-job"""
    for operation in case.operations:
        if operation.kind != "queued" or not operation.accepted:
            continue
        home, regions = case.home(operation.player), case.deciders(operation.player)
        jobs = [
            job
            for region in regions
            for job in case.state.read(region, "battlejobs")
            if job["requestId"] == operation.id
        ]
        if not jobs:
            yield Violation("lost-job", home, f"{operation.id} was accepted and nothing is known of it")
        for job in jobs:
            if job["status"] == "queued":
                yield Violation("unfinished-job", home, f"{operation.id} was accepted and is still queued")
            if job["status"] == "done" and operation.id not in case.battles[home]:
                yield Violation("lost-battle", home, f"the job of {operation.id} is done and there is no battle")
