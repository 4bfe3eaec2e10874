"""Settings of replication: checked at start-up, each problem naming key, value and what is allowed."""

import pytest

from chalicelib.queue_settings import QueueUrls
from chalicelib.replication_settings import ReplicationSettings
from chalicelib.settings import SettingsError, load
from tests.unit.test_settings import DEVELOPMENT, PRODUCTION, SECRETS

KEYRING = "k1:0123456789abcdef0123456789abcdef"
REGIONS = "us-east-1, eu-west-1,ap-southeast-1"


def problems(environ: dict[str, str], secrets: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, secrets)
    return list(caught.value.problems)


def test_nothing_is_replicated_where_nothing_is_said() -> None:
    settings = load({**DEVELOPMENT, "AWS_REGION": "eu-west-1"}).replication
    assert settings == ReplicationSettings(region="eu-west-1")
    assert (settings.is_on, settings.others) == (False, ())


def test_one_region_alone_needs_no_secret_and_tells_nobody() -> None:
    settings = load({**DEVELOPMENT, "ARENA_REGIONS": "us-east-1"}).replication
    assert (settings.regions, settings.is_on, settings.others) == (("us-east-1",), False, ())


@pytest.mark.parametrize(("region", "rank"), [("us-east-1", 15), ("eu-west-1", 14), ("ap-southeast-1", 13)])
def test_the_first_region_ranks_highest(region: str, rank: int) -> None:
    said = {"ARENA_REGIONS": REGIONS, "AWS_REGION": region, "REPLICATION_SECRET": KEYRING}
    settings = load({**DEVELOPMENT, **said}).replication
    assert settings.rank == rank
    assert {*settings.others, region} == {"us-east-1", "eu-west-1", "ap-southeast-1"}
    assert len(settings.others) == 2


def test_queues_are_named_where_they_are_needed() -> None:
    said = {
        "ARENA_REPLICATION_QUEUE": "aiba-arena-dev-replication",
        "ARENA_REPLICATION_DLQ_URL": "https://sqs.test/dead",
        "ARENA_OUTBOX_QUEUE_URL": "https://sqs.test/outbox",
    }
    settings = load({**DEVELOPMENT, **said})
    queues = settings.queues
    found = (settings.replication.queue, queues.replication.dead_letters, queues.outbox.messages)
    assert found == tuple(said.values())
    assert queues.battles == QueueUrls()


def test_several_regions_need_the_secret_from_the_vault() -> None:
    several = {**PRODUCTION, "ARENA_REGIONS": REGIONS}
    assert problems(several, SECRETS) == ["REPLICATION_SECRET: not set; required"]
    assert problems({**several, "REPLICATION_SECRET": KEYRING}, {**SECRETS, "REPLICATION_SECRET": KEYRING}) == [
        "REPLICATION_SECRET: set in the plain environment; move it into the secret and remove it here"
    ]
    loaded = load(several, {**SECRETS, "REPLICATION_SECRET": KEYRING})
    assert loaded.replication.secret == KEYRING
    assert KEYRING not in repr(loaded)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("ARENA_REGIONS", "us-east-1,Mars", "ARENA_REGIONS: 'us-east-1,Mars'; up to 16 regions"),
        ("ARENA_REGIONS", "us-east-1,us-east-1", "each once"),
        ("ARENA_REGIONS", "eu-west-1,ap-southeast-1", "must name this region, which AWS_REGION says is us-east-1"),
        ("ARENA_REPLICATION_QUEUE", "https://sqs.test/queue", "the name of a queue, not its URL"),
        ("ARENA_REPLICATION_DLQ_URL", "dead", "an http or https URL of a queue"),
        ("ARENA_OUTBOX_QUEUE_URL", "outbox", "an http or https URL of a queue"),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(key: str, value: str, words: str) -> None:
    (problem,) = problems({**DEVELOPMENT, key: value})
    assert problem.startswith(f"{key}: {value!r};")
    assert words in problem
