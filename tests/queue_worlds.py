"""Queued battles to test with: the services on any world, queues in memory, and a hand that delivers messages."""

from dataclasses import dataclass, field
from typing import Any

from chalicelib.arena.battle import BattleResult
from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_queue import BattleQueue
from chalicelib.arena.battle_queue_ports import Fights
from chalicelib.arena.battle_worker import BattleWorker, DeliveredMessage, Handled
from chalicelib.arena.ports import Document
from tests.fakes.live_queue import MemoryLiveQueue
from tests.fakes.memory_queue import MemoryQueue
from tests.worlds import World


@dataclass
class QueueWorld:
    """Services over ``world``; battles are fought by ``fights``, or by the arena itself."""

    world: World
    fights: Fights | None = None
    messages: MemoryQueue = field(default_factory=MemoryQueue)
    dead: MemoryQueue = field(default_factory=MemoryQueue)
    live: MemoryLiveQueue = field(default_factory=MemoryLiveQueue)

    @property
    def queue(self) -> BattleQueue:
        return BattleQueue(self.world.battle_jobs, self.world.catalogue, self.messages, self.world.clock)

    @property
    def worker(self) -> BattleWorker:
        fights = self.fights or self.world.battles()
        return BattleWorker(fights, self.world.battle_jobs, self.dead, self.live, self.world.clock)

    def accept(self, broker: Document, request_id: str = "request-1", **fields: Any) -> str:
        return self.queue.accept(self.world.command(broker, request_id, **fields), "correlation")

    def deliver(self) -> list[Handled | Exception]:
        """Delivers every visible message once; what fails is visible again afterwards."""
        outcomes: list[Handled | Exception] = []
        failed = []
        while batch := self.messages.receive():
            for message in batch:
                try:
                    delivery = DeliveredMessage(message.body, message.message_id, message.receives)
                    outcomes.append(self.worker.handle(delivery))
                    self.messages.delete(message)
                except Exception as error:  # noqa: BLE001 - the test looks at it
                    outcomes.append(error)
                    failed.append(message)
        for message in failed:
            self.messages.release(message)
        return outcomes

    def status(self, request_id: str = "request-1", telegram_id: str = "777") -> Document:
        return self.queue.status(telegram_id, request_id)

    def job(self, request_id: str = "request-1", telegram_id: str = "777") -> Document:
        found = self.world.battle_jobs.look(telegram_id, request_id).job
        assert found is not None
        return found


def outcomes(handled: list[Handled | Exception]) -> list[str]:
    return [one.outcome if isinstance(one, Handled) else type(one).__name__ for one in handled]


class Broken:
    """Fights nothing."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def run(self, command: BattleCommand) -> BattleResult:
        self.calls += 1
        raise self.error
