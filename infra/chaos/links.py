"""Stands between the functions and their cloud, and knows which region speaks to which: links that are cut, deaf, slow.

Functions find SQS and all other services at one address of this process, and each region's API finds the other regions'
APIs at an address of its own; what is no other region's goes through as it is. Who sends events to another region's
queue stands in the events.
"""

import asyncio
import contextlib
import re
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from localcloud.ports import LOOPBACK

CUT, DEAF, SLOW = "cut", "deaf", "slow"
LATE_SECONDS: Final = 1.0
SILENCE_SECONDS_MAX: Final = 30.0
"""After so long without a word a lost connection is closed; whoever asked has given up before."""
_TIMEOUT: Final = ClientTimeout(total=90)
_START_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1
_BODY_BYTES_MAX: Final = 64 * 1024 * 1024
_SIGNED_FOR: Final = re.compile(r"Credential=[^/]+/[^/]+/([^/]+)/sqs/")
_SENT_TO: Final = re.compile(rb'QueueUrl"?\s*[:=]\s*"?[^"]*-replication"')
_SENT_BY: Final = re.compile(rb"sourceRegion[^a-z]+([a-z0-9-]+)")
_HOPS: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


def event_link(headers: Mapping[str, str], body: bytes) -> tuple[str, str] | None:
    """From whom to whom a request to SQS sends events; None when it is something else."""
    target = _SIGNED_FOR.search(headers.get("Authorization", ""))
    source = _SENT_BY.search(body) if target and _SENT_TO.search(body) else None
    return None if source is None or target is None else (source.group(1).decode(), target.group(1))


class Links:
    """A thread that serves from ``__enter__`` to ``__exit__``. ``ports``: of each region's way to the others' APIs."""

    def __init__(self, upstream: str, port: int, ports: Mapping[str, int]) -> None:
        self._upstream = upstream
        self._port = port
        self._ports = ports
        self._apis: dict[str, str] = {}
        self._states: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="links", daemon=True)
        self._session: ClientSession
        self.passed = 0
        self.lost = 0

    def __enter__(self) -> "Links":
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise OSError(f"nothing could be put between the functions and their cloud at port {self._port}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)

    def know(self, apis: Mapping[str, str]) -> None:
        """Says where the regions' APIs are: by region, their paths."""
        self._apis = {path: region for region, path in apis.items()}

    def address(self, source: str) -> str:
        """Where ``source`` finds all others' APIs."""
        return f"http://{LOOPBACK}:{self._ports[source]}"

    def set(self, source: str, target: str, state: str) -> None:
        """``state``: ``CUT``, ``DEAF`` or ``SLOW``, until it is mended. Of several the last counts."""
        self._states[source, target].append(state)

    def mend(self, source: str, target: str, state: str) -> None:
        """Takes back what was set once."""
        with contextlib.suppress(ValueError):
            self._states[source, target].remove(state)

    def mend_all(self) -> None:
        for states in list(self._states.values()):
            states.clear()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _serve(self) -> None:
        self._session = ClientSession(timeout=_TIMEOUT, auto_decompress=False)
        self._runners = []
        for source, port in (("", self._port), *self._ports.items()):
            application = web.Application(client_max_size=_BODY_BYTES_MAX)
            application.router.add_route("*", "/{path:.*}", partial(self._pass, source))
            runner = web.AppRunner(application, access_log=None, auto_decompress=False, shutdown_timeout=1.0)
            await runner.setup()
            await web.TCPSite(runner, LOOPBACK, port).start()
            self._runners.append(runner)

    async def _end(self) -> None:
        self.mend_all()
        # For who still waits to hear that nobody answers.
        await asyncio.sleep(3 * _LOOK_SECONDS)
        for runner in self._runners:
            await runner.cleanup()
        await self._session.close()

    async def _pass(self, source: str, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        link = self._link(source, request, body)
        states = self._states[link] if link else []
        state = states[-1] if states else None
        if state == SLOW:
            await asyncio.sleep(LATE_SECONDS)
        if state == CUT:
            return await self._lose(states, request)
        try:
            answer = await self._forward(request, body)
        except (ClientError, TimeoutError, OSError):
            return self._hang_up(request)
        if state == DEAF:
            return await self._lose(states, request)
        self.passed += link is not None
        return answer

    def _link(self, source: str, request: web.Request, body: bytes) -> tuple[str, str] | None:
        if not source:
            return event_link(request.headers, body)
        target = next((region for path, region in self._apis.items() if request.path.startswith(path)), "")
        return (source, target) if target else None

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOPS}
        async with self._session.request(
            request.method, self._upstream + request.raw_path, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            length = frozenset({"content-length"}) if request.method == "HEAD" else frozenset()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOPS - length}
            return web.Response(status=answer.status, body=None if length else await answer.read(), headers=kept)

    async def _lose(self, states: Sequence[str], request: web.Request) -> web.StreamResponse:
        """Silence, as of a network that has lost the packets; then the end of the connection."""
        self.lost += 1
        waited = 0.0
        while waited < SILENCE_SECONDS_MAX and states:
            await asyncio.sleep(_LOOK_SECONDS)
            waited += _LOOK_SECONDS
        return self._hang_up(request)

    @staticmethod
    def _hang_up(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)
