"""What runbooks name exists, and each is reached; their commands: ``test_told_commands.py``."""

import re
from pathlib import Path

import pytest

import app as composition
from tests.prometheus import rules

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_addresses_and_metrics_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"\$API(/[\w/-]+)", text)) <= set(composition.app.routes)
    told = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name in re.findall(r"aiba_\w+", text):
        if not re.match(r"aiba_(us|eu|ap)_", name):
            assert name.removesuffix("_count") in told, f"{page.name}: {name}"


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8")):
        linked = page.parent / target if target else page
        assert linked.is_file(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page.name} links to {target}#{anchor}"


def test_alerts_that_runbooks_name_exist() -> None:
    alerts = {rule.get("alert") for rule in rules()}
    for page in RUNBOOKS:
        assert set(re.findall(r"`(Arena[A-Z]\w+)`", page.read_text(encoding="utf-8"))) <= alerts, page.name


def test_the_reader_finds_every_runbook() -> None:
    index = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert [page.name for page in RUNBOOKS if f"runbooks/{page.name}" not in index] == []
