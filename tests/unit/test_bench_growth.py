"""The exponents of the growth benchmark."""

import pytest

from bench.growth import exponent


@pytest.mark.parametrize(
    ("milliseconds", "slope"),
    [
        ({1: 2.0, 10: 2.0, 100: 2.0}, 0.0),
        ({1: 2.0, 10: 20.0, 100: 200.0}, 1.0),
        ({1: 1.0, 100: 10.0}, 0.5),
        ({1: 8.0, 10: 4.0, 100: 2.0}, -0.30103),
    ],
)
def test_the_exponent_is_the_slope_of_the_logarithms(milliseconds: dict[int, float], slope: float) -> None:
    assert exponent(milliseconds) == pytest.approx(slope, abs=1e-5)
