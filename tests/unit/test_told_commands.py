"""What documentation tells people to type can be typed: read by click, with files, modules and targets that exist."""

from pathlib import Path

import pytest

from tests.told_commands import PAGES, ROOT, Told, complaint, told_commands

AT_LEAST = 400
"""There are more; a reader that finds fewer has stopped seeing some."""


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages say this once, before the commands that need it."""
    monkeypatch.setenv("MONGO_URI", "mongodb://127.0.0.1/")
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_can_be_typed(page: Path) -> None:
    wrong = {one.text: said for one in told_commands(page.read_text(encoding="utf-8")) if (said := complaint(one))}
    assert wrong == {}


def test_the_reader_sees_them() -> None:
    assert sum(1 for page in PAGES for _ in told_commands(page.read_text(encoding="utf-8"))) >= AT_LEAST


def test_blocks_sentences_and_substitutions_are_read() -> None:
    page = """
Run `./arena plan --json` or `make docs`, not `arena` alone.

```console
$ MONGO_URI=… ./arena indexes check   # compare
compared
$ curl -H "Bearer $(./arena operator-token)" $API
```

1. Then

   ```
   ./arena shard plan && ./arena shard \\
     apply > out.txt
   ```
"""
    assert list(told_commands(page)) == [
        Told("./arena indexes check", whole=True),
        Told("./arena operator-token", whole=True),
        Told("./arena shard plan", whole=True),
        Told("./arena shard apply", whole=True),
        Told("./arena plan --json", whole=False),
        Told("make docs", whole=False),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("./arena plane", "no command 'plane'"),
        ("./arena plan --player 3", "no option --player"),
        ("./arena plan --players many", "not a valid integer"),
        ("./arena deploy --stage prod", "Missing option '--region'"),
        ("./arena deploy --stage production --region us-east-1", "is not one of"),
        ("./arena failover --from", "requires an argument"),
        ("./arena scaling simulate --trace bench/traces/none.csv", "does not exist"),
        ("make dcos", "no target dcos"),
        ("python -m bench.nothing", "no module bench.nothing"),
        ("pytest -s tests/unit/nothing.py", "no file tests/unit/nothing.py"),
        (".venv/bin/python -m pytest tests/nothing", "no file tests/nothing"),
    ],
)
def test_what_cannot_be_typed_is_told(text: str, said: str) -> None:
    assert said in str(complaint(Told(text, whole=True)))
