"""The demo's workload, its verdict and its page, on runs made by hand."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infra.cli.demo import command
from infra.demo.load import Sent
from infra.demo.plot import draw
from infra.demo.report import Run, as_data, findings, page
from infra.demo.watch import Sample
from infra.demo.workload import Stretch, requests_of, stretch_of

FLASH = [2] * 200 + [40] * 30 + [2] * 200
"""A quiet trace with a flash crowd from minute 200."""
STRETCH = Stretch(first_minute=7, rates=(1.0, 1.0, 10.0, 10.0, 1.0, 1.0), step_seconds=60.0)


def test_the_stretch_begins_a_little_before_the_crowd_and_is_scaled_to_the_peak() -> None:
    stretch = stretch_of(FLASH, minutes=10, speed=8, peak_rate=20.0)
    assert (stretch.seconds, len(stretch.rates), stretch.step_seconds) == (600.0, 80, 7.5)
    assert 180 < stretch.first_minute < 200
    assert (max(stretch.rates), min(stretch.rates)) == (20.0, 1.0)
    rise = next(index for index, rate in enumerate(stretch.rates) if rate > 1) * stretch.step_seconds
    assert 0.1 < rise / stretch.seconds < 0.2
    assert (stretch.rate(rise), stretch.rate(-1.0), stretch.rate(600.0)) == (20.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("counts", "minutes", "words"), [(FLASH, 60, "the trace has 430 minutes"), ([0] * 430, 10, "no requests")]
)
def test_a_trace_that_does_not_fit(counts: Sequence[int], minutes: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        stretch_of(counts, minutes=minutes, speed=8, peak_rate=20.0)


def test_one_seed_gives_the_same_requests_of_the_wanted_rate() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    found = requests_of(STRETCH, seed=seed, players=50, weights=[4, 1])
    assert found == requests_of(STRETCH, seed=seed, players=50, weights=[4, 1])
    assert [one.at for one in found] == sorted(one.at for one in found)
    # 1,440 are expected, with a standard deviation of 38.
    assert 1200 < len(found) < 1680
    busy = [one for one in found if 120 <= one.at < 240]
    assert len(busy) > 0.7 * len(found)
    assert {one.kind for one in found} == {0, 1}
    assert {one.player for one in found} == set(range(50))


def sample(at: float, processes: int, on_demand: int = 0) -> Sample:
    return Sample(
        at=at,
        requested=processes,
        available=processes,
        provisioned_processes=processes,
        on_demand_processes=on_demand,
    )


def decision(at: float, current: int, desired: int) -> dict[str, Any]:
    action = "out" if desired > current else "in" if desired < current else "hold"
    outcome = "unchanged" if action == "hold" else "moved"
    told = {"at": at, "action": action, "current": current, "desired": desired, "reason": "a | reason"}
    return {**told, "move": {"outcome": outcome}, "line": json.dumps({"policy": "laptop"})}


RUN = Run(
    trace="flash",
    seed=1,
    speed=8.0,
    peak_rate=10.0,
    stretch=STRETCH,
    samples=[sample(0, 1), sample(100, 1), sample(200, 4, 2), sample(300, 2)],
    sent=[Sent(1.0, 0.02, 200), Sent(130.0, 0.2, 200), Sent(140.0, 0.1, 503)],
    decisions=[decision(10, 1, 1), decision(190, 1, 4), decision(280, 4, 2)],
)


def test_environments_that_rose_in_time_and_fell() -> None:
    found = findings(RUN)
    assert found["environments"] == {"first": 1, "most": 4, "last": 2}
    assert (found["load_rose_at"], found["rose_after_seconds"], found["rose_in_time"]) == (120.0, 80.0, True)
    assert (found["fell_by"], found["on_demand_most"]) == (2, 2)
    assert [(move["from"], move["to"]) for move in found["moves"]] == [(1, 4), (4, 2)]
    assert found["statuses"] == {"200": 2, "503": 1}


def test_environments_that_did_not() -> None:
    still = findings(replace(RUN, samples=[sample(0, 1), sample(300, 1)], decisions=[]))
    assert (still["rose_after_seconds"], still["rose_in_time"], still["fell_by"]) == (None, False, 0)
    late = findings(replace(RUN, samples=[sample(0, 1), sample(241, 3)]))
    assert (late["rose_in_time"], late["fell_by"]) == (False, 0)


def test_the_page_names_the_moves_and_the_rules_and_the_data_is_json(tmp_path: Path) -> None:
    found = findings(RUN)
    text = page(RUN, found, "demo.png")
    assert "| 190 | 1 → 4 | a \\| reason |" in text
    assert "4 requests/s for each environment instead of 100" in text
    assert "environments rose 80 s after it" in text
    assert "instead of" not in page(replace(RUN, decisions=[]), found, "demo.png")
    assert len(json.loads(json.dumps(as_data(RUN, found)))["samples"]) == 4
    draw(RUN, tmp_path / "demo.png")
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_wrong_usage(tmp_path: Path) -> None:
    trace = tmp_path / "short.csv"
    trace.write_text("minute,requests\n0,5\n1,6\n")
    done = CliRunner().invoke(command, ["--trace", str(trace)])
    assert done.exit_code == 2
    assert "the trace has 2 minutes" in done.output
    assert CliRunner().invoke(command, ["--trace", str(tmp_path / "none.csv")]).exit_code == 2
