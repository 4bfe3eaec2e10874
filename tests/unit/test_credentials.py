"""Password hashes and tokens: what verifies, what is refused, and nothing secret in any message."""

import base64
import subprocess
from pathlib import Path

import jwt
import pytest

from chalicelib.credentials import IllegibleHash, InvalidToken, PasswordHash, keyed_hash, read_token, sign_token
from localcloud.local_secrets import ADMIN_PASSWORD, load_or_create
from localcloud.state import StateDir

CHECKOUT = Path(__file__).resolve().parents[2]
SECRET = "a-token-secret-of-tests-only-0123456789"
RFC_7914 = (
    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
)


def text(cost: object = 16384, block: object = 8, parallel: object = 1, salt: object = "", digest: object = "") -> str:
    """A hash's text; salt and digest are RFC 7914's unless given."""
    salt = salt or base64.b64encode(b"SodiumChloride").decode()
    digest = digest or base64.b64encode(bytes.fromhex(RFC_7914)).decode()
    return f"scrypt${cost}${block}${parallel}${salt}${digest}"


def test_a_hash_is_scrypts() -> None:
    """RFC 7914's own example, from text to verdict and back."""
    known = PasswordHash.parse(f" {text()}\n")
    assert known.verify("pleaseletmein")
    assert not known.verify("pleaseletmein ")
    assert str(known) == text()


def test_each_hash_has_a_salt_of_its_own() -> None:
    one, other = PasswordHash.of("same"), PasswordHash.of("same")
    assert one.salt != other.salt
    assert one.verify("same")
    assert PasswordHash.parse(str(other)).verify("same")
    assert not one.verify("")
    assert not one.verify("\ud800")


def test_the_local_clouds_hash_is_understood(tmp_path: Path) -> None:
    made = load_or_create(StateDir(tmp_path))
    assert PasswordHash.parse(made["ADMIN_PASSWORD_HASH"]).verify(made[ADMIN_PASSWORD])


@pytest.mark.parametrize(
    "illegible",
    [
        "",
        "secret-password",
        "$2b$12$abcdefghijklmnopqrstuv",
        text() + "$",
        text(cost="2e4"),
        text(cost=16383),
        text(cost=1),
        text(cost=2**20),
        text(block=0),
        text(parallel=17),
        text(salt="!!!!"),
        text(salt="AAAA"),
        text(digest="AAAA"),
        text(digest=base64.b64encode(bytes(129)).decode()),
    ],
)
def test_what_cannot_be_verified_is_refused_without_repeating_it(illegible: str) -> None:
    with pytest.raises(IllegibleHash) as caught:
        PasswordHash.parse(illegible)
    assert not illegible or illegible not in str(caught.value)


def test_a_token_is_read_with_its_own_secret_only() -> None:
    token = sign_token({"sub": "a", "exp": 1}, SECRET)
    assert read_token(token, SECRET) == {"sub": "a", "exp": 1}
    deep = base64.urlsafe_b64encode(b"[" * 5000).decode()
    for foreign in (
        "",
        "a.b.c",
        "\ud800",
        f"{deep}.{deep}.x",
        token + "x",
        sign_token({"sub": "a"}, "another-secret-another-secret-another"),
        jwt.encode({"sub": "a"}, "", algorithm="none"),
        jwt.encode({"sub": "a"}, SECRET * 2, algorithm="HS512"),
    ):
        with pytest.raises(InvalidToken):
            read_token(foreign, SECRET)


def test_a_keyed_hash_tells_its_parts_apart() -> None:
    """No two ways to split the same characters are one name, and another key gives another."""
    names = [keyed_hash(SECRET, *parts) for parts in (("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c"))]
    assert len({*names, keyed_hash("other", "abc")}) == 5
    assert all(len(name) == 64 for name in names)


def arena(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CHECKOUT / "arena"), *arguments], input=stdin, capture_output=True, text=True, check=False
    )


def test_the_command_line_hashes_a_password() -> None:
    """Only the hash is printed; a short password is refused."""
    done = arena("hash-password", stdin="correct horse battery\n")
    assert done.returncode == 0, done.stderr
    assert PasswordHash.parse(done.stdout).verify("correct horse battery")
    short = arena("hash-password", stdin="short\n")
    assert (short.returncode, short.stdout) == (1, "")
    assert "12 characters" in short.stderr


def test_the_command_line_prints_a_token_of_the_local_cloud(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    secrets = load_or_create(state)
    state.write_status({"regions": {}})
    done = arena("operator-token", "--state-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    claims = read_token(done.stdout.strip(), secrets["ADMIN_JWT_SECRET"])
    assert (claims["sub"], claims["role"]) == (secrets["ADMIN_EMAIL"], "superadmin")
