"""The hand-over between LocalStack, which has invocations, and one runtime process, which asks for them.

    LocalStack thread                     runtime process (through the Runtime API)
    wait_ready()  <---------------------- next()            first call: initialised
    invoke(i) --------------------------> next() returns i
    invoke returns the answer <---------- answer(i)
    close()  ---------------------------> next() returns None

Either side may vanish at any moment: ``close`` ends every wait, now and later.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue


@dataclass(frozen=True)
class Invocation:
    """One request for the handler; ``deadline_ms`` is Unix time in milliseconds."""

    request_id: str
    payload: bytes
    function_arn: str
    trace_id: str
    deadline_ms: int


@dataclass(frozen=True)
class Answer:
    """What the handler returned, or the runtime's error document when ``is_error``."""

    payload: bytes
    is_error: bool


class InitFailedError(Exception):
    """The runtime reported that the handler could not be loaded; ``payload`` is its error document."""

    def __init__(self, payload: bytes) -> None:
        super().__init__("the runtime reported an initialisation error")
        self.payload = payload


class ProcessEndedError(Exception):
    """The process is gone. ``taken`` says whether it had received the invocation, so whether it may have run."""

    def __init__(self, *, taken: bool) -> None:
        super().__init__("the runtime process ended")
        self.taken = taken


class Exchange:
    """State of one runtime process: starting, idle, running one invocation, or closed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: Future[None] = Future()
        self._inbox: SimpleQueue[Invocation | None] = SimpleQueue()
        self._running: tuple[str, Future[Answer]] | None = None
        self._taken = False
        self._idle = threading.Event()
        self._idle.set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the process is gone or being ended."""
        return self._closed

    @property
    def initialised(self) -> bool:
        """Whether the process has asked for an invocation at least once."""
        return self._ready.done() and self._ready.exception() is None

    def next(self, still_there: Callable[[], bool]) -> Invocation | None:
        """Block until there is an invocation; None when closed. Called by the runtime.

        ``still_there`` tells whether the process that asked still listens: it may have died while it waited, and
        what nobody received may safely run elsewhere.
        """
        with self._lock:
            if not self._ready.done():
                self._ready.set_result(None)
        invocation = self._inbox.get()
        with self._lock:
            if invocation is None or self._closed or not still_there():
                return None
            self._taken = True
        return invocation

    def answer(self, request_id: str, answer: Answer) -> bool:
        """Deliver the answer to the waiting caller; False when that request is not the running one."""
        with self._lock:
            if self._running is None or self._running[0] != request_id or self._running[1].done():
                return False
            self._running[1].set_result(answer)
        return True

    def fail_init(self, payload: bytes) -> None:
        """Record the runtime's own report that initialisation failed."""
        with self._lock:
            if not self._ready.done():
                self._ready.set_exception(InitFailedError(payload))

    def wait_ready(self, timeout_seconds: float | None = None) -> None:
        """Block until the first ``next``; raise InitFailedError, ProcessEndedError or TimeoutError."""
        self._ready.result(timeout_seconds)

    def invoke(self, invocation: Invocation, timeout_seconds: float) -> Answer:
        """Give the invocation to the process and wait; raise TimeoutError or ProcessEndedError."""
        answer: Future[Answer] = Future()
        with self._lock:
            if self._closed:
                raise ProcessEndedError(taken=False)
            self._running, self._taken = (invocation.request_id, answer), False
            self._idle.clear()
            self._inbox.put(invocation)
        try:
            return answer.result(timeout_seconds)
        finally:
            with self._lock:
                self._running = None
                self._idle.set()

    def wait_idle(self, timeout_seconds: float) -> bool:
        """Block until no invocation runs; False when one still does after the time given."""
        return self._idle.wait(timeout_seconds)

    def close(self) -> None:
        """End every wait. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if not self._ready.done():
                self._ready.set_exception(ProcessEndedError(taken=False))
            if self._running is not None and not self._running[1].done():
                self._running[1].set_exception(ProcessEndedError(taken=self._taken))
            self._inbox.put(None)
