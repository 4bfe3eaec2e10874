"""GitHub's Markdown for the site's builder."""

import pytest

from infra.site.github import indented, slug, without_links_out


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Requests spill over", "requests-spill-over"),
        ("The account's concurrency is nearly used up", "the-accounts-concurrency-is-nearly-used-up"),
        ("nginx / HAProxy", "nginx--haproxy"),
        ("How far behind?", "how-far-behind"),
    ],
)
def test_anchors_are_githubs(heading: str, anchor: str) -> None:
    assert slug(heading, "-") == anchor


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("text\n- a\n- b", "text\n\n- a\n- b"),
        ("- a\n  goes on\n- b", "- a\n    goes on\n- b"),
        ("10. a\n    goes on", "10. a\n    goes on"),
        ("1. a\n\n   more\n2. b", "1. a\n\n    more\n\n2. b"),
        ("1. a\n   - b\n     c\nend", "1. a\n    - b\n        c\nend"),
        ("```\n- not\n  a list\n```\nend", "```\n- not\n  a list\n```\nend"),
        ("1. a\n\n   ```\n   - code\n     x\n   ```", "1. a\n\n    ```\n    - code\n      x\n    ```"),
        ("| a |\n|---|\n| - b |", "| a |\n|---|\n| - b |"),
    ],
)
def test_lists_are_indented_by_fours(written: str, wanted: str) -> None:
    assert indented(written) == wanted


@pytest.mark.parametrize(
    ("written", "levels", "wanted"),
    [
        ("[x](../tests/a.py)", 0, "x (`tests/a.py`)"),
        ("[tests/a.py](../tests/a.py#x)", 0, "tests/a.py"),
        ("[x](../replication.md)", 1, "[x](../replication.md)"),
        ("[x](../../app.py)", 1, "x (`app.py`)"),
        ("[x](https://example.org/../y)", 0, "[x](https://example.org/../y)"),
    ],
)
def test_files_outside_the_documentation_are_named(written: str, levels: int, wanted: str) -> None:
    assert without_links_out(written, levels) == wanted
