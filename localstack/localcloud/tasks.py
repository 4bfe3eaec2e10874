"""Work beside the main thread, which meanwhile keeps an eye on the servers."""

import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")
_LOOK_SECONDS = 0.1


class Task(Generic[T]):
    """A function running in a thread that does not keep the process alive when the work is given up."""

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._outcome: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome = self._work()
        except BaseException as error:  # noqa: BLE001 (raised again by result)
            self._error = error

    def done(self, seconds: float) -> bool:
        """Waits up to ``seconds``; whether it has ended, well or not."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self, check: Callable[[], None]) -> T:
        """Waits for the end and returns what the work returned, or raises what it raised.

        ``check`` is called again and again meanwhile; what it raises ends the wait.
        """
        while not self.done(_LOOK_SECONDS):
            check()
        if self._error is not None:
            raise self._error
        return self._outcome  # type: ignore[return-value]  # set whenever no error is


def run_all(work: Mapping[str, Callable[[], T]], check: Callable[[], None]) -> dict[str, T]:
    """Runs everything side by side; raises the first failure as soon as it is seen, or what ``check`` raises."""
    tasks = {name: Task(function, name) for name, function in work.items()}
    pending = list(tasks.values())
    while pending:
        check()
        for task in [task for task in pending if task.done(_LOOK_SECONDS / len(pending))]:
            task.result(check)
            pending.remove(task)
    return {name: task.result(check) for name, task in tasks.items()}
