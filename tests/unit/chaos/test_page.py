"""The page about it says what there is."""

from infra.chaos.checker import verdict
from infra.chaos.schedule import KINDS
from tests.test_tidy import ROOT


def test_every_fault_and_every_violation_is_explained() -> None:
    page = (ROOT / "docs" / "chaos.md").read_text(encoding="utf-8")
    assert [name for name in (*KINDS, *verdict.names()) if f"`{name}`" not in page] == []
