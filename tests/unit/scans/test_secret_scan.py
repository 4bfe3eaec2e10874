"""A secret in a file is seen, whatever file it is; what is none is answered once and for that text alone."""

from pathlib import Path

import pytest

from infra.secret_scan import ANSWERS, answers, idle_answers, suspects, tracked

ROOT = Path(__file__).resolve().parents[3]
# In parts, so that this file holds none.
AWS_KEY = "AKIA" + "Q3EGRZ7XKTNB5VMU"
GITHUB = "ghp_" + "9fK2mQ7xR4tV8wZ1bN5cD3hJ6pL0sA2yE4uG"
TELEGRAM = "7412589630:" + "AAHk3fPq9LxZ2vWn8RtYb5CdE7gJmS4uKoI"
PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----"
PASSWORD = 'mongo_password = "t7Rk' + '92mQxZ4v"'
URI = 'uri = "mongodb+srv://arena:Zx8' + 'Kq2Lm@cluster.example.net"'


def planted(root: Path, name: str, text: str) -> list[str]:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"first = 1\n{text}\n", encoding="utf-8")
    return [one.kind for one in suspects(root, [name], {}) if one.line == 2 and not one.answer]


@pytest.mark.parametrize("text", [f'key = "{AWS_KEY}"', f'token = "{GITHUB}"', f'bot = "{TELEGRAM}"', PRIVATE_KEY])
@pytest.mark.parametrize("name", ["chalicelib/somewhere.py", "tests/unit/test_x.py", "docs/x.md", "infra/x.yml"])
def test_a_planted_secret_of_a_real_service_is_seen_anywhere(tmp_path: Path, name: str, text: str) -> None:
    assert planted(tmp_path, name, text)


@pytest.mark.parametrize("text", [PASSWORD, URI])
def test_a_planted_password_is_seen_outside_of_tests(tmp_path: Path, text: str) -> None:
    assert planted(tmp_path, "infra/settings.py", text)


def test_an_answer_is_to_one_text_in_one_file(tmp_path: Path) -> None:
    planted(tmp_path, "a.py", f'key = "{AWS_KEY}"')
    (one,) = suspects(tmp_path, ["a.py"], {})
    said = {"a.py": {one.hash: "an example"}}
    assert [found.answer for found in suspects(tmp_path, ["a.py"], said)] == ["an example"]
    planted(tmp_path, "a.py", f'key = "{AWS_KEY[:-1]}X"')
    changed = suspects(tmp_path, ["a.py"], said)
    assert [found.answer for found in changed] == [""]
    assert idle_answers(changed, said) == [f"a.py {one.hash[:12]}"]


def test_what_is_answered_here_is_still_there_and_nothing_else() -> None:
    """Of the files with answers; ``make lint`` looks at all."""
    said = answers()
    assert set(said) <= set(tracked(ROOT))
    assert ANSWERS.relative_to(ROOT).as_posix() not in tracked(ROOT)
    found = suspects(ROOT, said, said)
    assert [one for one in found if not one.answer] == []
    assert idle_answers(found, said) == []
