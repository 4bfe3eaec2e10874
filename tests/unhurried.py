"""An arena for what is not about time: test machines are busy."""

from functools import cached_property
from typing import Final

from chalicelib import wiring
from chalicelib.cache.door import RedisDoor
from chalicelib.data.shared_metrics import MongoSharedMetrics
from chalicelib.monitoring.reports import SharedMetrics
from chalicelib.settings import split_urls
from tests.redis_doors import UNHURRIED

PATIENCE_SECONDS: Final = 20.0


class UnhurriedArena(wiring.Arena):
    """Nobody counts alone, reads past the cache, tells nothing or takes the database for dead by accident: its doors to
    Redis have time, and so has MongoDB to say that it is there and to note what was counted."""

    ping_budget_seconds = PATIENCE_SECONDS

    @cached_property
    def redis(self) -> RedisDoor | None:
        return self._unhurried()

    @cached_property
    def patient_redis(self) -> RedisDoor | None:
        return self._unhurried()

    @cached_property
    def shared_metrics(self) -> SharedMetrics:
        if self.redis is not None:
            return super().shared_metrics
        return MongoSharedMetrics(self.operations, flush_seconds=PATIENCE_SECONDS)

    def _unhurried(self) -> RedisDoor | None:
        urls, cluster = self.settings.redis_url, self.settings.redis_mode == "cluster"
        if urls is None:
            return None
        return RedisDoor.from_urls(split_urls(urls), cluster=cluster, limits=UNHURRIED, observer=self.meters.cache)
