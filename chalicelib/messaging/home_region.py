"""Asking another region's API in a player's name."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final

from chalicelib.errors import Unavailable

TIMEOUT_SECONDS: Final = 10.0
"""A battle's time budget at its home, and the way there and back."""


@dataclass(frozen=True, slots=True)
class HomeAnswer:
    """What the other region said."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: str


class HomeRegionApi:
    """Sends a request as it is, once."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HomeAnswer:
        """The answer, whatever its status.

        Raises ``Unavailable("home_unreachable")``; the request may have been served then.
        """
        request = urllib.request.Request(url, data=body or None, headers=dict(headers), method=method)  # noqa: S310
        try:
            with self._answer(request) as answer:
                return HomeAnswer(answer.status, _lowered(answer.headers), answer.read().decode())
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            raise Unavailable("home_unreachable", "the player's home region can't be reached") from error

    def _answer(self, request: urllib.request.Request) -> Any:
        try:
            return urllib.request.urlopen(request, timeout=self._timeout_seconds)  # noqa: S310
        except urllib.error.HTTPError as refusal:
            return refusal


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
