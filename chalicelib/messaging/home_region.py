"""Asking another region's API in a player's name."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Final

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
            with urllib.request.urlopen(request, timeout=self._timeout_seconds) as answer:  # noqa: S310
                return HomeAnswer(answer.status, _lowered(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return HomeAnswer(refusal.code, _lowered(refusal.headers), refusal.read().decode())
        except OSError as error:
            raise Unavailable("home_unreachable", "the player's home region can't be reached") from error


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
