"""Which methods must be explained, found by looking; and how each is driven, as its area says.

An area adds a file ``scenarios_<area>.py`` here. In it, for each public method of its adapters::

    @covers(MongoThings.of_player)
    def _(town: Town, of_player: Callable[..., Any]) -> None:
        of_player("777", 50)

A scenario calls the method with whatever makes it send another shape of query, on a ``Town`` with thousands of
documents of every kind. An adapter whose constructor takes a session is built inside a transaction.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chalicelib.data
from tests.integration.explained.plans import Fault, Kind
from tests.integration.explained.town import Town

HANDS_ON: dict[str, str] = {
    "Operations": "the door itself: what passes through it is what is explained",
    "Pools": "clients, no queries",
    "Transactions": "begins and ends transactions",
}
"""Classes of ``chalicelib.data`` that ask nothing of a collection by themselves, and why."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """How one method is driven, and what is known to cost more than it returns."""

    method: str
    drive: Callable[[Town, Callable[..., Any]], object]
    silent: str
    """Why the method sends no command; empty when it must send some."""
    reads_on: str
    """Why it may read more than it returns; empty when it may not."""
    sorts: str
    """Why it may sort many documents in memory; empty when it may not."""

    def permits(self, fault: Fault) -> bool:
        return bool({Kind.READ: self.reads_on, Kind.SORT: self.sorts}.get(fault.kind))


SCENARIOS: dict[str, Scenario] = {}


def covers(
    method: Callable[..., Any], *, silent: str = "", reads_on: str = "", sorts: str = ""
) -> Callable[[Callable[[Town, Callable[..., Any]], object]], None]:
    """Registers the decorated function as the scenario of ``method``."""
    name = method.__qualname__

    def register(drive: Callable[[Town, Callable[..., Any]], object]) -> None:
        assert name not in SCENARIOS, f"{name} has two scenarios"
        SCENARIOS[name] = Scenario(name, drive, silent, reads_on, sorts)

    return register


def adapters() -> dict[str, type]:
    """Every class of ``chalicelib.data`` through which a service reaches MongoDB, by name."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(chalicelib.data.__path__, "chalicelib.data."):
        for name, thing in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(thing) and thing.__module__ == module.name and name not in HANDS_ON and _reaches(thing):
                found[name] = thing
    return found


def _reaches(thing: type) -> bool:
    return any("Operations" in str(kind) or "Store" in str(kind) for kind in _parts(thing, named=True).values())


def _parts(thing: type, *, named: bool = False) -> dict[str, Any]:
    """What a class is made of; ``named`` where names do, as some are only known to the type checker."""
    constructor = next(vars(base)["__init__"] for base in thing.__mro__ if "__init__" in vars(base))
    hints = inspect.get_annotations(constructor, eval_str=not named)
    required = inspect.signature(constructor).parameters.values()
    return {p.name: hints.get(p.name) for p in required if p.name != "self" and p.default is inspect.Parameter.empty}


def methods() -> Iterator[str]:
    """The public methods of every adapter; one that several inherit is the one's they have it from."""
    known = adapters()
    for name, thing in sorted(known.items()):
        inherited = {member for base in thing.__mro__[1:] if base.__name__ in known for member in vars(base)}
        for member, _ in inspect.getmembers(thing, inspect.isfunction):
            if not member.startswith("_") and member not in inherited:
                yield f"{name}.{member}"


def part_types(name: str) -> dict[str, Any]:
    """What the adapter's constructor must be given, by parameter."""
    return _parts(adapters()[name])


def load_scenarios() -> None:
    """Imports every area's file."""
    for path in sorted(Path(__file__).parent.glob("scenarios_*.py")):
        importlib.import_module(f"tests.integration.explained.{path.stem}")
