"""Reading a rule set's data: every problem is collected, each with its key, what was found and what to write."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class RuleSetError(Exception):
    """The data is no rule set; ``problems`` lists every reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("invalid rule set:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = tuple(problems)


class Section:
    """One object of the data. Problems go into a list that all sections share.

    A value that can't be used is replaced by its default or lowest allowed value, so that reading goes on.
    """

    def __init__(self, data: Any, path: str, problems: list[str]) -> None:
        self._path = path
        self._problems = problems
        self._read: set[str] = set()
        self._data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        if not isinstance(data, Mapping):
            self._problems.append(f"{path or 'rule set'}: {data!r}; write an object")

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def problem(self, key: str, found: Any, fix: str) -> None:
        """Notes that ``key`` holds ``found`` and how to put it right."""
        self._problems.append(f"{self._name(key)}: {found}; {fix}")

    def number(
        self, key: str, low: float, high: float, default: float | None = None, *, exclusive: bool = False
    ) -> float:
        """A finite number within ``low`` and ``high`` (strictly, if ``exclusive``)."""
        value = self._take(key, default)
        bounds = f"a number above {low:g} and below {high:g}" if exclusive else f"a number from {low:g} to {high:g}"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.problem(key, self._found(key), bounds)
            return low
        if not (low < value < high if exclusive else low <= value <= high):
            self.problem(key, repr(value), bounds)
            return low
        return float(value)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within ``low`` and ``high``."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(key, self._found(key), f"a whole number from {low} to {high}")
            return low
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of ``allowed``."""
        value = self._take(key, default)
        if value not in allowed:
            self.problem(key, self._found(key), f"one of: {', '.join(allowed)}")
            return allowed[0]
        return str(value)

    def text(self, key: str) -> str:
        """A text that isn't empty."""
        value = self._take(key, None)
        if not isinstance(value, str) or not value.strip():
            self.problem(key, self._found(key), "a name that isn't empty")
            return ""
        return value

    def section(self, key: str) -> "Section":
        """A nested object; an absent one reads as empty."""
        return Section(self._take(key, {}), self._name(key), self._problems)

    def sections(self, key: str) -> Iterator["Section"]:
        """A list of objects; an absent one reads as empty."""
        value = self._take(key, [])
        if not isinstance(value, list | tuple):
            self.problem(key, repr(value), "a list of objects")
            return
        for position, item in enumerate(value):
            yield Section(item, f"{self._name(key)}[{position}]", self._problems)

    def end(self) -> None:
        """Call when all has been read: what is left over is unknown."""
        for key in sorted(set(self._data) - self._read, key=str):
            self.problem(str(key), "unknown key", f"known: {', '.join(sorted(self._read))}")

    def _take(self, key: str, default: Any) -> Any:
        self._read.add(key)
        return self._data.get(key, default)

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _found(self, key: str) -> str:
        return repr(self._data[key]) if key in self._data else "not set"
