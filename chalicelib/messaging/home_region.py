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
ANSWER_BYTES_MAX: Final = 6 * 1024 * 1024
"""Lambda answers with no more."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class HomeAnswer:
    """What the other region said."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: str


class HomeRegionApi:
    """Sends a request as it is, once, to the address it is given and to no other: it carries a player's sign-in."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        # Not the opener urllib has ready: that follows redirects, headers and all, and reads files by their URL.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.HTTPHandler,
            urllib.request.HTTPSHandler,
            urllib.request.HTTPErrorProcessor,
            urllib.request.HTTPDefaultErrorHandler,
            urllib.request.UnknownHandler,
        ):
            self._opener.add_handler(handler())

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HomeAnswer:
        """The answer, whatever its status, but a redirect.

        Raises ``Unavailable("home_unreachable")``; the request may have been served then.
        """
        try:
            request = urllib.request.Request(url, data=body or None, headers=dict(headers), method=method)  # noqa: S310
            with self._answer(request) as answer:
                read = answer.read(ANSWER_BYTES_MAX + 1)
                if answer.status in _REDIRECTS or not _is_whole(len(read), answer.headers):
                    raise OSError("no answer of the arena's")
                return HomeAnswer(answer.status, _lowered(answer.headers), read.decode())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unavailable("home_unreachable", "the player's home region can't be reached") from error

    def _answer(self, request: urllib.request.Request) -> Any:
        try:
            return self._opener.open(request, timeout=self._timeout_seconds)
        except urllib.error.HTTPError as refusal:
            return refusal


def _is_whole(read_bytes: int, headers: Message) -> bool:
    # http.client notices a body that was cut off only where it is read without a limit.
    return int(headers.get("Content-Length") or 0) <= read_bytes <= ANSWER_BYTES_MAX


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
