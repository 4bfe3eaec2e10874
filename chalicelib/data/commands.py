"""Operations of a transaction, each sent as the one command it is.

The driver's own helpers prepare every call for what a transaction does not have (single writes tried again, batches,
cursors), which takes up to half as much again of this process. What they send and what they raise is the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import bson
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, WriteError

from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change

_DUPLICATE_KEY_CODE: Final = 11000
_TOGETHER_BYTES: Final = 8_000_000
"""Half of what the driver sends as one command; a single document it sends whatever its size is."""
_TOGETHER_MAX: Final = 16


def aggregated(
    database: Database[Document],
    collection: str | None,
    pipeline: Sequence[Mapping[str, Any]],
    session: ClientSession,
) -> list[Document] | None:
    """What the pipeline gives; None if that is more than the server's first answer holds."""
    target = 1 if collection is None else collection
    cursor = _answer(database, {"aggregate": target, "pipeline": list(pipeline), "cursor": {}}, session)["cursor"]
    found: list[Document] = cursor["firstBatch"]
    return None if cursor["id"] else found


def inserted(
    database: Database[Document], collection: str, documents: Sequence[Mapping[str, Any]], session: ClientSession
) -> int | None:
    """How many: all of them; None if they are too many for one command."""
    if not _fit(database, documents):
        return None
    return _written(database, {"insert": collection, "ordered": True, "documents": list(documents)}, session)


def updated(database: Database[Document], changes: Sequence[Change], session: ClientSession) -> int | None:
    """How many of ``changes``, all of one collection, found or created their document; None as for ``inserted``."""
    (name,) = {change.collection for change in changes}
    statements = [{"q": one.where, "u": one.change, "multi": False, "upsert": one.upsert} for one in changes]
    if not _fit(database, statements):
        return None
    return _written(database, {"update": name, "ordered": True, "updates": statements}, session)


def _fit(database: Database[Document], parts: Sequence[Mapping[str, Any]]) -> bool:
    if len(parts) == 1:
        return True
    if len(parts) > _TOGETHER_MAX:
        return False
    return sum(len(bson.encode(part, codec_options=database.codec_options)) for part in parts) <= _TOGETHER_BYTES


def _written(database: Database[Document], command: Document, session: ClientSession) -> int:
    """Raises ``DuplicateKeyError``, ``WriteError``."""
    answer = _answer(database, command, session)
    for refused in answer.get("writeErrors", ()):
        kind = DuplicateKeyError if refused["code"] == _DUPLICATE_KEY_CODE else WriteError
        raise kind(refused.get("errmsg"), refused["code"], refused)
    return int(answer["n"])


def _answer(database: Database[Document], command: Document, session: ClientSession) -> Document:
    return database.command(command, codec_options=database.codec_options, session=session)
