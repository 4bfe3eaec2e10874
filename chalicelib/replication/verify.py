"""Compares regions and heals what differs.

Looks at everything once (``ranges``), waits for what is under way, looks at what differed again, decides (``repair``),
and carries it out region by region. Players' money is settled before anything is changed: what a deleted row had paid
is still in the balance, what a lost event would have paid is not.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from chalicelib.arena.ports import Document
from chalicelib.clock import Clock
from chalicelib.errors import Conflict
from chalicelib.replication.concerns import name_of, payees, scored, with_offsets
from chalicelib.replication.content import BALANCES, BOSSES, Key, Place, Row, normal, offsets_of, rows_of
from chalicelib.replication.ranges import SEGMENT, Cost, ScannedRegion, compare
from chalicelib.replication.repair import Blocked, Decision, Repair, decide_document
from chalicelib.replication.repair_facts import decide_boss, decide_facts, decide_offsets
from chalicelib.replication.rules import DOCUMENTS, FACTS
from chalicelib.replication.under_way import under_way
from chalicelib.replication.verify_ports import RegionBooks
from chalicelib.replication.verify_report import Position, Report

COMPARED: Final = (*DOCUMENTS, *FACTS, BALANCES, BOSSES)
"""In the order they are looked at, and repaired: players before what pays them."""
GRACE: Final = timedelta(seconds=5)
"""What changes within it was under way."""
LOOK_BACK: Final = timedelta(hours=1)
"""Events sent since then and not applied are under way; older ones lie with the dead letters, or are lost."""
EXPIRY_MARGIN: Final = timedelta(hours=1)
SUSPECTS_MAX: Final = 20_000
"""Differing documents of one run. Where more differ a region is empty or another's: for a backup, not for repair."""
BATCH: Final = 200

T = TypeVar("T")
Progress = Callable[[str, int], None]
"""Told what is done, and of how many documents more."""
Suspects = dict[str, list[Key]]


class Verifier:
    """``books``: of each region, in the order of their priority."""

    def __init__(
        self,
        books: Sequence[RegionBooks],
        clock: Clock,
        wait: Callable[[timedelta], None],
        *,
        suspects_max: int = SUSPECTS_MAX,
    ) -> None:
        self._books = {one.region: one for one in books}
        self._suspects_max = suspects_max
        self._clock = clock
        self._wait = wait

    def run(
        self,
        *,
        repair: bool,
        first: Position | None = None,
        segments_max: int | None = None,
        segment: int = SEGMENT,
        grace: timedelta = GRACE,
        progress: Progress = lambda _what, _more: None,
    ) -> Report:
        """Looks at everything, or from ``first`` on at ``segments_max`` ranges. Raises ``Unavailable`` and
        ``TooMuchUnderWay``."""
        report = Report(tuple(self._books), is_repair=repair)
        suspects = self._scan(report, first or Position(COMPARED[0]), segments_max, segment, progress)
        if report.truncated:
            return report
        standings = self._audit(report, progress) if report.stopped_at is None else {}
        if any(suspects.values()) or any(standings.values()):
            self._wait(grace)
            self._look_again(report, suspects, standings)
        if repair and report.differences:
            self._repair(report, suspects, standings, progress)
        return report

    def _scan(
        self, report: Report, position: Position, segments_max: int | None, segment: int, progress: Progress
    ) -> Suspects:
        suspects: Suspects = {name: [] for name in COMPARED}
        left = segments_max
        now = self._clock() + EXPIRY_MARGIN
        for collection in COMPARED[COMPARED.index(position.collection) :]:
            cost = report.costs.setdefault(collection, Cost())
            readers = [
                ScannedRegion(name, partial(_page, books, cost, now), segment) for name, books in self._books.items()
            ]
            after = position.after if collection == position.collection else None
            read = 0
            for compared in compare(readers, collection, cost, after=after, segment=segment):
                progress(collection, cost.documents - read)
                read = cost.documents
                suspects[collection] += compared.differing
                if sum(map(len, suspects.values())) > self._suspects_max:
                    report.truncated = True
                    return suspects
                left = None if left is None else left - 1
                if left == 0:
                    report.stopped_at = _next(collection, compared.range.upto)
                    return suspects
        return suspects

    def _audit(self, report: Report, progress: Progress) -> dict[str, list[str]]:
        """By region, players whose standings are not the sums of their battles."""
        wrong: dict[str, list[str]] = {region: [] for region in self._books}
        for region, books in self._books.items():
            after = ""
            while True:
                looked, found = books.wrong_standings(after)
                if not looked:
                    break
                wrong[region] += found
                report.players_audited += len(looked)
                progress("standings", len(looked))
                after = looked[-1]
        return wrong

    def _look_again(self, report: Report, suspects: Suspects, standings: dict[str, list[str]]) -> None:
        """Decides on what differs still and is not under way."""
        flying = self._under_way() if any(suspects.values()) else set()
        for collection, keys in suspects.items():
            landed = [key for key in keys if (collection, key) not in flying]
            report.under_way += len(keys) - len(landed)
            suspects[collection] = landed
        for decision in self._decisions(report, suspects):
            if isinstance(decision, Blocked):
                report.blocked.append(decision)
            else:
                report.differences.append(decision)
        for region, players in standings.items():
            standings[region] = self._books[region].standings_of(players)
        agreed = self._agreed_standings(standings)
        for region, players in standings.items():
            standings[region] = [player for player in players if player not in agreed]
            report.differences += [
                Repair(
                    region=region,
                    collection="users",
                    key=(player,),
                    action="standings",
                    why="not the sums of the battles",
                )
                for player in standings[region]
            ]

    def _agreed_standings(self, wrong: dict[str, list[str]]) -> set[str]:
        """Players whose standings are not the sums of their battles, and yet the same everywhere: since the length of
        seasons was changed, or as the running game left them. For ``./arena leaderboard recompute`` to judge."""
        agreed: set[str] = set()
        everywhere = sorted(set.intersection(*map(set, wrong.values()))) if wrong else []
        for batch in _batches(everywhere, BATCH):
            held: dict[str, set[str]] = {}
            for books in self._books.values():
                for user in books.named("users", [(player,) for player in batch]):
                    standings = normal([user.get("totals"), user.get("seasons")])
                    held.setdefault(user["telegramId"], set()).add(repr(standings))
            agreed |= {player for player, contents in held.items() if len(contents) == 1}
        return agreed

    def _under_way(self) -> set[tuple[str, Key]]:
        found = set()
        for source, books in self._books.items():
            others = [name for name in self._books if name != source]
            tellings = books.told(self._clock() - LOOK_BACK, others)
            ids = [telling.event_id for telling in tellings]
            applied = {name: self._books[name].applied(ids) if ids else set() for name in others}
            found |= under_way(tellings, others, applied)
        return found

    def _decisions(self, report: Report, suspects: Suspects) -> list[Decision]:
        found: dict[tuple[Any, ...], Decision] = {}
        for collection in (*DOCUMENTS, *FACTS):
            cost = report.costs.setdefault(collection, Cost())
            for keys in _batches(suspects[collection], BATCH):
                for decision in self._decided(collection, keys, cost):
                    found[name_of(decision)] = decision
        settled = list(found.values())
        offsets = self._offsets([*payees(settled), *(str(key[0]) for key in suspects[BALANCES])])
        decisions = [with_offsets(one, offsets) for one in settled]
        decisions += self._balances([str(key[0]) for key in suspects[BALANCES]], offsets)
        return decisions + self._bosses([key[0] for key in suspects[BOSSES]])

    def _decided(self, collection: str, keys: Sequence[Key], cost: Cost) -> Iterator[Decision]:
        now = self._clock()
        whole = {region: books.named(collection, keys) for region, books in self._books.items()}
        if collection in FACTS:
            ids = list({document["_id"] for documents in whole.values() for document in documents})
            for region, books in self._books.items():
                # Known again by _id where a hand has changed what names it.
                whole[region] = [
                    *{one["_id"]: one for one in (*whole[region], *books.identified(collection, ids))}.values()
                ]
            cost.whole += sum(map(len, whole.values()))
            yield from decide_facts(collection, whole, now)
            return
        cost.whole += sum(map(len, whole.values()))
        rule = DOCUMENTS[collection]
        by_key = {region: {one[rule.key]: one for one in documents} for region, documents in whole.items()}
        for key in keys:
            found = {region: documents.get(key[0]) for region, documents in by_key.items()}
            yield from decide_document(collection, key, found, now, self._new_ids())

    def _new_ids(self) -> Iterator[Any]:
        books = next(iter(self._books.values()))
        while True:
            yield books.new_id()

    def _offsets(self, players: Sequence[str]) -> dict[str, dict[str, int]]:
        """By player, what balances are beyond their ledgers, by what regions hold before anything is healed."""
        agreed = {}
        for batch in _batches(list(dict.fromkeys(players)), BATCH):
            money = {region: books.money(batch) for region, books in self._books.items()}
            for player in batch:
                agreed[player] = decide_offsets({region: found.get(player) for region, found in money.items()})
        return agreed

    def _balances(self, players: Sequence[str], agreed: dict[str, dict[str, int]]) -> Iterator[Repair]:
        for batch in _batches(players, BATCH):
            money = {region: books.money(batch) for region, books in self._books.items()}
            for player in batch:
                for region, found in money.items():
                    held = found.get(player)
                    if held is None or held["balances"] is None:
                        continue
                    offsets = offsets_of(held)
                    wrong = tuple(name for name, offset in agreed[player].items() if offsets[name] != offset)
                    if wrong:
                        yield Repair(
                            region=region,
                            collection="users",
                            key=(player,),
                            action="balance",
                            why="not the sum of the ledger",
                            fields=wrong,
                            player=player,
                            offsets=agreed[player],
                        )

    def _bosses(self, bosses: Sequence[Any]) -> list[Decision]:
        decisions: list[Decision] = []
        for boss_id in bosses:
            found: dict[str, Document | None] = {
                region: next(iter(books.named("globalbosses", [(boss_id,)])), None)
                for region, books in self._books.items()
            }
            damage = max(books.damage(boss_id) for books in self._books.values())
            decisions += decide_boss(found, damage)
        return decisions

    def _repair(self, report: Report, suspects: Suspects, standings: dict[str, list[str]], progress: Progress) -> None:
        tries = [one for one in report.differences if one.action != "standings"]
        for one in tries:
            made = self._make(one, report)
            report.made += made
            report.stale += not made
            progress("repaired", 1)
        bosses = [(fact.after["bossId"],) for fact in tries if fact.collection == "bossdamages" and fact.after]
        suspects[BOSSES] = [*dict.fromkeys([*suspects[BOSSES], *bosses])]
        suspects[BALANCES] = [*dict.fromkeys([*suspects[BALANCES], *((player,) for player in payees(tries))])]
        for decision in self._bosses([key[0] for key in suspects[BOSSES]]):
            if isinstance(decision, Repair):
                self._make(decision, report)
        for region, players in scored(tries).items():
            standings[region] = [*dict.fromkeys([*standings.get(region, []), *players])]
        for region, players in standings.items():
            expected = {one.key[0] for one in report.differences if one.action == "standings" and one.region == region}
            still = set(self._books[region].mend_standings(players)) if players else set()
            report.made += len(expected - still)
            report.remaining += len(still)
        again = Report(tuple(self._books))
        report.remaining += len({name_of(one)[1:] for one in self._decisions(again, suspects)})
        for collection, cost in again.costs.items():
            report.costs[collection] += cost

    def _make(self, one: Repair, report: Report) -> bool:
        try:
            return self._books[one.region].make(one)
        except Conflict as error:
            report.blocked.append(Blocked(collection=one.collection, key=one.key, why=f"in {one.region}: {error}"))
            return False


def _page(
    books: RegionBooks, cost: Cost, now: datetime, collection: str, after: Place | None, limit: int
) -> tuple[list[Row], Place | None]:
    documents, last = books.page(collection, after, limit)
    rows, unnamed = rows_of(collection, documents, now)
    cost.documents += len(documents)
    cost.unnamed += unnamed
    return rows, last


def _next(collection: str, upto: Place | None) -> Position | None:
    if upto is not None:
        return Position(collection, upto)
    place = COMPARED.index(collection) + 1
    return Position(COMPARED[place]) if place < len(COMPARED) else None


def _batches(things: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(things)
    while batch := list(islice(rest, size)):
        yield batch
