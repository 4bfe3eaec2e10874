"""The path of a battle: what one request asks of the database, the cache and queues, as it was recorded.

``battle.json`` is the recording. ``tests/integration/test_battle_drawing.py`` fights a battle on real servers and
compares; with ``ARENA_REWRITE_GOLDEN`` set it writes the recording anew.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from infra.drawings.svg import LINE, Canvas, width_of

RECORDING: Final = Path(__file__).with_name("battle.json")
_LANES: Final = {"client": 90, "API function": 290, "MongoDB": 660, "Redis": 860, "SQS": 990}
_TINTS: Final = {"MongoDB": "green", "Redis": "orange", "SQS": "purple"}
_WIDTH: Final = 1060
_TOP: Final = 62
_STEP: Final = 30
_LABEL: Final = 350
_MEANING: Final = {
    "find regions": "who serves this player now",
    "findAndModify users": "sign-in: the player",
    "update brokers": "if it is still as decided on",
    "insert battles": "unique requestId",
    "update users": "balances, standings, streaks",
    "update economydays": "a stripe of the day",
    "insert ledgerentries": "unique keys",
    "insert outbox": "what other regions are told",
    "commitTransaction": "majority, journaled",
    "script gcra": "rate limits",
    "script claim_push": "is the board followed?",
    "script raise_values": "leaderboards",
    "SET cache": "fought a moment ago",
    "outbox queue": "there is something to publish",
}
"""What a step is for, beside what it is."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something asked of ``to``; ``transaction`` says whether within the battle's transaction."""

    to: str
    what: str
    transaction: bool = False


def told(steps: Sequence[Step]) -> str:
    """``steps`` as the recording has them."""
    return json.dumps([asdict(step) for step in steps], indent=1) + "\n"


def recorded() -> list[Step]:
    """The recording."""
    return [Step(**row) for row in json.loads(RECORDING.read_text(encoding="utf-8"))]


def drawing(steps: Iterable[Step]) -> str:
    """The picture; equal steps that follow one another are one, with their number."""
    rows = [(step, len(list(same))) for step, same in groupby(steps)]
    return _Sequence(rows).source()


class _Sequence:
    def __init__(self, rows: Sequence[tuple[Step, int]]) -> None:
        self._rows = rows
        lines = sum(len(_label(step, times)) - 1 for step, times in rows)
        self._height = _TOP + (len(rows) + 5) * _STEP + lines * LINE
        self._canvas = Canvas(_WIDTH, self._height, "The path of a battle")
        self._y = float(_TOP)

    def source(self) -> str:
        for lane, x in _LANES.items():
            tint = _TINTS.get(lane, "blue")
            self._canvas.line(f"M{x} 40V{self._height - 20:g}", "plain", head=False, dashed=True)
            self._canvas.box(x - 55, 16, 110, [lane], tint)
        self._arrow("client", "API function", ["POST /api/battle/run"], "blue")
        within = False
        for step, times in self._rows:
            if step.transaction != within:
                self._border(begins=step.transaction)
                within = step.transaction
            self._arrow("API function", step.to, _label(step, times), _TINTS[step.to])
            if step.transaction and step.what.startswith("aggregate"):
                self._note("decide: a function of what was read, the request and the time")
        if within:
            self._border(begins=False)
        self._arrow("API function", "client", ["200, the battle"], "blue")
        return self._canvas.source()

    def _arrow(self, start: str, end: str, lines: Sequence[str], tint: str) -> None:
        self._y += _STEP + LINE * (len(lines) - 1)
        left, right = _LANES[start], _LANES[end]
        self._canvas.line(f"M{left} {self._y:g}H{right}", tint)
        at = min(left, right) + 10
        for number, line in enumerate(reversed(lines)):
            self._canvas.text(at, self._y - 5 - LINE * number, line)

    def _note(self, text: str) -> None:
        self._y += _STEP
        width = width_of(text) + 16
        self._canvas.box(_LANES["API function"] - 20, self._y - 18, width, [text], "plain")

    def _border(self, *, begins: bool) -> None:
        """Where the transaction begins or ends, and what that means."""
        self._y += _STEP / 2
        trips = sum(times for step, times in self._rows if step.transaction)
        lines = (
            ["one transaction:", f"{trips} round trips"] if begins else ["committed; what follows", "is best effort"]
        )
        x = _LANES["API function"] - 12
        self._canvas.line(f"M{_LANES['client'] + 20} {self._y:g}H{_LANES['MongoDB'] + 60}", "green", head=False)
        for number, line in enumerate(lines):
            self._canvas.text(x, self._y + LINE * (number + 1), line, anchor="end")


def _label(step: Step, times: int) -> list[str]:
    """What is written on an arrow: what, how often, what for."""
    what = f"{step.what} x {times}" if times > 1 else step.what
    meaning = _MEANING.get(step.what)
    text = f"{what} · {meaning}" if meaning else what
    lines, words = [""], text.split(" ")
    for word in words:
        if lines[-1] and width_of(f"{lines[-1]} {word}") > _LABEL:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
