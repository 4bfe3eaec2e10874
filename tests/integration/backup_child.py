"""Processes that take a backup, or restore one, and stand still where they are to be killed. Run by test_backup."""

import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from infra.object_directory import DirectoryObjects
from tests.backup_worlds import BackedUp


def _standing_still(after: int, there: Connection) -> Callable[[str, int], None]:
    """Goes on ``after`` times, then says so and does no more: whoever kills may come late."""
    left = after

    def told(_what: str, _more: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            there.send(after)
            signal.pause()

    return told


def take_until_killed(uri: str, database: str, directory: str, after: int, there: Connection) -> None:
    """Until so many parts are taken."""
    backed_up = BackedUp(uri, database, DirectoryObjects(Path(directory)))
    backed_up.take(_standing_still(after, there))


def restore_until_killed(
    uri: str, database: str, directory: str, into: str, again: bool, after: int, there: Connection
) -> None:
    """Until so many parts were checked, loaded and read back."""
    backed_up = BackedUp(uri, database, DirectoryObjects(Path(directory)))
    manifest = backed_up.shelf.manifest(backed_up.shelf.names()[-1])
    backed_up.restore(manifest, into, again=again, told=_standing_still(after, there))
