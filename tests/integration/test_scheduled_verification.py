"""The scheduled comparison as it is deployed: two regions' databases, one asking the other's API."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from chalice.app import Chalice
from pymongo.database import Database

import app as composition
from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.entrypoints import verification
from chalicelib.messaging.home_region import HomeAnswer, HomeRegionApi
from tests.gateway import call
from tests.installed import SEVERAL_REGIONS, installed_arena
from tests.worlds import NOON

EVENT: dict[str, Any] = {
    **dict.fromkeys(("version", "account", "region", "detail-type", "source", "time", "id"), ""),
    "detail": {},
    "resources": [],
}


class Asked(HomeRegionApi):
    """Keeps the questions, and says that it does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[bytes] = []

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HomeAnswer:
        self.questions.append(body)
        return HomeAnswer(503, {}, "")


@pytest.fixture
def application() -> Chalice:
    return composition.app


def test_it_asks_and_is_answered_by_the_route(
    application: Chalice, database: Database[Document], mongo_uri: str
) -> None:
    """What one region asks, another of the same arena understands; a region that does not answer is named."""
    clock = ManualClock(NOON)
    asked = Asked()
    with installed_arena(mongo_uri, database, clock, **SEVERAL_REGIONS) as arena:
        for region in ("eu-west-1", "ap-southeast-1"):
            database["regions"].insert_one({"_id": region, "url": f"https://{region}.example"})
        vars(arena)["home_api"] = asked
        report = verification.replication_verify(EVENT, None)
        assert report["unreachable"] == ["ap-southeast-1: region_refused", "eu-west-1: region_refused"]
        assert (report["differences"], report["rounds"]) == (0, 1)
    other = {**SEVERAL_REGIONS, "AWS_REGION": "eu-west-1"}
    with installed_arena(mongo_uri, database, clock, **other):
        answer = call(application, "POST", "/api/replication/digests", json.loads(asked.questions[0]), {})
        assert answer.status == 200, answer.text
        assert len(json.loads(answer.text)["data"]["digests"]) >= 1
