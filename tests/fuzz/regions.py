"""A region in memory that is told things: from the queue, and by HTTP."""

from typing import Any

from chalicelib.entrypoints import wire
from chalicelib.entrypoints.outgoing import refused
from chalicelib.errors import ArenaError
from chalicelib.replication.receiver import Received, several
from tests.replicated import Target, signed


def delivered(body: str) -> list[Received]:
    """What becomes of a message. Raises nothing: a batch must not fail for one of its messages."""
    target = Target()
    results = target.deliver(body)
    assert results, "a message without a fate would be deleted"
    assert all(letter.attributes["reason"].isprintable() for letter in target.dead.receive())
    return results


def posted(data: bytes, *, limit_bytes: int) -> bool:
    """As the HTTP route does it, whether it was taken; refusals can be answered with."""
    target = Target()
    try:
        sent = wire.decode_body(data, limit_bytes=limit_bytes)
        target.receiver.posted(several(sent) or [sent])
    except ArenaError as refusal:
        refused(refusal, {}, "r").body.encode()
        return False
    return True


def signed_changes(changes: Any) -> dict[str, Any]:
    """The wire form of an event about ``changes``, signed by a region. Raises ``MalformedEnvelope``."""
    return signed(changes).wire()
