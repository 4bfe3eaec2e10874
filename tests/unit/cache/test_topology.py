"""How often the slot map is asked for: a clock of numbers, draws of one's choice."""

import time

from chalicelib.cache.slots import SLOTS, SlotMap, single
from chalicelib.cache.topology import RefreshRules, Topology

A, B = ("10.0.0.1", 6379), ("10.0.0.2", 6379)
MAP = SlotMap((A, B), (0,) * 8192 + (1,) * 8192)
OTHER = SlotMap((B,), (0,) * SLOTS)
RULES = RefreshRules(interval_seconds=1.0, interval_seconds_max=5.0)


class Story:
    """One environment's topology on a clock."""

    def __init__(self, current: SlotMap | None = MAP, draw: float = 0.0) -> None:
        self.now = 100.0
        self.draw = draw
        self.topology = Topology((A,), current, RULES, lambda: self.now, lambda: self.draw)

    def ask(self, found: SlotMap | None) -> bool:
        """Whether it was time; if so, ``found`` is the answer."""
        may = self.topology.is_due() and self.topology.begin(time.monotonic())
        if may:
            self.topology.finish(found)
        return may


def test_nothing_is_asked_without_a_reason() -> None:
    assert not Story().topology.is_due()


def test_a_map_is_missing_at_the_beginning() -> None:
    story = Story(None)
    assert story.ask(MAP)
    assert story.topology.current == MAP
    assert not story.topology.is_due()


def test_however_many_reasons_there_are_it_is_asked_once_in_an_interval() -> None:
    story = Story()
    asked = 0
    for _ in range(1000):
        story.topology.want()
        asked += story.ask(OTHER if asked == 0 else None)
        story.now += 0.003
    # In three seconds: at the first, and a second after that one's answer, when nothing new came, two after that.
    assert asked == 2


def test_the_delay_is_drawn() -> None:
    """So that environments that saw one fault together do not ask together."""
    story = Story(draw=0.7)
    story.topology.want()
    story.now += 0.69
    assert not story.topology.is_due()
    story.now += 0.02
    assert story.topology.is_due()


def test_the_interval_grows_while_nothing_changes_and_begins_anew_with_news() -> None:
    story, times = Story(), []
    for answer in (MAP, MAP, MAP, MAP, OTHER, OTHER):
        began = story.now
        story.topology.want()
        while not story.ask(answer):
            story.now += 0.25
        times.append(story.now - began)
    assert times == [0.0, 2.0, 4.0, 5.0, 5.0, 1.0]


def test_one_caller_asks_and_others_go_on() -> None:
    story = Story()
    story.topology.want()
    assert story.topology.begin(time.monotonic())
    assert not story.topology.begin(time.monotonic() + 5)
    story.topology.finish(MAP)


def test_a_moved_slot_is_known_at_once_and_is_a_reason_to_ask() -> None:
    story = Story(single(A))
    story.topology.moved(5, B)
    assert story.topology.current is not None
    assert story.topology.current.owner(5) == B
    assert story.ask(MAP)


def test_while_nobody_tells_it_is_asked_again_but_not_at_once() -> None:
    story = Story(None)
    assert story.ask(None)
    assert not story.ask(MAP)
    story.now += 2.0
    assert story.ask(MAP)
