"""What a transaction tells: every kind of write, and nothing that is a region's own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.arena import outbox
from chalicelib.arena.ports import Document, Insert, Update, Write
from chalicelib.clock import ManualClock
from chalicelib.replication.capture import Recorder, UnrecordedChange
from chalicelib.replication.rules import VERSIONS
from chalicelib.replication.versions import next_version

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
V1 = next_version(NOON, (), 1)
EARLIER = next_version(NOON - timedelta(minutes=1), (), 0)
FOREIGN = next_version(NOON + timedelta(hours=1), (), 0)


class Room:
    """A recorder, and the documents its transactions see."""

    def __init__(self, *documents: tuple[str, Document]) -> None:
        self.documents = documents
        self.asked: list[str] = []
        self.recorder = Recorder(ManualClock(NOON), "eu", 1, ("us", "ap"), lambda: "event")

    def lookup(self, collection: str, where: Mapping[str, Any]) -> Document | None:
        self.asked.append(collection)
        named = {name: where[name] for name in ("_id", "telegramId", "key") if name in where}
        for place, document in self.documents:
            if place == collection and all(document.get(name) == value for name, value in named.items()):
                return document
        return None

    def told(self, *writes: Write) -> tuple[list[Write], list[Document]]:
        """The writes but for the event, and the event's changes."""
        *result, last = self.recorder.recorded(writes, self.lookup)
        assert isinstance(last, Insert)
        assert last.collection == "outbox"
        (event,) = last.documents
        return result, event["changes"]


def update(collection: str, /, where: Mapping[str, Any] | None = None, **operators: Any) -> Update:
    """``$`` is added to operators."""
    return Update(collection, where or {"_id": 1}, {f"${name}": fields for name, fields in operators.items()})


def test_a_fact_is_told_whole() -> None:
    row = {"_id": 9, "amount": 5}
    write = Insert("ledgerentries", (row,))
    assert Room().told(write) == ([write], [{"collection": "ledgerentries", "facts": [row]}])


def test_a_document_begins_with_a_version_of_everything() -> None:
    """What each region has of its own is told, too, for the beginning alone; a counter as what it adds."""
    guild: Document = {
        **{"_id": 7, "name": "n", "members": [{"telegramId": "777", "role": "owner"}], "pooledBrokers": []},
        **{"vaultNeur": 0, "vaultAiba": 3, "updatedAt": NOON, "__v": 0},
    }
    (write,), (change,) = Room().told(Insert("guilds", (guild,)))
    assert write == Insert("guilds", ({**guild, VERSIONS: {"*": V1}},))
    assert change == {
        **{"collection": "guilds", "key": 7, "id": 7, "new": True, "base": {}, "set": {"name": "n"}},
        **{"entries": {"members": {"777": guild["members"][0]}, "pooledBrokers": {}}},
        **{"add": {"vaultAiba": 3}, "latest": {"updatedAt": NOON}, "begin": {"__v": 0}},
    }


def test_fields_are_told_with_what_they_replace() -> None:
    """The stamp before, the version after, which is above it though its clock is an hour ahead of ours."""
    broker = {"_id": 1, "energy": 5, "speed": 1, VERSIONS: {"energy": FOREIGN, "*": EARLIER}}
    write = update("brokers", set={"energy": 4, "speed": 2, "updatedAt": NOON})
    (made,), (change,) = Room(("brokers", broker)).told(write)
    version = next_version(NOON, [FOREIGN], 1)
    assert change == {
        **{"collection": "brokers", "key": 1, "set": {"energy": 4, "speed": 2}, "entries": {}},
        **{"base": {"energy": FOREIGN, "speed": EARLIER}, "latest": {"updatedAt": NOON}},
    }
    assert isinstance(made, Update)
    assert made.where == write.where
    assert made.change["$set"] == {
        **write.change["$set"],
        f"{VERSIONS}.energy": f"{version} {FOREIGN}",
        f"{VERSIONS}.speed": f"{version} {EARLIER}",
    }


def test_what_is_there_already_is_no_change() -> None:
    """It would win over others' changes. But 1 is not True."""
    broker = {"_id": 1, "energy": 5, "banned": False, "speed": 1}
    _, (change,) = Room(("brokers", broker)).told(update("brokers", set={"energy": 5, "banned": 0, "speed": 2}))
    assert change["set"] == {"banned": 0, "speed": 2}


def test_a_field_is_unset() -> None:
    mode = {"_id": 1, "key": "k", "deletedAt": NOON}
    (made,), (change,) = Room(("gamemodes", mode)).told(update("gamemodes", unset={"deletedAt": "", "icon": ""}))
    assert (change["key"], change["unset"], change["base"]) == ("k", ["deletedAt"], {"deletedAt": ""})
    assert isinstance(made, Update)
    assert made.change == {"$unset": {"deletedAt": "", "icon": ""}, "$set": {f"{VERSIONS}.deletedAt": V1}}


def test_of_a_list_its_changed_entries_are_told() -> None:
    """Who came, who went, who changed; not who stayed."""
    stays, goes = {"telegramId": "1"}, {"telegramId": "2"}
    before = {
        "_id": 1,
        "members": [stays, goes, {"telegramId": "3", "role": "member"}],
        VERSIONS: {"members/2": EARLIER},
    }
    members = [stays, {"telegramId": "3", "role": "owner"}, {"telegramId": "4"}]
    (made,), (change,) = Room(("guilds", before)).told(update("guilds", set={"members": members}))
    assert change["entries"] == {
        "members": {"2": None, "3": {"telegramId": "3", "role": "owner"}, "4": {"telegramId": "4"}}
    }
    assert change["base"] == {"members/2": EARLIER, "members/3": "", "members/4": ""}
    assert isinstance(made, Update)
    assert made.change["$set"].keys() == {"members", *(f"{VERSIONS}.members/{who}" for who in "234")}


def test_counters_are_told_as_what_they_add() -> None:
    """Without being looked up: no version stands beside them."""
    room = Room(("guilds", {"_id": 1, "vaultNeur": 5}))
    write = update("guilds", inc={"vaultNeur": 3}, set={"updatedAt": NOON})
    (made,), (change,) = room.told(write)
    assert (made, change["add"], change["latest"], room.asked) == (write, {"vaultNeur": 3}, {"updatedAt": NOON}, [])


@pytest.mark.parametrize(
    "write",
    [
        update(
            "users", {"telegramId": "7"}, inc={"neurBalance": 5, "totals.all.score": 1, "seasons.2026-11.all.score": 1}
        ),
        update("users", {"telegramId": "7"}, set={"lastSeenAt": NOON, "standingsAt": NOON, "updatedAt": NOON}),
        update("users", {"telegramId": "7"}, unset={"seasons.2026-09": ""}),
        update("globalbosses", set={"currentHp": 3, "status": "defeated", "defeatedAt": NOON}),
        update("economydays", inc={"emittedNeur": 3}),
        update("guilds", set={"updatedAt": NOON}),
        Update("users", {"telegramId": "7"}, {"$inc": {"neurBalance": 5}, "$setOnInsert": {"roles": []}}, upsert=True),
        Insert("battlejobs", ({"_id": 1},)),
    ],
)
def test_what_is_a_regions_own_is_not_told(write: Write) -> None:
    """Nothing told: the writes are as they were, without an event, and nobody was asked for a document."""
    room = Room()
    beside = outbox.event(event_id=1, entity="e", key="k", op="o", payload={}, request_id="", now=NOON)
    assert room.recorder.recorded((write,), room.lookup) == [write]
    assert room.recorder.recorded((write, beside), room.lookup) == [write, beside]
    assert room.asked == []


def test_a_player_may_begin_with_any_change() -> None:
    where, change = {"telegramId": "7"}, {"$set": {"bannedReason": "r"}, "$setOnInsert": {"roles": []}}
    _, (told,) = Room().told(Update("users", where, change, upsert=True))
    assert told == {
        "collection": "users",
        "key": "7",
        "set": {"bannedReason": "r"},
        "entries": {},
        "base": {"bannedReason": ""},
    }


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (update("battles", set={"score": 1}), "never changed"),
        (update("brokers", set={"cooldowns.quick": 1}), "no rule"),
        (update("brokers", inc={"energy": -1}), "no rule"),
        (update("guilds", set={"vaultNeur": 5}), "no rule"),
        (update("guilds", unset={"members": ""}), "no rule"),
        (update("brokers", {"ownerTelegramId": "7"}, set={"energy": 1}), "no _id"),
        (Update("economyconfigs", {"_id": 9}, {"$set": {"a": 1}}, upsert=True), "begins with an insert"),
    ],
)
def test_what_has_no_meaning_elsewhere_is_refused(write: Write, why: str) -> None:
    """By whoever writes it first, in a test."""
    with pytest.raises(UnrecordedChange, match=why):
        Room().told(write)


def test_one_field_is_changed_once_in_a_transaction() -> None:
    """Both would have one version, and the second would be taken for the first."""
    broker = ("brokers", {"_id": 1, "energy": 5, "speed": 1})
    apart = Room(broker).told(update("brokers", set={"energy": 4}), update("brokers", set={"speed": 2}))[1]
    assert [change["set"] for change in apart] == [{"energy": 4}, {"speed": 2}]
    with pytest.raises(UnrecordedChange, match="changed twice"):
        Room(broker).told(update("brokers", set={"energy": 4}), update("brokers", set={"energy": 3}))


def test_a_services_own_event_carries_it_all() -> None:
    """What follows from it stays; of its payload only what is still read here."""
    event = outbox.event(
        event_id="mine", entity="battle", key="k", op="insert", payload={"battle": {"_id": 1}, "ledger": []},
        request_id="r", now=NOON, follow_ups=[{"kind": "boss_damage"}],
    )  # fmt: skip
    writes = Room().recorder.recorded((event, Insert("battles", ({"_id": 1},))), Room().lookup)
    assert [write.collection for write in writes] == ["battles", "outbox"]
    (document,) = writes[-1].documents  # type: ignore[union-attr]
    assert (document["_id"], document["requestId"], document["payload"]) == ("mine", "r", {"battle": {"_id": 1}})
    assert (document["followUps"], document["followUpsDueAt"]) == ([{"kind": "boss_damage"}], NOON)
    assert (document["version"], document["region"], document["pending"]) == (V1, "eu", ["us", "ap"])
    assert document["changes"] == [{"collection": "battles", "facts": [{"_id": 1}]}]


def test_without_a_services_event_one_is_made() -> None:
    writes = Room().recorder.recorded((Insert("brokers", ({"_id": 3},)),), Room().lookup)
    (document,) = writes[-1].documents  # type: ignore[union-attr]
    assert (document["_id"], document["entity"], document["key"], document["occurredAt"]) == (
        "event",
        "brokers",
        "3",
        NOON,
    )


def test_a_battle_is_told_with_the_season_it_counts_in() -> None:
    """Operators may change the length of seasons before it arrives."""
    count = update("users", {"telegramId": "7"}, inc={"totals.all.score": 1, "seasons.2026-W48.all.score": 1})
    _, (change,) = Room().told(Insert("battles", ({"_id": 1},)), count)
    assert change["season"] == "2026-W48"


@pytest.mark.parametrize(("correlation_id", "told"), [("ticket", {"correlationId": "ticket"}), ("", {})])
def test_the_event_has_the_id_of_what_made_it(correlation_id: str, told: dict[str, str]) -> None:
    recorder = Recorder(ManualClock(NOON), "eu", 1, ("us",), lambda: "event", lambda: correlation_id)
    *_, last = recorder.recorded([Insert("ledgerentries", ({"_id": 9},))], Room().lookup)
    assert isinstance(last, Insert)
    assert {name: value for name, value in last.documents[0].items() if name == "correlationId"} == told
