"""Three regions as databases of one mongod, and events that left an outbox there and arrived nowhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from bson import ObjectId
from pymongo import MongoClient

from chalicelib.arena.ports import Document

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
FIRST, SECOND, THIRD = REGIONS
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class ToldRegions:
    """The regions' databases."""

    client: MongoClient[Document]
    uri: str
    names: dict[str, str]

    @classmethod
    @contextmanager
    def made(cls, client: MongoClient[Document], uri: str) -> Iterator[Self]:
        """Empty ones, gone afterwards."""
        names = {region: f"test_{ObjectId()}" for region in REGIONS}
        yield cls(client, uri, names)
        for name in names.values():
            client.drop_database(name)

    def address(self, region: str) -> str:
        base, _, options = self.uri.partition("/?")
        return f"{region}={base}/{self.names[region]}?{options}"

    def addresses(self, regions: tuple[str, ...] = REGIONS) -> list[str]:
        """As options of a command."""
        return [part for region in regions for part in ("--mongo", self.address(region))]

    def tell(self, region: str, key: str, *, at: datetime = NOW, collection: str = "users") -> None:
        event_id = ObjectId.from_datetime(at).binary[:4] + ObjectId().binary[4:]
        change: dict[str, Any] = {
            "collection": collection,
            "key": key,
            "set": {"bio": "told"},
            "entries": {},
            "base": {},
        }
        version = f"{int(at.timestamp() * 1000):012x}0000f"
        told = {"_id": ObjectId(event_id), "region": region, "version": version, "occurredAt": at, "pending": []}
        self.client[self.names[region]].outbox.insert_one({**told, "changes": [change]})
