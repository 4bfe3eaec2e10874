"""Players and what they want: battles, direct, queued and doubled, purchases, guilds. Drawn from a seed."""

import random
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from infra.chaos.client import Answer, Client
from infra.chaos.history import DONE, Log
from infra.chaos.rules import MODES, WAR

FIRST_PLAYER: Final = 930_001
THINKING_SECONDS: Final = (0.2, 1.1)
GREEDY_SECONDS: Final = (0.1, 0.4)
ELSEWHERE: Final = 0.25
"""The share of requests that are sent to a region that is not the player's home."""
STATS: Final = ("intelligence", "speed", "risk")
WISHES: Final[Mapping[str, int]] = {
    "battle": 34,
    "twins": 6,
    "queued": 16,
    "war": 9,
    "train": 12,
    "upgrade": 7,
    "repair": 3,
    "starter": 2,
    "combine": 2,
    "join": 3,
    "leave": 2,
    "deposit": 2,
    "withdraw": 2,
}
"""What is wished for, and how often."""
PATIENCE_SECONDS: Final = 60.0


class Player(threading.Thread):
    """Wants one thing after another, each until it is answered for good, or until ``ended``.

    ``guilds``: their ids, by founder. ``stand_ins``: by home, the region that serves for it meanwhile. A ``greedy``
    one hardly thinks between two battles.
    """

    def __init__(
        self,
        number: int,
        home: str,
        apis: Mapping[str, str],
        bot_token: str,
        log: Log,
        *,
        seed: int,
        stopped: threading.Event,
        ended: threading.Event,
        guilds: Mapping[str, str],
        stand_ins: Mapping[str, str],
        greedy: bool = False,
    ) -> None:
        super().__init__(name=f"player {number}", daemon=True)
        self._draw = random.Random(f"player {seed} {number}")
        self.client = Client(
            FIRST_PLAYER + number, apis, bot_token, log, ended.is_set, random.Random(f"{seed} {number}")
        )
        self.home = home
        self.brokers: list[str] = []
        self.guild = ""
        self.fault: BaseException | None = None
        self._regions = list(apis)
        self._stopped = stopped
        self._guilds = guilds
        self._stand_ins = stand_ins
        self._greedy = greedy

    def enlist(self, first: str, *, founds: bool) -> str | None:
        """Gets two brokers, moves home, fights once, and founds a guild if wanted: its id.

        Raises ``OSError`` when the arena does not let it.
        """
        for _ in range(2):
            self.brokers.append(str(self._must("starter", first, {})["_id"]))
        if self.home != first:
            self._must("move", first, {"region": self.home})
        mode = MODES[0]
        self._must("battle", self.home, {"brokerId": self.brokers[0], "modeKey": mode.key})
        if not founds:
            return None
        self.guild = str(self._must("create-guild", self.home, {"name": f"guild {self.client.player}"})["_id"])
        return self.guild

    def _must(self, kind: str, region: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.client.do(self._id(), kind, region, arguments, stay=True)
            if answer.outcome == DONE:
                return answer.data
            if time.monotonic() > until:
                raise OSError(f"a player could not begin: {kind} answered {answer.status} {answer.code}")
            time.sleep(1.0)

    def run(self) -> None:
        try:
            while not self._stopped.wait(self._draw.uniform(*(GREEDY_SECONDS if self._greedy else THINKING_SECONDS))):
                wish = self._draw.choices(list(WISHES), list(WISHES.values()))[0]
                self._wish("battle" if self._greedy and self._draw.random() < 0.9 else wish)
        except BaseException as error:  # noqa: BLE001 (told to the thread that waits for the player)
            self.fault = error

    def _wish(self, wish: str) -> None:
        broker = self._draw.choice(self.brokers)
        if wish in ("battle", "queued", "war", "twins"):
            self._fight(wish, broker)
        elif wish in ("train", "upgrade"):
            self._do(wish, {"brokerId": broker, "stat": self._draw.choice(STATS)})
        elif wish == "repair":
            self._do(wish, {"brokerId": broker})
        elif wish == "starter":
            answer = self._do(wish, {})
            if answer.outcome == DONE:
                self.brokers.append(str(answer.data["_id"]))
        elif wish == "combine":
            self._combine()
        else:
            self._meet(wish, broker)

    def _fight(self, wish: str, broker: str) -> None:
        mode = WAR if wish == "war" else self._draw.choice(MODES)
        arguments = {"brokerId": broker, "modeKey": mode.key}
        if wish == "twins":
            # Two devices of one player, each with a request of its own.
            other = threading.Thread(target=self._do, args=("battle", arguments), daemon=True)
            other.start()
            answer = self._do("battle", arguments)
            other.join()
        else:
            answer = self._do("queued" if wish == "queued" else "battle", arguments)
        if answer.code == "no energy":
            self._do("repair", {"brokerId": broker})

    def _combine(self) -> None:
        if len(self.brokers) > 2:
            base, sacrifice = self._draw.sample(self.brokers, 2)
            self.brokers.remove(sacrifice)
            self._do("combine", {"baseBrokerId": base, "sacrificeBrokerId": sacrifice})

    def _meet(self, wish: str, broker: str) -> None:
        """A guild's business, always with the home: what two regions decided of one member would be merged."""
        if wish == "join" or not self.guild:
            guild = self.guild or self._draw.choice(list(self._guilds.values()))
            if self._do("join", {"guildId": guild}, stay=True).outcome == DONE:
                self.guild = guild
        elif wish == "leave":
            if self._do("leave", {"guildId": self.guild}, stay=True).outcome == DONE:
                self.guild = ""
        else:
            self._do(wish, {"guildId": self.guild, "brokerId": broker}, stay=True)

    def _do(self, kind: str, arguments: Mapping[str, Any], *, stay: bool = False) -> Answer:
        elsewhere = not stay and self._draw.random() < ELSEWHERE
        region = self._draw.choice(self._regions) if elsewhere else self._stand_ins.get(self.home, self.home)
        return self.client.do(self._id(), kind, region, arguments, stay=stay)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._draw.getrandbits(128)))
