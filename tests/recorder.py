"""Remembers what was asked of the database."""

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from chalicelib.arena.ports import Document


class Recorder(CommandListener):
    """Every command sent, whole, in order."""

    def __init__(self) -> None:
        self.commands: list[Document] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing more to learn."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing more to learn."""

    def taken(self) -> list[Document]:
        """What was recorded since the last call."""
        commands, self.commands = self.commands, []
        return commands
