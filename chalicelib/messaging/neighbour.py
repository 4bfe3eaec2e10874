"""Asking another region's API for digests of what it holds."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chalicelib.messaging.region_api import RegionApi
from chalicelib.replication.asking import ENTITY, ask_digests, ask_named, ask_rows, read_digests, read_rows
from chalicelib.replication.content import Key
from chalicelib.replication.conversion import FromJson, ToJson
from chalicelib.replication.ranges import Digest, Range

PATH: Final = "/api/replication/digests"


class HttpNeighbour:
    """``patrol.Neighbour``."""

    def __init__(self, api: RegionApi, *, to_json: ToJson, from_json: FromJson) -> None:
        self.region = api.region
        self._api = api
        self._to_json = to_json
        self._from_json = from_json

    def digests(self, ranges: Sequence[Range]) -> list[Digest]:
        return read_digests(self._ask(ranges[0].collection, ask_digests(ranges, self._to_json)))

    def rows(self, wanted: Range) -> Mapping[Key, bytes]:
        return read_rows(self._ask(wanted.collection, ask_rows(wanted, self._to_json)), self._from_json)

    def named(self, collection: str, keys: Sequence[Key]) -> Mapping[Key, bytes]:
        return read_rows(self._ask(collection, ask_named(keys, self._to_json)), self._from_json)

    def _ask(self, collection: str, ask: Mapping[str, Any]) -> Any:
        return self._api.ask(PATH, ENTITY, collection, ask)
