"""Leaderboards: current ones on players' documents, past ones in the archive, and their upkeep."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.arena.leaderboard_ports import Ranking
from chalicelib.arena.ports import Document
from chalicelib.arena.seasons import season_by_id
from chalicelib.arena.standings import METRICS, Totals
from chalicelib.data.leaderboard_queries import place_of
from chalicelib.data.leaderboard_upkeep import MongoSeasonRecords, MongoStandingsBooks, MongoStandingsPages
from chalicelib.data.leaderboards import MongoStandings
from chalicelib.locks import Guard
from tests.integration.explained.registry import covers
from tests.integration.explained.town import LAST_SEASON, MAIN, SEASON, Town, document_of, inhabits, player_id
from tests.worlds import NOON

OLD_SEASON = "2026-09"
SOMEBODY = player_id(700)
COUNTED = "the players above are counted, on the index alone"
EQUALS = "equals on the page's edge are ordered by telegramId: sorted where they are few, walked to where they are many"


@inhabits("seasonstandings", 3000)
def _standing(number: int) -> Document:
    sums = {"score": number, "aiba": number % 50, "neur": 0, "battles": 1}
    fields = {"season": OLD_SEASON, "board": ("all", "league:rookie")[number % 2], "telegramId": player_id(number // 2)}
    return {"_id": f"{OLD_SEASON}|{number}", **fields, "totals": sums, "rank": 3000 - number}


@inhabits("seasons", 60, small=True)
def _season(number: int) -> Document:
    starts = datetime(2021 + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return {"_id": f"{starts:%Y-%m}", "startsAt": starts, "endsAt": starts + timedelta(days=28), "archivedAt": None}


def rankings() -> Iterator[Ranking]:
    """All-time, the season, an archived one; of everyone and of a league; by every sum."""
    for metric in METRICS:
        for board in ("all", "league:rookie"):
            yield Ranking(board=board, metric=metric)
            yield Ranking(board=board, metric=metric, season=SEASON)
            yield Ranking(board=board, metric=metric, season=OLD_SEASON, archived=True)


@covers(MongoStandings.top, sorts=EQUALS)
def _(town: Town, top: Callable[..., Any]) -> None:
    assert all(len(top(ranking, 50)) == 50 for ranking in rankings())


@covers(MongoStandings.higher, reads_on=COUNTED)
def _(town: Town, higher: Callable[..., Any]) -> None:
    assert any(higher(ranking, 5) for ranking in rankings())


@covers(MongoStandings.around, reads_on=COUNTED)
def _(town: Town, around: Callable[..., Any]) -> None:
    for ranking in rankings():
        assert around(ranking, SOMEBODY, 5, 10).position >= 1


@covers(MongoStandings.beyond)
def _(town: Town, beyond: Callable[..., Any]) -> None:
    for ranking in rankings():
        for direction in (1, -1):
            beyond(place_of(ranking), 5, SOMEBODY, direction, 10)


@covers(MongoStandings.rows)
def _(town: Town, rows: Callable[..., Any]) -> None:
    assert all(rows(ranking, [SOMEBODY, MAIN]) for ranking in rankings())


@covers(MongoStandings.own)
def _(town: Town, own: Callable[..., Any]) -> None:
    assert all(own(ranking, SOMEBODY) for ranking in rankings())


@covers(MongoStandings.seasons)
def _(town: Town, seasons: Callable[..., Any]) -> None:
    assert seasons()


@covers(MongoStandings.season)
def _(town: Town, season: Callable[..., Any]) -> None:
    season("2022-03")


@covers(MongoStandings.season_was_played)
def _(town: Town, season_was_played: Callable[..., Any]) -> None:
    assert season_was_played(LAST_SEASON)
    assert not season_was_played("2020-01")


@covers(MongoStandings.league_exists)
def _(town: Town, league_exists: Callable[..., Any]) -> None:
    assert league_exists("pro")


@covers(MongoStandingsPages.players)
def _(town: Town, players: Callable[..., Any]) -> None:
    for board in ((None, "all"), (SEASON, "league:rookie")):
        assert len(players(board, player_id(500), 100)) == 100


@covers(MongoStandingsPages.changed_since)
def _(town: Town, changed_since: Callable[..., Any]) -> None:
    assert len(changed_since(NOON - timedelta(seconds=1), 100)) == 100


@covers(MongoStandingsPages.leagues)
def _(town: Town, leagues: Callable[..., Any]) -> None:
    assert "pro" in leagues()


@covers(MongoSeasonRecords.under)
def _(town: Town, under: Callable[..., Any]) -> None:
    under(Guard("schedule:7", 1007)).note("2022-03", boards=["all"])


@covers(MongoSeasonRecords.record)
def _(town: Town, record: Callable[..., Any]) -> None:
    for season_id in ("2022-03", "2019-03"):
        record(season_by_id(season_id))


@covers(MongoSeasonRecords.note)
def _(town: Town, note: Callable[..., Any]) -> None:
    note("2022-03", boards=["all"], finished=["all"])


@covers(MongoSeasonRecords.close)
def _(town: Town, close: Callable[..., Any]) -> None:
    close("2022-03", NOON)


@covers(MongoSeasonRecords.last_rank)
def _(town: Town, last_rank: Callable[..., Any]) -> None:
    assert last_rank((OLD_SEASON, "all"))


@covers(MongoSeasonRecords.next_players)
def _(town: Town, next_players: Callable[..., Any]) -> None:
    for after in (None, (700, SOMEBODY)):
        assert next_players((LAST_SEASON, "all"), after, 100)


@covers(MongoSeasonRecords.write)
def _(town: Town, write: Callable[..., Any]) -> None:
    players = [(number + 1, player_id(number), Totals(1, 1, 1, 1)) for number in range(3)]
    write(("2019-03", "all"), players)


@covers(MongoStandingsBooks.players)
def _(town: Town, players: Callable[..., Any]) -> None:
    assert len(players(player_id(500), 100)) == 100


@covers(MongoStandingsBooks.named)
def _(town: Town, named: Callable[..., Any]) -> None:
    assert len(named([SOMEBODY, MAIN])) == 2


@covers(MongoStandingsBooks.sums, reads_on="sums over all battles of the players asked for")
def _(town: Town, sums: Callable[..., Any]) -> None:
    assert sums([SOMEBODY, MAIN], "month")


@covers(MongoStandingsBooks.replace)
def _(town: Town, replace: Callable[..., Any]) -> None:
    assert replace(document_of(town, "users", telegramId=SOMEBODY), {"standingsAt": NOON})
