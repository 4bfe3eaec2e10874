"""Makes cached values go when what they show has changed.

===================================  ==============================================================================
After a change                       a cached value from before it is shown
===================================  ==============================================================================
committed, Redis reached             no longer: the cache is dropped before the change is answered
committed, Redis not reached         at most ``MARK_SECONDS`` by those who reach Redis: the entity's epoch was changed
of a ``DURABLE`` entity, whatever    at most ``MARK_SECONDS``, even if this process dies right after the commit or a
happens then                         failover of Redis brings the dropped values back: the epoch is part of the commit
of another entity, where the         until its time is over (``cached_values``): at most 35 s for guilds, 70 s for
process dies or Redis fails over     seasons
===================================  ==============================================================================

Every entry tells the epoch its source had before it was loaded, and is believed only while that is the current one.
Redis holds the current epoch for ``MARK_SECONDS``, then whoever reads next fetches it from the database. So when Redis
comes back from an outage, nothing from before a change that was made meanwhile is shown.
"""

from collections.abc import Callable, Sequence

from chalicelib.arena.cache_epochs import renewal
from chalicelib.arena.ports import Write
from chalicelib.cache.cached_values import COLLECTIONS, DURABLE, INVALIDATES, Cache
from chalicelib.cache.door import CacheUnavailable
from chalicelib.cache.read_through import Epochs
from chalicelib.cache.stored_values import StoredValues
from chalicelib.errors import Unavailable

Failed = Callable[[str, Exception], None]
"""Is told of which entity cached values may still be shown for a while, and why."""


class Invalidation:
    """``ports.CommitWatch``. Nothing but ``Unavailable`` of ``replicated`` is ever raised: the change stands."""

    def __init__(self, stored: StoredValues, epochs: Epochs, failed: Failed) -> None:
        self._stored = stored
        self._epochs = epochs
        self._failed = failed

    def beside(self, writes: Sequence[Write]) -> Sequence[Write]:
        return [renewal(entity) for entity in sorted(_entities(writes) & DURABLE)]

    def committed(self, writes: Sequence[Write]) -> None:
        for entity in sorted(_entities(writes)):
            self.changed(entity)

    def changed(self, entity: str) -> None:
        """Drops what a change of ``entity``, already stored, has made untrue."""
        caches = INVALIDATES.get(entity, ())
        if not caches:
            return
        # Once more after a failure: an answer that came too late is no outage.
        failure = self._drop(caches) and self._drop(caches)
        if failure is not None:
            self._failed(entity, failure)
            try:
                self._epochs.renew(entity)
            except Unavailable as unavailable:
                self._failed(entity, unavailable)

    def replicated(self, entity: str, key: str) -> None:
        """To be called after a change of another region was applied here; ``entity`` and ``key`` as in its event.

        Call it for events that turn out to be applied already, too: whoever applied them may have died before. Raises
        ``Unavailable`` when the event should be delivered again.
        """
        if entity in DURABLE:
            try:
                self._epochs.renew(entity)
            except Unavailable as error:
                self._failed(f"{entity} {key}", error)
                raise
        self.changed(entity)

    def _drop(self, caches: Sequence[Cache]) -> CacheUnavailable | None:
        try:
            self._stored.drop(caches)
        except CacheUnavailable as error:
            return error
        return None


def _entities(writes: Sequence[Write]) -> frozenset[str]:
    return frozenset(COLLECTIONS[write.collection] for write in writes if write.collection in COLLECTIONS)
