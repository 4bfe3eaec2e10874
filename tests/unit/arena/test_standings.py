"""Names of boards as field names."""

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena.standings import Totals, escaped, path_of, realms_of, standings_of, unescaped


@given(st.text())
def test_any_board_has_a_field_name_of_its_own(board: str) -> None:
    """One that leads into no subdocument and can be read back."""
    name = escaped(board)
    assert unescaped(name) == board
    assert not set(name) & set(".$|\0")


def test_paths_lead_to_the_sums() -> None:
    assert path_of(None, "all") == "totals.all"
    assert path_of("2026-11", "league:a.b") == "seasons.2026-11.league:a%2Eb"


def test_documents_from_elsewhere_are_read_as_far_as_they_can_be() -> None:
    """Missing or odd maps are no standings; odd numbers are none."""
    assert standings_of({}, (None, "2026-11")) == []
    assert standings_of({"totals": 3, "seasons": []}, (None, "2026-11")) == []
    assert Totals.read({"score": "12", "aiba": -1, "neur": None}) == Totals(score=12)
    assert realms_of({"realmProgress": ["desert"]}) == ()
    assert realms_of({"realmProgress": {"b": 1, "a": 1}}) == ("a", "b")
