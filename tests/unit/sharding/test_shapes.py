"""What a query says of a key, and where it would go."""

from typing import Any

import pytest

from chalicelib.data.sharding import ShardKey
from infra.sharding.shapes import Shape, as_rows, route, routed, shapes

OWN: ShardKey = (("telegramId", "hashed"), ("sourceId", 1))


@pytest.mark.parametrize(
    ("where", "equal", "among"),
    [
        ({"telegramId": "7"}, ("telegramId",), ()),
        ({"telegramId": {"$eq": "7", "$type": "string"}}, ("telegramId",), ()),
        ({"telegramId": {"$in": ["7"]}}, (), ("telegramId",)),
        ({"telegramId": {"$gt": "7"}}, (), ()),
        ({"telegramId": None}, ("telegramId",), ()),
        ({"telegramId": {"a": 1}}, ("telegramId",), ()),
        ({"username": "x"}, (), ()),
        ({"$expr": {"$eq": ["$telegramId", "7"]}}, (), ()),
        ({"$and": [{"telegramId": "7"}, {"sourceId": {"$in": []}}]}, ("telegramId",), ("sourceId",)),
        ({"telegramId": "7", "$or": [{"sourceId": "a"}, {"reason": "b"}]}, ("telegramId",), ()),
        ({"$or": [{"telegramId": "7", "sourceId": "a"}, {"telegramId": "8"}]}, (), ("telegramId",)),
    ],
)
def test_fields_that_are_said(where: dict[str, Any], equal: tuple[str, ...], among: tuple[str, ...]) -> None:
    assert list(shapes({"find": "users", "filter": where})) == [Shape("users", "find", equal, among)]


def test_every_kind_of_command_lookups_inside_lookups_included() -> None:
    inner = {"$lookup": {"from": "ledgerentries", "localField": "x", "foreignField": "telegramId", "as": "y"}}
    pipeline = [
        {"$documents": [{}]},
        {"$lookup": {"from": "battles", "pipeline": [{"$match": {"requestId": "r"}}, inner], "as": "b"}},
        {"$lookup": {"from": "brokers", "pipeline": [], "as": "c"}},
    ]
    assert list(shapes({"aggregate": 1, "pipeline": pipeline})) == [
        Shape("battles", "lookup", ("requestId",)),
        Shape("ledgerentries", "lookup", ("telegramId",)),
    ]
    matched = {"aggregate": "users", "pipeline": [{"$match": {"telegramId": "7"}}]}
    assert list(shapes(matched)) == [Shape("users", "aggregate", ("telegramId",))]
    assert list(shapes({"aggregate": "users", "pipeline": []})) == [Shape("users", "aggregate")]
    assert list(shapes({"insert": "users", "documents": [{}, {}]})) == [Shape("users", "insert")]
    updates = {"update": "users", "updates": [{"q": {"_id": 1}}, {"q": {"telegramId": "7"}, "upsert": True}]}
    assert list(shapes(updates)) == [Shape("users", "update", ("_id",)), Shape("users", "upsert", ("telegramId",))]
    modified = {"findAndModify": "users", "query": {"telegramId": "7"}}
    assert list(shapes(modified)) == [Shape("users", "findAndModify", ("telegramId",))]
    assert list(shapes({"find": "brokers", "filter": {"_id": 1}})) == []
    assert list(shapes({"commitTransaction": 1})) == []


BOARD: ShardKey = (("board", 1), ("telegramId", "hashed"))
TIME: ShardKey = (("createdAt", 1),)


@pytest.mark.parametrize(
    ("key", "shape", "asked"),
    [
        (OWN, Shape("ledgerentries", "find", ("telegramId",)), "one"),
        (OWN, Shape("ledgerentries", "find", (), ("telegramId",)), "some"),
        (OWN, Shape("ledgerentries", "insert"), "one"),
        (OWN, Shape("ledgerentries", "find", ("sourceId",)), "all"),
        (OWN, Shape("ledgerentries", "update", ("_id",)), "all"),
        (BOARD, Shape("seasonstandings", "find", ("board", "telegramId")), "one"),
        (BOARD, Shape("seasonstandings", "find", ("board",)), "some"),
        (BOARD, Shape("seasonstandings", "find", ("board",), ("telegramId",)), "some"),
        (BOARD, Shape("seasonstandings", "find", ("telegramId",)), "all"),
        (TIME, Shape("ledgerentries", "find", ("createdAt",)), "one"),
        (TIME, Shape("ledgerentries", "find", ("telegramId",)), "all"),
    ],
)
def test_shards_that_are_asked(key: ShardKey, shape: Shape, asked: str) -> None:
    assert route(key, shape) == asked


def test_shares_go_by_how_often_a_query_is_asked() -> None:
    weights = {
        Shape("ledgerentries", "find", ("telegramId",)): 3.0,
        Shape("ledgerentries", "find", ("_id",)): 1.0,
        Shape("ledgerentries", "insert"): 100.0,
        Shape("users", "find"): 100.0,
    }
    assert routed(OWN, "ledgerentries", weights) == {"one": 0.75, "some": 0.0, "all": 0.25}
    assert routed(OWN, "battles", weights) is None
    assert as_rows(weights).count("\n") == len(weights) + 2
