"""Asking another region's API signed questions."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from chalicelib.clock import Clock
from chalicelib.errors import Unavailable
from chalicelib.messaging.home_region import HomeRegionApi
from chalicelib.replication.questions import question
from chalicelib.replication.signing import Keyring


class RegionApi:
    """Of ``region``. ``url`` is its API's, None where nobody has said it yet."""

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
        correlation: Callable[[], str] = str,
    ) -> None:
        self.region = region
        self._url = url
        self._api = api
        self._own_region = own_region
        self._keyring = keyring
        self._clock = clock
        self._new_id = new_id
        self._correlation = correlation

    def ask(self, path: str, entity: str, key: str, ask: Mapping[str, Any]) -> Any:
        """The answer's data. Raises ``Unavailable``."""
        url = self._url()
        if url is None:
            raise Unavailable("region_address_unknown", f"nobody has said where the API of {self.region} is")
        asked = question(
            ask,
            key,
            entity=entity,
            region=self._own_region,
            event_id=str(self._new_id()),
            now=self._clock(),
            keyring=self._keyring,
        )
        # Its log has the asking request's id, too, or the run's.
        headers = {"Content-Type": "application/json", "X-Request-Id": self._correlation()}
        answer = self._api.ask("POST", f"{url}{path}", headers, json.dumps(asked.wire()).encode())
        if answer.status != HTTPStatus.OK:
            raise Unavailable("region_refused", f"{self.region} answered {answer.status}: {answer.body[:200]}")
        try:
            return json.loads(answer.body)["data"]
        except (ValueError, LookupError, TypeError) as error:
            raise Unavailable("region_illegible", f"{self.region} answered something else") from error
