"""What the rules look at, and what they say."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from infra.chaos.history import DONE, Operation, Takeover
from infra.chaos.rules import MODES, WAR
from infra.chaos.schedule import Fault

Document = Mapping[str, Any]
BATTLES: Final = frozenset({"battle", "queued"})
PAID: Final = frozenset({"train", "repair", "upgrade", "combine"})
MODES_BY_KEY: Final = {mode.key: mode for mode in (*MODES, WAR)}


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One thing that must not be. ``rule`` is one of ``verdict.RULES``' names for it."""

    rule: str
    region: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {f'{self.region}: ' if self.region else ''}{self.what}"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in a dead-letter queue."""

    region: str
    queue: str
    reason: str
    attempts: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What there is in the end. Ids are text, moments are datetimes."""

    regions: Mapping[str, Mapping[str, Sequence[Document]]]
    """By region and collection."""
    members: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    """By region, member and collection: a digest of all documents."""
    letters: Sequence[Letter] = ()
    before: frozenset[str] = frozenset()
    """requestIds of what was there when the run began."""

    def read(self, region: str, collection: str) -> Sequence[Document]:
        return self.regions[region].get(collection, ())


@dataclass(frozen=True)
class Case:
    """A run: what was asked and told, what is there, and what was done to it.

    ``homes``: by player, the region that decides for them. ``arena_cap``: AIBA a day in ``rules.CAPPED_ARENA``.
    """

    operations: Sequence[Operation]
    state: State
    homes: Mapping[str, str]
    arena_cap: int
    faults: Sequence[Fault] = ()
    takeovers: Sequence[Takeover] = ()

    @cached_property
    def asked(self) -> dict[str, Operation]:
        return {operation.id: operation for operation in self.operations}

    @cached_property
    def acknowledged(self) -> list[Operation]:
        return [operation for operation in self.operations if operation.outcome == DONE]

    def home(self, player: str) -> str:
        return self.homes.get(player, next(iter(self.state.regions)))

    def deciders(self, player: str) -> tuple[str, ...]:
        """Who decided for the player at some time of the run: the home, and who took over from it."""
        home = self.home(player)
        return (home, *(one.by for one in self.takeovers if one.of == home))

    @cached_property
    def regions(self) -> tuple[str, ...]:
        return tuple(self.state.regions)

    def ours(self, region: str, collection: str) -> Iterator[Document]:
        """Documents of the run's own players."""
        for document in self.state.read(region, collection):
            if document.get("ownerTelegramId", document.get("telegramId")) in self.homes:
                yield document

    @cached_property
    def battles(self) -> dict[str, dict[str, list[Document]]]:
        """By region and requestId."""
        return {region: grouped(self.state.read(region, "battles"), "requestId") for region in self.regions}

    @cached_property
    def rows(self) -> dict[str, dict[str, list[Document]]]:
        """The ledger's, by region and the requestId they come of."""
        return {region: grouped(self.state.read(region, "ledgerentries"), "sourceId") for region in self.regions}


def grouped(documents: Sequence[Document], name: str) -> dict[str, list[Document]]:
    found: defaultdict[str, list[Document]] = defaultdict(list)
    for document in documents:
        found[str(document.get(name))].append(document)
    return dict(found)


def moment(document: Document) -> datetime:
    found: datetime = document["createdAt"]
    return found
