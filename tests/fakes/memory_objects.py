"""``ObjectStore`` in memory."""

from collections.abc import Iterator, Sequence

from chalicelib.backup.ports import NoSuchObject, Stored


class MemoryObjects:
    """Objects of one process; ``objects`` may be damaged by hand."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    @property
    def where(self) -> str:
        return "memory"

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = bytes(body)

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise NoSuchObject(key)
        return self.objects[key]

    def list(self, prefix: str) -> Iterator[Stored]:
        yield from [Stored(key, len(body)) for key, body in sorted(self.objects.items()) if key.startswith(prefix)]

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)
