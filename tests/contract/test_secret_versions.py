"""A secret's versions: in memory and in Secrets Manager (moto), under one suite; and whole rotations on both."""

import itertools
import json
from collections.abc import Callable, Iterator

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws.secret_versions import StoredVersions
from chalicelib.secret_rotation import RotationRefused, Secret, SecretVersions, Step, rotated, take, turned
from tests.fakes.memory_secret import MemorySecret

STEPS: tuple[Step, ...] = ("createSecret", "setSecret", "testSecret", "finishSecret")
TOKEN = "5f0c1d0a-0000-4000-8000-000000000001"
OTHER_TOKEN = "5f0c1d0b-0000-4000-8000-000000000002"
NAME = "aiba-arena/prod"
Make = Callable[[str, Secret], SecretVersions]


@pytest.fixture(params=["memory", "moto"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    if request.param == "memory":
        yield lambda _, secret: MemorySecret(secret)
        return
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "t")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():

        def stored(region: str, secret: Secret) -> SecretVersions:
            service = boto3.client("secretsmanager", region_name=region)
            service.create_secret(Name=NAME, SecretString=json.dumps(dict(secret)))
            return StoredVersions(lambda: service, NAME)

        yield stored


def keys() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"{next(numbers):064x}"


def go(step: Step, own: SecretVersions, *others: SecretVersions, token: str = TOKEN) -> None:
    take(step, token, own, others, new_key=lambda: "n" * 64, check=lambda _: None)


SECRET = {
    "ADMIN_JWT_SECRET": "j" * 32,
    "REPLICATION_SECRET": f"k1:{'a' * 32},k2:{'b' * 32}",
    "BATTLE_SEED_SECRET": "s" * 32,
    "MONGO_URI": "mongodb://us",
}


def test_a_version_counts_only_when_it_is_promoted(make: Make) -> None:
    own = make("us-east-1", SECRET)
    assert own.pending(TOKEN) is None
    own.put_pending(TOKEN, {"A": "1"})
    assert own.pending(TOKEN) == {"A": "1"}
    assert own.pending(OTHER_TOKEN) is None
    assert own.current() == SECRET
    own.promote(TOKEN)
    assert own.current() == {"A": "1"}
    own.promote(TOKEN)
    assert own.current() == {"A": "1"}


def test_a_version_that_counts_at_once(make: Make) -> None:
    own = make("us-east-1", SECRET)
    own.put_current({"A": "2"})
    assert own.current() == {"A": "2"}


def test_a_rotation_changes_its_own_keys_here_and_there_and_nothing_else(make: Make) -> None:
    own, other = make("us-east-1", SECRET), make("eu-west-1", {**SECRET, "MONGO_URI": "mongodb://eu"})
    for step in STEPS:
        go(step, own, other)
    here, there = own.current(), other.current()
    assert here["REPLICATION_SECRET"] == f"k2:{'b' * 32},k5f0c1d0a-000:{'n' * 64},k1:{'a' * 32}"
    assert here["ADMIN_JWT_SECRET"] == "n" * 64
    assert (here["BATTLE_SEED_SECRET"], here["MONGO_URI"]) == ("s" * 32, "mongodb://us")
    assert there == {**here, "MONGO_URI": "mongodb://eu"}


def test_steps_may_be_repeated_at_any_time(make: Make) -> None:
    own, other = make("us-east-1", SECRET), make("eu-west-1", SECRET)
    fresh = keys()
    for step in STEPS:
        for _ in range(2):
            take(step, TOKEN, own, [other], new_key=fresh, check=lambda _: None)
    # Two new keys in all, however often createSecret came.
    assert fresh() == f"{2:064x}"
    assert own.current() == other.current()


def test_a_version_that_functions_could_not_start_with_never_counts(make: Make) -> None:
    own = make("us-east-1", SECRET)
    go("createSecret", own)

    def refuse(_: Secret) -> None:
        raise RotationRefused("no")

    with pytest.raises(RotationRefused):
        take("testSecret", TOKEN, own, [], new_key=lambda: "n", check=refuse)
    assert own.current() == SECRET


def test_a_step_out_of_turn_is_refused(make: Make) -> None:
    with pytest.raises(RotationRefused, match="createSecret comes first"):
        go("finishSecret", make("us-east-1", SECRET))


def test_every_signature_is_believed_everywhere_through_any_number_of_rotations() -> None:
    """Regions change at different moments: whoever signs by the old ring or the new one, both rings hold the key."""
    ring, fresh = f"k0:{'z' * 32}", keys()
    for number in range(6):
        later = turned(ring, f"n{number}:{fresh()}")
        assert ring.split(",")[0] in later.split(",")
        assert later.split(",")[0] in ring.split(",")
        assert len(later.split(",")) <= 3
        ring = later
    assert "k0:" not in ring


def test_what_is_not_there_is_not_made() -> None:
    assert rotated({"MONGO_URI": "m"}, TOKEN, keys()) == {"MONGO_URI": "m"}
