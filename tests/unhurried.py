"""An arena for what is not about time: test machines are busy."""

from functools import cached_property

from chalicelib import wiring
from chalicelib.cache.door import RedisDoor
from chalicelib.settings import split_urls
from tests.redis_doors import UNHURRIED


class UnhurriedArena(wiring.Arena):
    """Its doors to Redis have time, so that nobody counts alone, reads past the cache or tells nothing by accident."""

    @cached_property
    def redis(self) -> RedisDoor | None:
        return self._unhurried()

    @cached_property
    def patient_redis(self) -> RedisDoor | None:
        return self._unhurried()

    def _unhurried(self) -> RedisDoor | None:
        urls, cluster = self.settings.redis_url, self.settings.redis_mode == "cluster"
        if urls is None:
            return None
        return RedisDoor.from_urls(split_urls(urls), cluster=cluster, limits=UNHURRIED, observer=self.meters.cache)
