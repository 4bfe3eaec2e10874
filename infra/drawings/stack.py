"""The picture of a region's stack: what invokes each function, what it sends to, and where dead letters end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra.drawings.deployed import Deployed, Function, deployed, spaced, told
from infra.drawings.svg import LINE, PAD, Box, Canvas, width_of
from infra.template.stage import ALIAS

_TRIGGERS, _FUNCTIONS, _QUEUES, _CONSUMERS = 24, 286, 640, 930
_WIDTHS: Final = {_TRIGGERS: 210, _FUNCTIONS: 226, _QUEUES: 180, _CONSUMERS: 226}
_WIDTH: Final = 1180
_TOP: Final = 52
_GAP: Final = 13
_SLOT: Final = 152
"""Height of a queue with its dead letters."""
_DEAD: Final = 62
"""How far below a queue its dead letters are."""
_WRAPPED: Final = 190
_FOOT: Final = 34
_API: Final = "/api/"
_NOTE: Final = (
    "Every function is invoked by its alias live. Not drawn: MongoDB, the cache and the secret, which functions use."
)
_HEADS: Final = {_TRIGGERS: "invoked by", _FUNCTIONS: "functions", _QUEUES: "queues", _CONSUMERS: "consumers"}
_TINTS: Final = ("blue", "orange", "purple", "green")
"""Of arrows to one queue, so that the eye can follow them."""


def drawing(template: Mapping[str, Any]) -> str:
    """The picture of a completed template."""
    return _Picture(deployed(template)).source()


class _Picture:
    def __init__(self, stack: Deployed) -> None:
        self._stack = stack
        self._tints = {queue.name: _TINTS[place % len(_TINTS)] for place, queue in enumerate(stack.queues)}
        self._invoked: dict[str, list[Function]] = {}
        for function in self._in_order([one for one in stack.functions if not one.queue]):
            self._invoked.setdefault(self._trigger(function), []).append(function)
        rows = sum(self._block(trigger) + _GAP for trigger in self._invoked)
        height = _TOP + max(rows, _SLOT * len(stack.queues)) + _FOOT
        self._canvas = Canvas(_WIDTH, height, "A region's stack")
        self._canvas.text(_TRIGGERS, height - 12, _NOTE)
        self._boxes: dict[str, Box] = {}

    def source(self) -> str:
        for x, head in _HEADS.items():
            self._canvas.text(x, 32, head, "title")
        self._place_queues()
        self._place_functions()
        for function in self._stack.functions:
            self._draw_sends(function)
        return self._canvas.source()

    def _in_order(self, functions: Sequence[Function]) -> list[Function]:
        """The API first, then WebSockets, then by the clock, those that send before those that don't."""

        def rank(one: Function) -> tuple[int, int, str, int, str]:
            kind = 0 if one.provisioned else 1 if one.name in self._stack.websocket else 2 if one.schedule else 3
            minutes = 60 if "cron" in one.schedule else int("".join(filter(str.isdigit, one.schedule)) or 0)
            first = min((list(self._tints).index(name) for name in one.sends if name in self._tints), default=9)
            return kind, minutes, told(one.schedule), first, one.name

        return sorted(functions, key=rank)

    @staticmethod
    def _lines(function: Function) -> list[str]:
        reaches = [*function.reaches, *(["other regions' queues"] if function.others else [])]
        lines = [spaced(function.name)]
        if function.provisioned:
            lines.append(f"alias {ALIAS}, provisioned concurrency")
        return lines + [f"→ {words}" for words in dict.fromkeys(reaches)]

    def _told(self, trigger: str) -> list[str]:
        """What a trigger's box says."""
        if not self._invoked[trigger][0].provisioned:
            return [trigger]
        below = [route.removeprefix(_API) for route in self._stack.routes if route.startswith(_API)]
        beside = [route for route in self._stack.routes if not route.startswith(_API)]
        return [trigger, *_wrapped([f"{_API}…", *below]), *_wrapped(beside)]

    def _block(self, trigger: str) -> float:
        """Height of a trigger beside the functions it invokes."""
        functions = self._invoked[trigger]
        beside = sum(_height(self._lines(one)) for one in functions) + _GAP * (len(functions) - 1)
        return max(_height(self._told(trigger)), beside)

    def _place_queues(self) -> None:
        for place, queue in enumerate(self._stack.queues):
            y, tint = _TOP + place * _SLOT + 20, self._tints[queue.name]
            box = self._canvas.box(_QUEUES, y, _WIDTHS[_QUEUES], [spaced(queue.name)], tint)
            dead = self._canvas.box(_QUEUES, y + _DEAD, _WIDTHS[_QUEUES], ["dead letters"], "red")
            self._boxes |= {queue.name: box, queue.dead_letters: dead}
            x = box.middle[0]
            self._canvas.line(f"M{x:g} {box.y + box.height:g}V{dead.y:g}", "red", dashed=True)
            self._canvas.text(
                x - 8, (box.y + box.height + dead.y) / 2 + 4, f"after {queue.attempts:,} tries", anchor="end"
            )

    def _place_functions(self) -> None:
        """One box for each way of invoking functions, beside those it invokes; consumers beside their queues."""
        y = float(_TOP)
        for trigger, functions in self._invoked.items():
            block, told_ = self._block(trigger), self._told(trigger)
            box = self._canvas.box(_TRIGGERS, y + (block - _height(told_)) / 2, _WIDTHS[_TRIGGERS], told_)
            beside = sum(_height(self._lines(one)) + _GAP for one in functions) - _GAP
            top = y + (block - beside) / 2
            for function in functions:
                placed = self._canvas.box(_FUNCTIONS, top, _WIDTHS[_FUNCTIONS], self._lines(function))
                self._boxes[function.name] = placed
                self._across(box, placed, "plain")
                top += placed.height + _GAP
            y += block + _GAP
        for function in self._stack.functions:
            if function.queue:
                queue = self._boxes[function.queue]
                box = self._canvas.box(_CONSUMERS, queue.y, _WIDTHS[_CONSUMERS], self._lines(function))
                self._boxes[function.name] = box
                self._across(queue, box, self._tints[function.queue], y=queue.middle[1])

    def _trigger(self, function: Function) -> str:
        if function.provisioned:
            return "API Gateway, REST"
        if function.name in self._stack.websocket:
            return "API Gateway, WebSocket"
        return told(function.schedule) if function.schedule else "Secrets Manager"

    def _draw_sends(self, function: Function) -> None:
        box = self._boxes[function.name]
        for name in function.sends:
            target = self._boxes[name]
            if name == function.queue:
                continue  # what is not done yet is sent once more: no other way than it came
            dead = name not in self._tints
            tint = "red" if dead else self._tints[name]
            if function.queue:
                self._back(box, target, tint, dashed=dead)
            else:
                self._across(box, target, tint)

    def _across(self, start: Box, end: Box, tint: str, y: float | None = None) -> None:
        """An arrow to the right."""
        x, top = start.x + start.width, start.middle[1] if y is None else y
        to = end.middle[1] if y is None else y
        bend = (end.x - x) / 2
        self._canvas.line(f"M{x:g} {top:g}C{x + bend:g} {top:g} {end.x - bend:g} {to:g} {end.x:g} {to:g}", tint)

    def _back(self, start: Box, end: Box, tint: str, *, dashed: bool) -> None:
        """An arrow to the left, into the lower part of a queue."""
        x, y, to = start.x, start.y + start.height - 6, end.x + end.width
        down, bend = end.y + end.height - 7, (start.x - to) / 2
        path = f"M{x:g} {y:g}C{x - bend:g} {y:g} {to + bend:g} {down:g} {to:g} {down:g}"
        self._canvas.line(path, tint, dashed=dashed)


def _height(lines: Sequence[str]) -> float:
    return len(lines) * LINE + PAD


def _wrapped(words: Sequence[str]) -> list[str]:
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer) > _WRAPPED and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
