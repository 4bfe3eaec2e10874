"""WebSockets of the local cloud, as players use them: what nobody had time for is asked again."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from websockets.exceptions import InvalidStatus
from websockets.http11 import Response
from websockets.sync.client import ClientConnection

from tests.e2e.client import TOO_BUSY
from tests.localstack.running import eventually
from tests.websockets import client, hear

PUSHED_SECONDS = 300
"""A worker that was cut off has its messages come back after 72 s, a push that met a busy gateway after 180 s."""
REFUSED_BUSY = (*TOO_BUSY, 502)
"""The gateway's 502 says that the function did not answer it in time."""
PUSHES = ("battle.result", "leaderboard")
"""What comes unasked."""


@contextmanager
def connected(url: str, init_data: str, **options: Any) -> Iterator[ClientConnection]:
    """A signed connection; arguments as ``client`` has them."""
    with ExitStack() as opened:

        def dialled() -> ClientConnection | None:
            try:
                return opened.enter_context(client(url, init_data, **options))
            except InvalidStatus as refused:
                if refused.response.status_code not in REFUSED_BUSY:
                    raise
                return None
            except TimeoutError:
                # No word within the client's minute: functions that start beside others may take longer.
                return None

        found = eventually(dialled, lambda socket: socket is not None, seconds=PUSHED_SECONDS)
        assert found is not None
        yield found


def refusal(url: str, init_data: str | None) -> Response:
    """What a client that is not let in is told, once somebody has the time to tell it."""

    def told() -> Response | None:
        try:
            with client(url, init_data):
                raise AssertionError("it was let in")
        except InvalidStatus as refused:
            return None if refused.response.status_code in REFUSED_BUSY else refused.response
        except TimeoutError:
            return None

    found = eventually(told, lambda response: response is not None, seconds=PUSHED_SECONDS)
    assert found is not None
    return found


def say(socket: ClientConnection, text: str = "", *, pushed: list[Any] | None = None, **message: Any) -> Any:
    """The answer to ``message``, or to ``text`` as it is. What is pushed before it is put into ``pushed``."""

    def answer() -> Any:
        socket.send(text or json.dumps(message))
        while (found := hear(socket)).get("type") in PUSHES:
            if pushed is not None:
                pushed.append(found)
        return found

    return eventually(answer, lambda found: not _lacked_time(found))


def _lacked_time(answer: Any) -> bool:
    """The gateway's own words about a function that did not answer, or the function's about its database."""
    return "type" not in answer or (answer["type"] == "error" and answer["error"]["code"] == "database_unavailable")
