"""The documentation's pictures: none is stale, and the layout keeps what it promises."""

import json
import random
from xml.etree import ElementTree as Xml

import pytest

from infra.drawings import battle
from infra.drawings.battle import Step
from infra.drawings.deployed import deployed, spaced, told
from infra.drawings.layers import PASSING, layered, reached, without_shortcuts
from infra.drawings.pictures import IMAGES, STAGE, pictures
from infra.package import PROJECT_ROOT, build_package

AGAIN = "draw them again: python -m infra.drawings"


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return pictures(lambda _: None)


@pytest.mark.parametrize("name", ["rooms.svg", "stack.svg", "battle.svg"])
def test_the_pictures_are_those_of_today(drawn: dict[str, str], name: str) -> None:
    assert (IMAGES / name).read_text(encoding="utf-8") == drawn[name], AGAIN


@pytest.mark.parametrize("name", ["rooms.svg", "stack.svg", "battle.svg"])
def test_text_stays_within_its_picture(drawn: dict[str, str], name: str) -> None:
    root = Xml.fromstring(drawn[name])  # noqa: S314 (drawn a moment ago)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 <= float(text.attrib["x"]) <= width, text.text
        assert 0 <= float(text.attrib["y"]) <= height, text.text


def test_the_stack_is_read_whole() -> None:
    """Every function is invoked by something, and every queue with a consumer has its dead letters."""
    stack = deployed(build_package(STAGE, PROJECT_ROOT / ".arena" / "build", lambda _: None).template)
    by_name = {function.name: function for function in stack.functions}
    assert by_name["APIHandler"].provisioned
    assert by_name["BattleWorker"].queue == "BattleQueue"
    assert by_name["BattleSweep"].sends == ["BattleQueue"]
    assert by_name["OutboxPublisher"].others
    assert {function.queue for function in stack.functions if function.queue} == {queue.name for queue in stack.queues}
    invoked = [one for one in stack.functions if one.provisioned or one.queue or one.schedule]
    assert {one.name for one in stack.functions} - {one.name for one in invoked} == {
        *stack.websocket,
        "SecretRotation",
    }


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("rate(1 minute)", "every minute"),
        ("rate(10 minutes)", "every 10 minutes"),
        ("rate(1 hour)", "every hour"),
        ("cron(7 * * * ? *)", "hourly at :07"),
        ("cron(0 3 * * ? *)", "cron(0 3 * * ? *)"),
    ],
)
def test_schedules_are_told_in_words(schedule: str, words: str) -> None:
    assert told(schedule) == words


def test_names_are_told_in_words() -> None:
    names = ("APIHandler", "BattleDeadLetterQueue", "FollowUps")
    assert [spaced(name) for name in names] == ["API handler", "battle dead letter queue", "follow ups"]


def test_arrows_lead_down_a_layer_at_a_time_and_none_is_lost() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chosen = random.Random(seed)
    for _ in range(40):
        size = chosen.randrange(2, 14)
        arrows = {
            str(node): frozenset(str(to) for to in range(node + 1, size) if chosen.random() < 0.3)
            for node in range(size)
        }
        layers, stepwise = layered(arrows)
        level = {node: number for number, layer in enumerate(layers) for node in layer}
        assert all(level[to] == level[node] + 1 for node, targets in stepwise.items() for to in targets)
        for node in arrows:
            assert {one for one in reached(stepwise, node) if PASSING not in one} == reached(arrows, node)
        few = without_shortcuts(arrows)
        assert all(reached(few, node) == reached(arrows, node) for node in arrows)


def test_arrows_that_go_round_are_refused() -> None:
    with pytest.raises(ValueError, match="a -> b -> a"):
        layered({"a": frozenset("b"), "b": frozenset("a")})


def test_a_recording_comes_back_as_it_was() -> None:
    steps = [Step("MongoDB", "insert battles", transaction=True), Step("Redis", "ZADD board")]
    assert [Step(**row) for row in json.loads(battle.told(steps))] == steps


def test_what_is_asked_again_is_one_arrow_with_a_number() -> None:
    picture = battle.drawing([Step("Redis", "ZADD board")] * 3 + [Step("SQS", "outbox queue")])
    assert "ZADD board x 3" in picture
