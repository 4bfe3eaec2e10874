"""Asking another region's API for digests of what it holds."""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from chalicelib.clock import Clock
from chalicelib.errors import Unavailable
from chalicelib.messaging.home_region import HomeRegionApi
from chalicelib.replication.asking import ask_digests, ask_named, ask_rows, question, read_digests, read_rows
from chalicelib.replication.content import Key
from chalicelib.replication.conversion import FromJson, ToJson
from chalicelib.replication.ranges import Digest, Range
from chalicelib.replication.signing import Keyring

PATH: Final = "/api/replication/digests"


class HttpNeighbour:
    """``patrol.Neighbour``. ``url`` is its API's, None where nobody has said it yet."""

    def __init__(
        self,
        region: str,
        url: Callable[[], str | None],
        api: HomeRegionApi,
        *,
        own_region: str,
        keyring: Keyring,
        clock: Clock,
        new_id: Callable[[], object],
        to_json: ToJson,
        from_json: FromJson,
    ) -> None:
        self.region = region
        self._url = url
        self._api = api
        self._own_region = own_region
        self._keyring = keyring
        self._clock = clock
        self._new_id = new_id
        self._to_json = to_json
        self._from_json = from_json

    def digests(self, ranges: Sequence[Range]) -> list[Digest]:
        return read_digests(self._ask(ranges[0].collection, ask_digests(ranges, self._to_json)))

    def rows(self, wanted: Range) -> Mapping[Key, bytes]:
        return read_rows(self._ask(wanted.collection, ask_rows(wanted, self._to_json)), self._from_json)

    def named(self, collection: str, keys: Sequence[Key]) -> Mapping[Key, bytes]:
        return read_rows(self._ask(collection, ask_named(keys, self._to_json)), self._from_json)

    def _ask(self, collection: str, ask: Mapping[str, Any]) -> Any:
        """The answer's data. Raises ``Unavailable``."""
        url = self._url()
        if url is None:
            raise Unavailable("region_address_unknown", f"nobody has said where the API of {self.region} is")
        asked = question(
            ask,
            collection,
            region=self._own_region,
            event_id=str(self._new_id()),
            now=self._clock(),
            keyring=self._keyring,
        )
        headers = {"Content-Type": "application/json"}
        answer = self._api.ask("POST", f"{url}{PATH}", headers, json.dumps(asked.wire()).encode())
        if answer.status != HTTPStatus.OK:
            raise Unavailable("region_refused", f"{self.region} answered {answer.status}: {answer.body[:200]}")
        try:
            return json.loads(answer.body)["data"]
        except (ValueError, LookupError, TypeError) as error:
            raise Unavailable("region_illegible", f"{self.region} answered something else") from error
