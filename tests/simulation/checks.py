"""What must be true of regions that have heard everything."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.arena.ledger import CURRENCIES, balance_field
from chalicelib.arena.ports import Document
from chalicelib.arena.standings import Totals
from chalicelib.replication.ports import CONFLICTS
from chalicelib.replication.rules import DOCUMENTS, FACTS, VERSIONS
from tests.simulation.actions import Acknowledged
from tests.simulation.region import Region
from tests.simulation.trace import Field, FieldWrite, Trace
from tests.standings import kept

Listed = dict[Field, set[tuple[str, str]]]
"""Pairs of versions, loser and winner."""


class Broken(AssertionError):
    """A promise that was not kept."""


def require(holds: bool, what: str | Callable[[], str]) -> None:
    if not holds:
        raise Broken(what if isinstance(what, str) else what())


def contents(region: Region) -> dict[tuple[str, Any], Document]:
    """Facts and documents by what names them in every region."""
    found: dict[tuple[str, Any], Document] = {}
    for collection, rule in FACTS.items():
        for fact in region.all(collection):
            found[collection, tuple(fact[name] for name in rule.identity)] = fact
    for collection, documents in DOCUMENTS.items():
        for document in region.all(collection):
            # Players of whom nothing was ever told are made by each region as it needs them.
            if collection != "users" or VERSIONS in document:
                found[collection, document[documents.key]] = document
    return found


def common(collection: str, document: Document | None) -> Document | None:
    """What regions must have in common of a document: versions too, but no order of entries and nothing local."""
    rule = DOCUMENTS.get(collection)
    if document is None or rule is None:
        return document
    own = rule.local | rule.derived | rule.latest
    return {
        name: {str(entry[rule.entries[name].name]): entry for entry in value} if name in rule.entries else value
        for name, value in document.items()
        if name not in own
    }


def check_equal(regions: Mapping[str, Region]) -> None:
    """Facts, documents and versions."""
    first, *others = regions.values()
    expected = contents(first)
    for other in others:
        found = contents(other)
        for place in expected.keys() | found.keys():
            one, two = expected.get(place), found.get(place)
            if one is not two:
                here, there = common(place[0], one), common(place[0], two)
                require(here == there, lambda: f"{first.name}, {other.name} differ in {place}:\n  {here}\n  {there}")  # noqa: B023


def check_money(region: Region, acknowledged: Acknowledged) -> None:
    """Balances are sums of the ledger, and of what was acknowledged; vaults too; none is below zero."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in region.all("ledgerentries"):
        sums[row["telegramId"], row["currency"]] += row["amount"] if row["direction"] == "credit" else -row["amount"]
    balances = {
        (user["telegramId"], currency): user.get(balance_field(currency), 0)
        for user in region.all("users")
        for currency in CURRENCIES
    }
    _same(region, "the ledger and the balances", sums, balances)
    _same(region, "what was acknowledged and the balances", acknowledged.money, balances)
    require(min(balances.values()) >= 0, f"{region.name}: a balance is negative: {balances}")
    vaults = {guild["_id"]: guild["vaultNeur"] for guild in region.all("guilds")}
    _same(region, "what was acknowledged and the vaults", acknowledged.vaults, vaults)
    battles = {battle["_id"] for battle in region.all("battles")}
    require(battles == acknowledged.battles, f"{region.name}: battles {battles ^ acknowledged.battles}")
    (boss,) = region.all("globalbosses")
    left = max(0, boss["maxHp"] - acknowledged.damage)
    require(boss["currentHp"] == left, f"{region.name}: the boss has {boss['currentHp']} points, should have {left}")


def check_standings(region: Region, acknowledged: Acknowledged) -> None:
    """Sums of what was acknowledged, by season and board."""
    for user in region.all("users"):
        expected = acknowledged.standings.get(user["telegramId"], {})
        found = {place: totals for place, totals in kept(user).items() if totals != Totals()}
        require(found == expected, f"{region.name}: standings of {user['telegramId']}:\n  {found}\n  {expected}")


def check_names(regions: Mapping[str, Region]) -> None:
    """No two guilds of one name; whoever took a name first has it; every other is on record."""
    for region in regions.values():
        guilds = region.all("guilds")
        names = [guild["name"] for guild in guilds]
        require(len(names) == len(set(names)), f"{region.name}: guilds of one name: {sorted(names)}")
        wanted: defaultdict[str, list[tuple[str, Document]]] = defaultdict(list)
        for guild in guilds:
            wanted[guild["name"].partition(" ")[0]].append((guild.get(VERSIONS, {}).get("*", ""), guild))
        for name, rivals in wanted.items():
            (_, first), *others = sorted(rivals, key=lambda one: one[0])
            require(first["name"] == name, f"{region.name}: the first {name} is called {first['name']}")
            for version, _ in others:
                listed = any(
                    row["field"] == "name" and row["loser"]["version"] == version
                    for other in regions.values()
                    for row in other.all(CONFLICTS)
                )
                require(listed, f"the second {name} is on no record")


def check_conflicts(regions: Mapping[str, Region], trace: Trace) -> int:
    """Every loser is on record somewhere, and whoever is on record has lost; how many losers there are."""
    listed: Listed = {}
    for region in regions.values():
        for row in region.all(CONFLICTS):
            place = (row["collection"], row["key"], row["field"])
            listed.setdefault(place, set()).add((row["loser"]["version"], row["winner"]["version"]))
    losers = 0
    for place, writes in trace.fields():
        pairs = listed.pop(place, set())
        for write in trace.must_be_listed(writes):
            losers += 1
            require(
                any(loser == write.version for loser, _ in pairs),
                f"{place}: {write} has lost and is on no record; all writes: {writes}",
            )
        if place[0] != "guilds" or place[2] != "name":
            _check_just(place, pairs, {write.version: write for write in writes}, trace)
    strange = [place for place in listed if place[0] != "guilds" or place[2] != "name"]
    require(not strange, f"conflicts of fields that nobody wrote: {strange}")
    return losers


def _check_just(place: Field, pairs: set[tuple[str, str]], writes: Mapping[str, FieldWrite], trace: Trace) -> None:
    for loser, winner in pairs:
        just = loser in writes and winner in writes and loser < winner
        just = just and trace.concurrent(writes[loser], writes[winner])
        require(just, f"{place}: {loser} is said to have lost against {winner}; writes: {writes}")


def check_versions(trace: Trace) -> None:
    """Whoever writes what they have read writes a higher version."""
    for place, writes in trace.fields():
        for later in writes:
            for earlier in writes:
                if trace.knew(later, earlier):
                    require(later.version > earlier.version, f"{place}: {later} is not above {earlier}")


def check_applied(regions: Mapping[str, Region], trace: Trace) -> None:
    """Each event once in each other region."""
    for name, region in regions.items():
        expected = Counter(event for event, source in trace.events.items() if source != name)
        require(region.applied == expected, f"{name}: events missing or applied twice")


def _same(region: Region, what: str, one: Mapping[Any, int], other: Mapping[Any, int]) -> None:
    found = [{key: amount for key, amount in amounts.items() if amount} for amounts in (one, other)]
    require(found[0] == found[1], f"{region.name}: {what} differ:\n  {found[0]}\n  {found[1]}")
