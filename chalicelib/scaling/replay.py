"""Decisions made again from their log: the same ones, or those another configuration would have made."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.scaling.decision_log import VERSION, decision_record, read_observation, record_line
from chalicelib.scaling.model import Observation, Policy
from chalicelib.scaling.policies import build_policy

Build = Callable[[str, Mapping[str, Any]], Policy]

_KEYS: Final = ("policy", "configuration", "state", "observation", "decision", "state_after")


class IllegibleRecord(Exception):
    """A line is no decision record."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that came out otherwise than recorded."""

    line: int
    """In the log, from 1."""
    at: float
    """When it was decided, seconds since the epoch."""
    parts: tuple[str, ...]
    """The record's keys that differ; ``form`` when they don't: keys too many, or JSON that isn't canonical."""
    recorded: int
    """Environments decided then."""
    replayed: int
    """Environments decided now."""
    recorded_reason: str
    replayed_reason: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A log made again."""

    decisions: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    text: str
    data: Mapping[str, Any]
    observation: Observation


def replay(lines: Iterable[str], build: Build = build_policy) -> Replay:
    """Makes every decision again from its recorded configuration, state and observation, and compares the lines byte
    for byte. Raises ``IllegibleRecord``, or what ``build`` raises for a configuration that isn't valid any more."""
    decisions, differences = 0, []
    for record in _records(lines):
        policy = build(record.data["policy"], record.data["configuration"])
        again = _again(record, policy)
        decisions += 1
        if again != record.text:
            differences.append(_difference(record, again, ("digest", "decision", "state_after")))
    return Replay(decisions, tuple(differences))


def what_if(lines: Iterable[str], policy: Policy) -> Replay:
    """What ``policy`` would have decided each time, given what was seen and what had happened until then.

    Each decision stands alone, with the recorded past: what would have followed from a different decision is a
    matter for a simulation. Raises ``IllegibleRecord``.
    """
    decisions, differences = 0, []
    for record in _records(lines):
        difference = _difference(record, _again(record, policy), ("decision",))
        decisions += 1
        if difference.replayed != difference.recorded:
            differences.append(difference)
    return Replay(decisions, tuple(differences))


def _again(record: _Record, policy: Policy) -> str:
    before = record.data["state"]
    decision, after = policy.decide(before, record.observation, record.data["decision"]["at"])
    return record_line(decision_record(policy, before, record.observation, decision, after))


def _records(lines: Iterable[str]) -> Iterator[_Record]:
    for number, raw in enumerate(lines, 1):
        text = raw.rstrip("\n")
        if not text.strip():
            continue
        try:
            data = json.loads(text)
            if data["version"] != VERSION:
                raise ValueError(f"version {data['version']!r}, readable is {VERSION}")
            missing = [key for key in _KEYS if key not in data]
            if missing:
                raise ValueError(f"no {', '.join(missing)}")
            yield _Record(number, text, data, read_observation(data["observation"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IllegibleRecord(f"line {number} is no decision record: {error!r}") from error


def _difference(record: _Record, line: str, compared: tuple[str, ...]) -> Difference:
    again = json.loads(line)
    parts = tuple(key for key in compared if record.data.get(key) != again[key])
    return Difference(
        line=record.line,
        at=record.data["decision"]["at"],
        parts=parts or ("form",),
        recorded=record.data["decision"]["desired"],
        replayed=again["decision"]["desired"],
        recorded_reason=record.data["decision"]["reason"],
        replayed_reason=again["decision"]["reason"],
    )
