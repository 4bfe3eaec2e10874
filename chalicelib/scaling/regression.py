"""Recursive least squares with exponential forgetting: a regression that is learned one example at a time.

P and the coefficients follow the textbook recursion (S. Haykin, Adaptive Filter Theory, "recursive least-squares
algorithm"). The state is plain lists; ``n`` features cost about 3 n^2 multiplications an example.
"""

from collections.abc import Sequence
from typing import Final

CONFIDENCE_MAX: Final = 10.0
"""Largest entry on P's diagonal: without it, features that stay silent would make P grow without bound."""


class Regression:
    """Coefficients of a linear model of ``size`` features; starts at zero, i.e. predicts nothing."""

    def __init__(self, size: int, ridge: float = 5.0) -> None:
        self.coefficients = [0.0] * size
        self.p = [[1.0 / ridge if row == column else 0.0 for column in range(size)] for row in range(size)]

    def predict(self, features: Sequence[float]) -> float:
        """The model's value at ``features``."""
        return sum(map(float.__mul__, self.coefficients, features))

    def learn(self, features: Sequence[float], value: float, keep: float) -> None:
        """One example; older ones count ``keep`` (below 1) times what they did."""
        weighted = [sum(map(float.__mul__, row, features)) for row in self.p]
        scale = keep + sum(map(float.__mul__, features, weighted))
        error = value - self.predict(features)
        gains = [entry / scale for entry in weighted]
        self.coefficients = [old + gain * error for old, gain in zip(self.coefficients, gains, strict=True)]
        self.p = [
            [(entry - gain * other) / keep for entry, other in zip(row, weighted, strict=True)]
            for row, gain in zip(self.p, gains, strict=True)
        ]
        largest = max(row[index] for index, row in enumerate(self.p))
        if largest > CONFIDENCE_MAX:
            self.p = [[entry * CONFIDENCE_MAX / largest for entry in row] for row in self.p]
