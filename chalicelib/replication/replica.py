"""The documents a batch of events touches, as they are and as the events leave them."""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document, Insert, Update, Write
from chalicelib.arena.seasons import Season, season_at, season_by_id, season_length
from chalicelib.replication.effects import Increments, balance_change, boss_after, standings_change
from chalicelib.replication.merge import Conflict, merged
from chalicelib.replication.ports import Event, ReplicaSnapshot
from chalicelib.replication.rules import DOCUMENTS, FACTS, field_version

Key = tuple[str, Any]
"""Collection, and the value of the rule's key (facts: the tuple of their identity)."""

_NOT_CONTENT: Final = frozenset({"_id", "__v"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """What events mean to documents. There is one right way; tests pass others in and must notice."""

    merge: Callable[..., tuple[Document, list[Conflict]]] = merged
    balance: Callable[..., Increments] = balance_change
    standings: Callable[..., tuple[Increments, Sequence[str]]] = standings_change


MEANINGS: Final = Meanings()


class Replica:
    """One transaction's working set: ``found`` when made, changed by ``apply``, told as ``writes``.

    ``found``: what ``rests_on`` asks for, by collection.
    """

    def __init__(
        self,
        snapshot: ReplicaSnapshot,
        found: Iterable[tuple[str, Sequence[Document]]],
        now: datetime,
        meanings: Meanings = MEANINGS,
    ) -> None:
        self._now = now
        self._snapshot = snapshot
        self._meanings = meanings
        self._season_length: str | None = None
        self._stored: dict[Key, Document] = {}
        self._documents: dict[Key, Document] = {}
        self._facts: dict[Key, Document] = {}
        self._added: defaultdict[str, list[Document]] = defaultdict(list)
        self._replaced: dict[Key, Document] = {}
        self._increments: defaultdict[str, Increments] = defaultdict(dict)
        self._dropped: defaultdict[str, set[str]] = defaultdict(set)
        self._conflicts: list[Document] = []
        self._load(found)

    def document(self, collection: str, key: Any) -> Document | None:
        """As the events applied so far leave it."""
        return self._documents.get((collection, key))

    def conflicts(self) -> list[Document]:
        """For the ledger of conflicts."""
        return self._conflicts

    def apply(self, event: Event) -> None:
        """Everything ``event`` says."""
        for change in event.changes:
            if change["collection"] in FACTS:
                season = season_by_id(change.get("season") or "")
                for fact in change["facts"]:
                    self._take_fact(change["collection"], fact, event, season)
            else:
                self._take_change(change, event)

    def writes(self) -> Iterator[Write]:
        """What makes it so; documents before facts, changes before additions (of unique names, for one)."""
        begun = []
        for (collection, key), document in self._documents.items():
            stored = self._stored.get((collection, key))
            if collection == "users":
                yield from self._player_write(key, stored, document)
            elif stored is None:
                begun.append(Insert(collection, (document,)))
            elif change := _difference(stored, document):
                yield Update(collection, {"_id": stored["_id"]}, change)
        yield from begun
        for (collection, _), fact in self._replaced.items():
            content = {name: value for name, value in fact.items() if name != "_id"}
            yield Update(collection, {"_id": fact["_id"]}, {"$set": content})
        for collection, facts in self._added.items():
            if facts:
                yield Insert(collection, tuple(facts))

    def _load(self, found: Iterable[tuple[str, Sequence[Document]]]) -> None:
        for collection, documents in found:
            if collection in FACTS:
                self._know(collection, documents)
            else:
                self._remember(collection, documents)

    def _know(self, collection: str, facts: Iterable[Document]) -> None:
        self._facts |= {_identity(collection, fact): fact for fact in facts}

    def _remember(self, collection: str, documents: Iterable[Document]) -> None:
        for document in documents:
            key = (collection, document[DOCUMENTS[collection].key])
            self._stored[key] = self._documents[key] = document

    def _take_change(self, change: Mapping[str, Any], event: Event) -> None:
        collection, rule = change["collection"], DOCUMENTS[change["collection"]]
        here = self._documents.get((collection, change["key"]))
        if here is None and collection == "users":
            here = self._player(change["key"])
        document, lost = self._meanings.merge(collection, rule, here, change, event.version)
        if here is None and collection == "globalbosses":
            document = self._struck(document)
        self._documents[collection, change["key"]] = document
        self._conflicts += [conflict.document(str(event.event_id), self._now) for conflict in lost]
        if rule.unique in change["set"]:
            self._keep_unique(collection, change["key"], event)

    def _struck(self, boss: Document) -> Document:
        """A boss that is heard of only now, after the damage that came before it."""
        for (collection, _), damage in self._facts.items():
            if collection == "bossdamages" and damage["bossId"] == boss["_id"]:
                boss = {**boss, **boss_after(boss, damage)}
        return boss

    def _keep_unique(self, collection: str, key: Any, event: Event) -> None:
        """Of two that took one name, whoever took it first keeps it; the other's is told apart by its key."""
        field = str(DOCUMENTS[collection].unique)
        mine = self._documents[collection, key]
        rivals = [
            (other_key, other)
            for (other_collection, other_key), other in self._documents.items()
            if other_collection == collection and other_key != key and other.get(field) == mine[field]
        ]
        for other_key, other in rivals:
            pair = sorted(
                [(field_version(mine, field), key, mine), (field_version(other, field), other_key, other)],
                key=lambda one: (one[0], str(one[1])),
            )
            (kept_version, _, kept), (version, loser_key, loser) = pair
            conflict = Conflict(
                collection=collection,
                key=loser_key,
                field=field,
                loser=loser[field],
                loser_version=version,
                winner=kept[field],
                winner_version=kept_version,
            )
            self._conflicts.append(conflict.document(str(event.event_id), self._now))
            self._documents[collection, loser_key] = {**loser, field: f"{loser[field]} ({loser_key})"}

    def _take_fact(self, collection: str, fact: Mapping[str, Any], event: Event, season: Season | None) -> None:
        key = _identity(collection, fact)
        known = self._facts.get(key)
        if known is None:
            self._facts[key] = dict(fact)
            self._added[collection].append(dict(fact))
            self._mean(collection, fact, season)
        elif _content(known) != _content(fact):
            self._settle_collision(key, known, fact, event, season)

    def _settle_collision(
        self, key: Key, known: Document, fact: Mapping[str, Any], event: Event, season: Season | None
    ) -> None:
        """Two regions hold different facts of one identity: the earlier counts everywhere, the other is on record.

        It takes two homes, or a hand in the database, to come here.
        """
        collection = key[0]
        winner, loser = sorted((known, dict(fact)), key=lambda one: (one["createdAt"], _text(_content(one))))
        conflict = Conflict(
            collection=collection,
            key=":".join(map(str, key[1])),
            field="*",
            loser=loser,
            loser_version=str(loser["_id"]),
            winner=winner,
            winner_version=str(winner["_id"]),
        )
        self._conflicts.append(conflict.document(str(event.event_id), self._now))
        if winner is known:
            return
        self._mean(collection, known, None, sign=-1)
        self._mean(collection, winner, season)
        kept = {**winner, "_id": known["_id"]}
        added = self._added[collection]
        if known in added:
            added[added.index(known)] = kept
        else:
            self._replaced[key] = kept
        self._facts[key] = kept

    def _mean(self, collection: str, fact: Mapping[str, Any], season: Season | None, sign: int = 1) -> None:
        if collection == "ledgerentries":
            self._increase(fact["telegramId"], self._meanings.balance(fact, sign))
        elif collection == "battles":
            who = fact["ownerTelegramId"]
            season = season or season_at(fact["createdAt"], self._seasons())
            increments, dropped = self._meanings.standings(self._player(who), fact, season, sign)
            self._increase(who, increments)
            self._drop(who, dropped)
            self._documents["users", who]["standingsAt"] = self._now
        elif collection == "bossdamages" and sign > 0:
            boss = self._documents.get(("globalbosses", fact["bossId"]))
            if boss is not None:
                self._documents["globalbosses", fact["bossId"]] = {**boss, **boss_after(boss, fact)}

    def _player(self, telegram_id: str) -> Document:
        key = ("users", telegram_id)
        if key not in self._documents:
            self._documents[key] = {"telegramId": telegram_id, **new_player(self._now)}
        elif self._documents[key] is self._stored.get(key):
            self._documents[key] = copy.deepcopy(self._documents[key])
        return self._documents[key]

    def _increase(self, telegram_id: str, increments: Increments) -> None:
        player, total = self._player(telegram_id), self._increments[telegram_id]
        for path, amount in increments.items():
            total[path] = total.get(path, 0) + amount
            _add(player, path, amount)

    def _drop(self, telegram_id: str, seasons: Iterable[str]) -> None:
        """Seasons are dropped whole, with what this batch may have added to them."""
        for path in seasons:
            self._dropped[telegram_id].add(path)
            self._documents["users", telegram_id]["seasons"].pop(path.partition(".")[2], None)
            total = self._increments[telegram_id]
            self._increments[telegram_id] = {
                name: amount for name, amount in total.items() if not name.startswith(f"{path}.")
            }

    def _player_write(self, telegram_id: str, stored: Document | None, document: Document) -> Iterator[Write]:
        change = _difference(
            stored or {"telegramId": telegram_id, **new_player(self._now)}, document, besides=DOCUMENTS["users"].derived
        )
        increments = self._increments.get(telegram_id)
        if increments:
            change["$inc"] = increments
        if stored is not None and self._dropped[telegram_id]:
            change.setdefault("$unset", {}).update(dict.fromkeys(sorted(self._dropped[telegram_id]), ""))
        if not change and stored is not None:
            return
        if stored is None:
            gone = change.pop("$unset", {})
            given = {*change.get("$set", {}), *gone, *(path.partition(".")[0] for path in increments or ())}
            change["$setOnInsert"] = dict(new_player(self._now, without=given))
        yield Update("users", {"telegramId": telegram_id}, change, upsert=stored is None)

    def _seasons(self) -> str:
        if self._season_length is None:
            self._season_length = season_length(self._snapshot.economy_config())
        return self._season_length


def _identity(collection: str, fact: Mapping[str, Any]) -> Key:
    return collection, tuple(fact[field] for field in FACTS[collection].identity)


def _content(fact: Mapping[str, Any]) -> Document:
    return {name: value for name, value in fact.items() if name not in _NOT_CONTENT}


def _text(value: Any) -> str:
    """The same in every region: what came over the wire has its fields in another order."""
    if isinstance(value, Mapping):
        return ",".join(("{", *(f"{name}:{_text(value[name])}" for name in sorted(value)), "}"))
    return ",".join(("[", *map(_text, value), "]")) if isinstance(value, list | tuple) else str(value)


def _add(document: Document, path: str, amount: int) -> None:
    *parents, name = path.split(".")
    for step in parents:
        document = document.setdefault(step, {})
    document[name] = (document.get(name) or 0) + amount


def _difference(
    before: Mapping[str, Any], after: Mapping[str, Any], *, besides: frozenset[str] = frozenset()
) -> Document:
    """The update that makes ``after`` of ``before``, fields of ``besides`` left aside."""
    sets = {name: value for name, value in after.items() if name not in besides and before.get(name, _NOTHING) != value}
    gone = [name for name in before if name not in after]
    change: Document = {}
    if sets:
        change["$set"] = sets
    if gone:
        change["$unset"] = dict.fromkeys(gone, "")
    return change


_NOTHING: Final = object()
