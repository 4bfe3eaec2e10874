"""Judging keys, and telling the verdicts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.data.sharding import SHARDED, Sharded, ShardKey, document
from infra.sharding.analysis import Figures
from infra.sharding.measure import SAMPLE_MAX, Progress, measured, server_figures
from infra.sharding.shapes import ROUTES
from infra.sharding.shell import shown

Whose = Literal["ours", "guide", "considered", "asked"]

_HEAD = (
    *("collection", "key", "whose", "shards", "values", "top value", "monotonic", "documents", "inserts", "hottest"),
    *("one/some/all", "verdict"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A key with its figures and the verdict."""

    whose: Whose
    figures: Figures
    server: Any = None
    """What the server's own analyzeShardKey says, where it has one."""

    @property
    def refusals(self) -> list[str]:
        return self.figures.refusals()

    def data(self) -> Document:
        """For --json."""
        figures = {**asdict(self.figures), "key": document(self.figures.key), "frequency": self.figures.frequency}
        return {"whose": self.whose, **figures, "refusals": self.refusals, "server": self.server}


def judged(
    database: Database[Document],
    *,
    boards: Sequence[str],
    asked: Mapping[str, Sequence[ShardKey]] | None = None,
    sample: int = SAMPLE_MAX,
    progress: Progress = lambda _what, _done, _of: None,
) -> list[Judged]:
    """The keys ``asked`` for by collection; by default the arena's, the guide's and those that were considered.

    Raises ``NothingToMeasure`` and the driver's errors.
    """
    found = []
    for one in SHARDED:
        whose = _known(one) if asked is None else dict.fromkeys(asked.get(one.collection, ()), "asked")
        if whose:
            all_figures = measured(database, one, list(whose), boards=boards, sample=sample, progress=progress)
            found += [
                Judged(
                    whose=whose[figures.key],  # type: ignore[arg-type]  # one of Whose
                    figures=figures,
                    server=server_figures(database, one.collection, figures.key),
                )
                for figures in all_figures
            ]
    return found


def _known(one: Sharded) -> dict[ShardKey, str]:
    return {**dict.fromkeys(one.considered, "considered"), one.guide_key: "guide", one.key: "ours"}


def table(found: Sequence[Judged]) -> Iterator[str]:
    """Markdown."""
    yield f"| {' | '.join(_HEAD)} |"
    yield "|" + "---|" * len(_HEAD)
    for one in sorted(found, key=lambda one: (one.figures.collection, -len(one.whose))):
        yield f"| {' | '.join(_cells(one))} |"


def json_of(found: Sequence[Judged]) -> str:
    """Dates and ids as text."""
    return json.dumps([one.data() for one in found], indent=2, default=str)


def _cells(one: Judged) -> Iterator[str]:
    figures = one.figures
    yield figures.collection
    yield f"`{shown(document(figures.key))}`"
    yield one.whose
    yield str(figures.shards)
    yield f"{figures.counted.distinct:,}"
    yield f"{figures.frequency:.3%}"
    yield f"{figures.monotonicity:.2f}"
    yield f"{figures.document_skew:.2f}"
    yield f"{figures.insert_skew:.2f}"
    yield f"{figures.hot_inserts:.0%}"
    yield "–" if figures.routed is None else "/".join(f"{100 * figures.routed[where]:.0f}" for where in ROUTES) + " %"
    yield f"refused: {'; '.join(one.refusals)}" if one.refusals else "accepted"
