"""The readers of what strangers send, for seconds; ``make fuzz`` does the same for minutes, led by coverage."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, Target

EXAMPLES = 60
EXTREMES = (b"[" * 100_000, b'{"a":' * 50_000, b"9" * 70_000, b"\xff" * 1000, b'{"a":' + b"9" * 5000 + b"}")
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["$gt", "a.b", "users", "collection", "key", "set", "$date", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def changed(draw: st.DrawFn, sample: bytes) -> bytes:
    """``sample`` with a few parts left out, put in, or repeated elsewhere."""
    data = sample
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 12)))
        put = draw(
            st.binary(max_size=6) | st.sampled_from([b"%0A", b"=", b"&", b"\n", b'"', b"\\ud800", b"1e400", b","])
        )
        data = data[:begin] + put + data[end:]
    return data


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    told = JSON.map(lambda value: json.dumps(value).encode())
    return st.one_of(st.binary(max_size=300), told, *map(changed, target.samples), *map(st.just, target.samples))


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_refusals(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(inputs(target))
    def check(data: bytes) -> None:
        target.check(data)

    check()


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"a":' * 50_000, b"9" * 70_000, b"\xff" * 1000, b'{"a":' + b"9" * 5000]
)
@pytest.mark.parametrize("name", TARGETS)
def test_extremes_are_refused_as_well(name: str, data: bytes) -> None:
    TARGETS[name].check(data)
