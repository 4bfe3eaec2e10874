"""Regions, members of replica sets and guilds that must hold the same; what must have been told; dead letters."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from infra.chaos.checker.model import Case, Document, Letter, Violation
from infra.chaos.history import DONE, Operation
from infra.chaos.schedule import CLOUD, DATABASE, KINDS, Fault

_OWN: Final = frozenset({"__v", "_versions", "updatedAt"})
"""Fields each region has its own of."""
_OWN_OF_USERS: Final = _OWN | {"_id", "createdAt", "lastSeenAt", "standingsAt", "_home", "_homeArrived"}
_DECIDED_AT_HOME: Final = frozenset({"battles", "ledgerentries", "brokers"})
_HOPELESS: Final = ("bad_signature", "malformed", "unsupported_format", "unknown_key", "unknown_source", "poison")
"""Reasons no fault of a schedule explains."""
_NEVER_EXPLAINED_BELOW: Final = 3
"""Attempts."""


def regions_agree(case: Case) -> Iterator[Violation]:
    """regions-differ"""
    views: Mapping[str, tuple[Callable[[Document], str], frozenset[str]]] = {
        "battles": (lambda one: str(one["requestId"]), _OWN | {"_id"}),
        "ledgerentries": (_row_name, _OWN | {"_id", "battleId"}),
        "users": (lambda one: str(one["telegramId"]), _OWN_OF_USERS),
        "brokers": (lambda one: str(one["_id"]), _OWN),
        "guilds": (lambda one: str(one["_id"]), _OWN),
    }
    first, *others = case.regions
    for collection, (name_of, own) in views.items():
        held = {region: _held(case.state.read(region, collection), name_of, own) for region in case.regions}
        for region in others:
            for name in sorted({*held[first], *held[region]}):
                yield from _differ(collection, name, held[first].get(name), held[region].get(name), (first, region))


def _row_name(row: Document) -> str:
    return " ".join(str(row.get(name)) for name in ("sourceId", "telegramId", "currency", "direction", "reason"))


def _held(documents: Sequence[Document], name_of: Callable[[Document], str], own: frozenset[str]) -> dict[str, Any]:
    return {
        name_of(document): {name: _ordered(value) for name, value in document.items() if name not in own}
        for document in documents
    }


def _ordered(value: Any) -> Any:
    """Lists of members and pooled brokers are sets of named things."""
    return sorted(value, key=repr) if isinstance(value, list) else value


def _differ(collection: str, name: str, one: Any, other: Any, regions: tuple[str, str]) -> Iterator[Violation]:
    if one is None or other is None:
        here, there = regions if other is None else regions[::-1]
        yield Violation("regions-differ", there, f"{collection} {name} is missing, {here} has it")
        return
    for field in sorted({*one, *other}):
        if one.get(field) != other.get(field):
            told = f"{collection} {name}: {field} is {other.get(field)!r}, in {regions[0]} {one.get(field)!r}"
            yield Violation("regions-differ", regions[1], told)


def nobody_decided_unheard(case: Case) -> Iterator[Violation]:
    """conflict"""
    for region in case.regions:
        for found in case.state.read(region, "conflicts"):
            if found["collection"] in _DECIDED_AT_HOME:
                told = f"{found['collection']} {found['key']}: {found['field']} was written by two who had not heard"
                yield Violation("conflict", region, told + " of each other")


def members_agree(case: Case) -> Iterator[Violation]:
    """members-differ, missing-replica"""
    for region, members in case.state.members.items():
        by_collection: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for member, digests in members.items():
            if not digests:
                yield Violation("missing-replica", region, f"{member} can't be read")
            for collection, digest in digests.items():
                by_collection[collection][member] = digest
        for collection, found in by_collection.items():
            if len(set(found.values())) > 1:
                yield Violation("members-differ", region, f"{collection}: {', '.join(sorted(found))} differ")


def all_was_told(case: Case) -> Iterator[Violation]:
    """untold-event, set-aside-event, lost-event"""
    for region in case.regions:
        for event in case.state.read(region, "outbox"):
            for other in event.get("pending") or ():
                yield Violation("untold-event", region, f"{event['_id']} still waits to be sent to {other}")
            if event.get("setAside"):
                yield Violation("set-aside-event", region, f"{event['_id']} can't be sent: {event['setAside']}")
        told = {event["_id"] for event in case.state.read(region, "outbox")}
        for other in case.regions:
            if other != region:
                applied = {event["_id"] for event in case.state.read(other, "replicationevents")}
                for missing in sorted(told - applied):
                    yield Violation("lost-event", other, f"{missing} of {region} was never applied")


def guilds_as_told(case: Case) -> Iterator[Violation]:
    """wrong-membership"""
    last: dict[tuple[str, str], Operation] = {}
    for operation in case.operations:
        if operation.kind in ("join", "leave"):
            last[operation.player, operation.arguments["guildId"]] = operation
    for region in case.regions:
        members = {
            guild["_id"]: {member["telegramId"] for member in guild["members"]}
            for guild in case.state.read(region, "guilds")
        }
        for (player, guild_id), operation in last.items():
            inside = player in members.get(guild_id, set())
            if operation.outcome == DONE and inside != (operation.kind == "join"):
                told = f"{player} was told of their {operation.kind} and is {'in' if inside else 'not in'} {guild_id}"
                yield Violation("wrong-membership", region, told)


def letters_are_explained(case: Case) -> Iterator[Violation]:
    """unexplained-dead-letter"""
    for letter in case.state.letters:
        if not _explained(letter, case.faults):
            told = (
                f"{letter.queue}: {letter.reason or 'no reason'} after {letter.attempts} attempts: {letter.body[:120]}"
            )
            yield Violation("unexplained-dead-letter", letter.region, told)


def _explained(letter: Letter, faults: Sequence[Fault]) -> bool:
    """Whether as many faults struck what it passes through as it had attempts that failed."""
    if letter.reason.startswith(_HOPELESS) or letter.attempts < _NEVER_EXPLAINED_BELOW:
        return False
    struck = [
        fault
        for fault in faults
        if fault.region in ("", letter.region)
        and (KINDS[fault.kind].strikes in (DATABASE, CLOUD) or fault.kind.endswith(("worker", "receiver", "publisher")))
    ]
    return len(struck) >= letter.attempts - 1
