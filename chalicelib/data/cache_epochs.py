"""The epochs of what is cached."""

from chalicelib.arena.cache_epochs import COLLECTION, renewal
from chalicelib.data.operations import FindOne, Operations, Update


class MongoCacheEpochs:
    """``cache.read_through.Epochs``. Read from the primary: a secondary may not have heard of the last change."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def current(self, entity: str) -> str:
        found = self._operations.execute(FindOne(COLLECTION, {"_id": entity}))
        return "" if found is None else str(found["epoch"])

    def renew(self, entity: str) -> None:
        self._operations.execute(Update([renewal(entity)]))
