"""What becomes of announcements and nudges that were given up when they are sent back: they ask to look again."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.arena.dead_letters import DeadLetter, Verdict, oldest_first
from chalicelib.arena.live_announcements import BoardChanged, IllegibleAnnouncement, MoreFollowers, from_message


class AnnouncementReplay:
    """``dead_letters.Judge`` of the live queue: whoever is connected is told again what is so now."""

    def judged(self, letters: Sequence[DeadLetter], now: datetime) -> list[Verdict]:  # noqa: ARG002 (the protocol's)
        return [_verdict(letter) for letter in oldest_first(letters)]

    def body(self, verdict: Verdict, now: datetime) -> str:  # noqa: ARG002 (the protocol's)
        return verdict.letter.body


class NudgeReplay:
    """``dead_letters.Judge`` of the outbox's queue: a nudge says nothing but "look"."""

    def judged(self, letters: Sequence[DeadLetter], now: datetime) -> list[Verdict]:  # noqa: ARG002 (the protocol's)
        why = "wakes the publisher"
        return [Verdict(letter=letter, fate="replay", why=why) for letter in oldest_first(letters)]

    def body(self, verdict: Verdict, now: datetime) -> str:  # noqa: ARG002 (the protocol's)
        return verdict.letter.body


def _verdict(letter: DeadLetter) -> Verdict:
    try:
        announced = from_message(letter.body)
    except IllegibleAnnouncement as error:
        return Verdict(letter=letter, fate="refused", why=f"illegible: {error}")
    if isinstance(announced, BoardChanged):
        what = {"kind": "board", "board": announced.board}
    elif isinstance(announced, MoreFollowers):
        what = {"kind": "board", "board": announced.feed.board}
    else:
        what = {"kind": "result"}
    return Verdict(letter=letter, fate="replay", why="announced again", what=what)
