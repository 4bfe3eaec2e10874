"""What operators do about a region that fails: over, and back once it is well; again where a command fails."""

from collections.abc import Iterator

from infra.chaos.history import Takeover
from infra.chaos.takeover import NOTICE_SECONDS, NotTakenOver, TakingOver
from tests.redis_doors import eventually

HOME, OTHER = "us-east-1", "eu-west-1"


class Arena:
    """Says what ``./arena`` would, and what time it is: a second later whenever somebody looks."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.asked: list[tuple[str, ...]] = []
        self.told: list[str] = []
        self.stand_ins: dict[str, str] = {}
        self._seconds: Iterator[int] = iter(range(100))

    def run(self, *arguments: str) -> str:
        self.asked.append(arguments)
        if self._failures:
            raise self._failures.pop(0)
        return f"{OTHER if '--from' in arguments else HOME} serves the players of {HOME}\nevents it lacked: none"

    def now(self) -> float:
        return float(next(self._seconds))

    def taking(self) -> TakingOver:
        return TakingOver(HOME, self.run, self.now, self.told.append, self.stand_ins, held=0.0)


def test_over_and_back() -> None:
    arena = Arena()
    taking = arena.taking()
    taking.start()
    eventually("somebody else serves", lambda: taking.takeover is not None, seconds=60 + NOTICE_SECONDS)
    assert arena.stand_ins == {HOME: OTHER}
    assert arena.asked == [("failover", "--from", HOME, "--yes")]
    taking.well()
    taking.join()
    assert arena.asked[1:] == [("failover", "--return", HOME, "--yes")]
    assert (taking.takeover, taking.fault) == (Takeover(HOME, OTHER, 0.0, 1.0, 2.0, 3.0), None)
    assert arena.stand_ins == {}


def test_a_command_that_fails_is_given_again() -> None:
    arena = Arena(NotTakenOver("Error: refused:\n  - eu-west-1 does not answer"))
    taking = arena.taking()
    taking.well()
    taking.start()
    taking.join()
    assert [arguments[1] for arguments in arena.asked] == ["--from", "--from", "--return"]
    assert "eu-west-1 does not answer" in arena.told[0]


def test_what_goes_wrong_is_there_for_who_waits() -> None:
    taking = Arena(OSError("no such command")).taking()
    taking.well()
    taking.start()
    taking.join()
    assert (str(taking.fault), taking.takeover) == ("no such command", None)
