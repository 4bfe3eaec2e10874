"""What a batch of events rests on: documents by key and by unique name, facts by identity. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.replication.effects import OWNERS
from chalicelib.replication.ports import Event, Wanted
from chalicelib.replication.rules import DOCUMENTS, FACTS


def rests_on(events: Sequence[Event]) -> list[Wanted]:
    """Documents first, then facts; documents of one collection may be wanted twice."""
    keys: defaultdict[str, set[Any]] = defaultdict(set)
    names: defaultdict[str, set[Any]] = defaultdict(set)
    facts: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    begun: list[Any] = []
    for change in (change for event in events for change in event.changes):
        collection = change["collection"]
        if collection in FACTS:
            facts[collection] += change["facts"]
            if collection in OWNERS:
                keys["users"] |= {fact[OWNERS[collection]] for fact in change["facts"]}
            if collection == "bossdamages":
                keys["globalbosses"] |= {fact["bossId"] for fact in change["facts"]}
        else:
            keys[collection].add(change["key"])
            unique = DOCUMENTS[collection].unique
            if unique in change["set"]:
                names[collection].add(change["set"][unique])
            if collection == "globalbosses" and change.get("new"):
                begun.append(change["key"])
    return [*_documents(keys, names), *_facts(facts, begun)]


def _documents(keys: Mapping[str, set[Any]], names: Mapping[str, set[Any]]) -> Iterator[Wanted]:
    for collection, found in keys.items():
        yield collection, {DOCUMENTS[collection].key: sorted(found)}
    for collection, found in names.items():
        yield collection, {str(DOCUMENTS[collection].unique): sorted(found)}


def _facts(facts: Mapping[str, Sequence[Mapping[str, Any]]], begun: Sequence[Any]) -> Iterator[Wanted]:
    for collection, rows in facts.items():
        yield collection, {field: list({row[field] for row in rows}) for field in FACTS[collection].identity}
    if begun:
        yield "bossdamages", {"bossId": begun}
