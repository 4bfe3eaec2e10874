"""Which differences are none: keys that an event under way will change. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.errors import ArenaError
from chalicelib.replication.content import BALANCES, BOSSES, Key, key_of
from chalicelib.replication.effects import OWNERS
from chalicelib.replication.rules import DOCUMENTS, FACTS
from chalicelib.replication.verify_ports import Telling

Touched = tuple[str, Key]


class TooMuchUnderWay(ArenaError):
    """So many events wait that hardly any difference would mean anything."""

    status = 503
    default_code = "too_much_under_way"


def under_way(tellings: Sequence[Telling], targets: Collection[str], applied: Mapping[str, set[Any]]) -> set[Touched]:
    """What one region's events will still change in others.

    ``targets`` are the regions looked at, ``applied`` what each of them has applied of the events.
    """
    return {
        touched
        for telling in tellings
        if any(region in telling.pending or telling.event_id not in applied[region] for region in targets)
        for touched in _touched(telling)
    }


def _touched(telling: Telling) -> Iterator[Touched]:
    for change in telling.changes:
        collection = change["collection"]
        if collection in DOCUMENTS:
            yield collection, (change["key"],)
        for fact in change.get("facts", ()) if collection in FACTS else ():
            key = key_of(collection, fact)
            if key is not None:
                yield collection, key
            if collection in OWNERS:
                yield "users", (fact[OWNERS[collection]],)
                yield BALANCES, (fact[OWNERS[collection]],)
            if collection == "bossdamages":
                yield BOSSES, (fact["bossId"],)
