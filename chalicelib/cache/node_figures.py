"""What the cache's nodes say of themselves."""

from chalicelib.cache.door import CacheUnavailable, RedisDoor
from chalicelib.monitoring.ports import CacheNodeFigures


class RedisNodeFigures:
    """``ports.CacheNodes``: what each master says of itself."""

    def __init__(self, door: RedisDoor) -> None:
        self._door = door

    def figures(self) -> list[CacheNodeFigures]:
        """A master that does not answer is left out; raises ``CacheUnavailable`` when none does."""
        answers = self._door.execute_each("INFO", "server", "memory", "stats").values()
        texts = [answer for answer in answers if not isinstance(answer, CacheUnavailable)]
        return [_figures(text) for text in texts]


def _figures(info: str) -> CacheNodeFigures:
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return CacheNodeFigures(
        # Not its address: the page may be read by anybody.
        node=fields["run_id"][:8],
        memory_used_bytes=int(fields["used_memory"]),
        operations_per_second=int(fields["instantaneous_ops_per_sec"]),
    )
