"""Leaderboards as players ask for them, on both stores; without Redis."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.arena.leaderboard_ports import PlayerRow, Ranking
from chalicelib.arena.leaderboard_service import BoardQuery, LeaderboardService
from chalicelib.arena.ports import Document, Update
from chalicelib.arena.standings import Totals, escaped
from chalicelib.errors import ArenaError, BadRequest, NotFound
from tests.worlds import World


def add_standing(world: World, who: str, *, board: str = "all", season: str | None = None, **sums: int) -> Document:
    """A player who has these sums."""
    boards = {escaped(name): Totals(**{"battles": 1, **sums}).fields() for name in ("all", board)}
    standings: dict[str, Any] = {"totals": boards} | ({"seasons": {season: boards}} if season else {})
    return world.add_player(who, username=f"player {who}", badges=["early"], **standings)


def ranks(rows: list[Document]) -> list[tuple[int, str]]:
    return [(row["rank"], row["telegramId"]) for row in rows]


def test_a_list_has_the_games_rows(world: World) -> None:
    """Only players with battles, ranked by position."""
    add_standing(world, "1", score=5, aiba=10, neur=1, battles=2)
    add_standing(world, "2", score=7, aiba=3)
    world.add_player("3")
    rows = world.leaderboards().leaderboard(BoardQuery(), 50)
    assert rows[1] == {
        "totalScore": 5,
        "totalAiba": 10,
        "totalNeur": 1,
        "battles": 2,
        "telegramId": "1",
        "username": "player 1",
        "badges": ["early"],
        "rank": 2,
    }
    assert ranks(rows) == [(1, "2"), (2, "1")]
    assert ranks(world.leaderboards().leaderboard(BoardQuery(by="AIBA"), 1)) == [(1, "1")]


def test_equals_are_ordered_by_id_as_text_in_lists_and_share_a_rank_of_their_own(world: World) -> None:
    """The greater id first; my-rank counts only those with strictly more."""
    for who in ("9", "10", "100", "8"):
        add_standing(world, who, score=0 if who == "8" else 4)
    service = world.leaderboards()
    assert ranks(service.leaderboard(BoardQuery(), 50)) == [(1, "9"), (2, "100"), (3, "10"), (4, "8")]
    assert ranks(service.leaderboard(BoardQuery(), 2)) == [(1, "9"), (2, "100")]
    assert [service.my_rank(who, BoardQuery())["rank"] for who in ("9", "10", "8", "stranger")] == [1, 1, 4, 4]
    assert service.score_rank("10") == 1
    assert service.score_rank("stranger") == 4


def test_my_rank_without_battles_has_sums_of_zero(world: World) -> None:
    add_standing(world, "1", score=5)
    add_standing(world, "2", score=0)
    answer = world.leaderboards().my_rank("777", BoardQuery())
    assert answer == {"rank": 2, "totalScore": 0, "totalAiba": 0, "totalNeur": 0, "battles": 0}


def test_neighbours_surround_ones_own_row(world: World) -> None:
    """Ranked by position; fewer at the ends; nothing at all without battles."""
    for number in range(1, 8):
        add_standing(world, str(number), score=10 * number)
    service = world.leaderboards()
    found = service.around_me("4", BoardQuery(), 2)
    assert ranks(found["above"]) == [(2, "6"), (3, "5")]
    assert (found["me"]["rank"], found["me"]["totalScore"]) == (4, 40)
    assert ranks(found["below"]) == [(5, "3"), (6, "2")]
    assert ranks(service.around_me("7", BoardQuery(), 3)["above"]) == []
    assert ranks(service.around_me("1", BoardQuery(), 50)["below"]) == []
    assert service.around_me("777", BoardQuery(), 3) == {"above": [], "me": None, "below": []}


class Raced:
    """Standings in which something happens between the player's own row and the neighbours'."""

    def __init__(self, standings: Any, happens: Callable[[], None]) -> None:
        self._standings = standings
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._standings, name)

    def own(self, ranking: Ranking, telegram_id: str) -> PlayerRow | None:
        row: PlayerRow | None = self._standings.own(ranking, telegram_id)
        self._happens()
        return row


@pytest.mark.parametrize("later", [35, 55])
def test_nobody_is_their_own_neighbour(world: World, later: int) -> None:
    """Neighbours may come from a secondary, or after a battle: the player stands elsewhere there."""
    for number in range(1, 8):
        add_standing(world, str(number), score=10 * number)

    def moves() -> None:
        world.write(Update("users", {"telegramId": "4"}, {"$set": {"totals.all.score": later}}))

    raced: Any = Raced(world.standings, moves)
    found = LeaderboardService(raced, world.catalogue, world.clock).around_me("4", BoardQuery(), 3)
    assert found["me"]["totalScore"] == 40
    assert "4" not in {row["telegramId"] for row in (*found["above"], *found["below"])}


def test_boards_of_leagues_and_realms_have_players_of_their_own(world: World) -> None:
    """An operators' league with odd letters in its name, too."""
    odd = "a.b$c%2E|}"
    world.add("gamemodes", key="odd", enabled=False, arena="odd", league=odd)
    world.add("realms", key="de.sert", name="Desert", level=1, order=0, active=True)
    add_standing(world, "1", board=f"league:{odd}", score=1)
    add_standing(world, "2", board="realm:de.sert", score=2)
    add_standing(world, "3", board="league:pro", score=3)
    service = world.leaderboards()
    assert ranks(service.leaderboard(BoardQuery(league=odd), 50)) == [(1, "1")]
    assert ranks(service.leaderboard(BoardQuery(realm="de.sert"), 50)) == [(1, "2")]
    assert ranks(service.leaderboard(BoardQuery(league="pro"), 50)) == [(1, "3")]
    assert service.leaderboard(BoardQuery(league="elite"), 50) == []
    assert service.my_rank("1", BoardQuery(league="pro"))["rank"] == 2


REFUSED: tuple[tuple[BoardQuery, type[ArenaError], str], ...] = (
    (BoardQuery(by="name"), BadRequest, "invalid by"),
    (BoardQuery(league="pro", realm="desert"), BadRequest, "invalid board"),
    (BoardQuery(season="2026-13"), BadRequest, "invalid season"),
    (BoardQuery(season="2026-W54"), BadRequest, "invalid season"),
    (BoardQuery(season="all"), BadRequest, "invalid season"),
    (BoardQuery(league="bronze"), NotFound, "league not found"),
    (BoardQuery(realm="atlantis"), NotFound, "Realm not found"),
    (BoardQuery(season="2020-01"), NotFound, "season not found"),
    # Over for more than a season and not archived: whoever fought on holds it no more.
    (BoardQuery(season="2026-09"), NotFound, "season not found"),
)


def test_unknown_boards_are_refused(world: World) -> None:
    """What can never exist with 400, what doesn't with 404."""
    add_standing(world, "1", season="2026-09", score=1)
    service = world.leaderboards()
    for query, kind, code in REFUSED:
        with pytest.raises(kind) as caught:
            service.leaderboard(query, 1)
        assert caught.value.code == code
        with pytest.raises(kind):
            service.my_rank("1", query)
        with pytest.raises(kind):
            service.around_me("1", query, 1)


def test_a_season_is_read_from_players_while_it_runs_and_until_it_is_archived(world: World) -> None:
    """The current one by its name or as current; afterwards from the archive, whatever players' documents say."""
    add_standing(world, "1", season="2026-11", score=5)
    add_standing(world, "2", season="2026-10", score=9)
    service = world.leaderboards()
    assert ranks(service.leaderboard(BoardQuery(season="current"), 50)) == [(1, "1")]
    assert ranks(service.leaderboard(BoardQuery(season="2026-11"), 50)) == [(1, "1")]
    assert ranks(service.leaderboard(BoardQuery(season="2026-10"), 50)) == [(1, "2")]
    stamps = {"startsAt": world.clock(), "endsAt": world.clock()}
    world.add("seasons", _id="2026-10", **stamps, archivedAt=None)
    assert ranks(service.leaderboard(BoardQuery(season="2026-10"), 50)) == [(1, "2")]
    world.add("seasons", _id="2026-09", **stamps, archivedAt=world.clock())
    finals = {"season": "2026-09", "board": "all"}
    for rank, who, score in ((1, "2", 8), (2, "1", 6)):
        totals = Totals(score=score, battles=3).fields()
        world.add("seasonstandings", **finals, telegramId=who, totals=totals, rank=rank)
    query = BoardQuery(season="2026-09")
    rows = service.leaderboard(query, 50)
    assert [(row["telegramId"], row["totalScore"], row["username"]) for row in rows] == [
        ("2", 8, "player 2"),
        ("1", 6, "player 1"),
    ]
    assert service.my_rank("1", query) == {"rank": 2, "totalScore": 6, "totalAiba": 0, "totalNeur": 0, "battles": 3}
    assert ranks(service.around_me("1", query, 5)["above"]) == [(1, "2")]
    known = {season["id"]: season["archived"] for season in service.seasons()}
    assert known == {"2026-11": False, "2026-10": False, "2026-09": True}


def test_the_running_season_is_known_before_anyone_recorded_it(world: World) -> None:
    """By the length operators chose."""
    assert [season["id"] for season in world.leaderboards().seasons()] == ["2026-11"]
    world.configure(seasonLength="week")
    (season,) = world.leaderboards().seasons()
    assert (season["id"], season["archived"]) == ("2026-W48", False)
    assert (season["startsAt"].isoformat(), season["endsAt"].isoformat()) == (
        "2026-11-23T00:00:00+00:00",
        "2026-11-30T00:00:00+00:00",
    )


def test_a_board_by_its_name(world: World) -> None:
    """As live updates ask for it."""
    add_standing(world, "1", board="league:pro", season="2026-11", score=5)
    service = world.leaderboards()
    assert ranks(service.top("league:pro", "score", 10)) == [(1, "1")]
    assert ranks(service.top("league:pro", "battles", 10, "current")) == [(1, "1")]
    for board, code in (
        ("nonsense", "board not found"),
        ("league:x", "league not found"),
        ("realm:", "Realm not found"),
    ):
        with pytest.raises(NotFound) as caught:
            service.require_board(board)
        assert caught.value.code == code
    service.require_board("all")
    service.require_board("league:pro")
