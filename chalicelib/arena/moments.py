"""Instants as the game stores them: UTC, whole milliseconds."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def as_moment(value: object) -> datetime | None:
    """``value`` as an aware UTC datetime (a naive one is read as UTC, as BSON means it), or None when it is no date."""
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware ``moment``, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def from_epoch_ms(milliseconds: float) -> datetime:
    """The UTC instant ``milliseconds`` after 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def utc_day(now: datetime) -> str:
    """The UTC date of ``now`` as YYYY-MM-DD, the key of the day's counters."""
    return now.astimezone(UTC).date().isoformat()
