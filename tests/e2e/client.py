"""A small HTTP client for the end-to-end tests: any answer is a value, never an exception. Status 0 = no answer."""

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.gateway import Answer

TOO_BUSY = (0, 503, 504)
"""Nobody had the time to answer: on a busy machine the arena, its database, a queue or the gateway."""
ATTEMPTS = 10
PAUSE_SECONDS_MAX = 5


def send(
    method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None, timeout: float = 30
) -> Answer:
    """Sends ``body`` (bytes as they are, anything else as JSON), as a client of its own unless ``headers`` name one."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url,
        data=data,
        method=method,
        headers={"Content-Type": "application/json", "X-Forwarded-For": some_address(), **(headers or {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return Answer(response.status, _lower(response.headers), response.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, _lower(error.headers), error.read().decode())
    except OSError as error:
        return Answer(0, {}, str(error))


def ask(method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """``send`` as players do it: what nobody had time for is sent again, as it was, after the pause that was asked."""
    for _ in range(ATTEMPTS):
        answer = send(method, url, body, headers)
        if answer.status not in TOO_BUSY:
            break
        time.sleep(min(int(answer.headers.get("retry-after", 1)), PAUSE_SECONDS_MAX))
    return answer


def some_address() -> str:
    """One of the addresses kept for benchmarks (RFC 2544): the local deployment believes its clients who they are."""
    return f"198.{random.randrange(18, 20)}.{random.randrange(256)}.{random.randrange(1, 255)}"


def _lower(headers: Any) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}
