"""Fixtures every suite may ask for, and the order of the suites."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.logged import logged
from tests.schedule import CLOUDS, ByFile, place
from tests.servers import (
    caches,
    database,
    fresh_database,
    lender,
    mongo_client,
    mongo_three_uri,
    mongo_uri,
    valkey_cluster,
    valkey_url,
)
from tests.telling import Telling

__all__ = [
    "caches",
    "database",
    "fresh_database",
    "lender",
    "logged",
    "mongo_client",
    "mongo_three_uri",
    "mongo_uri",
    "valkey_cluster",
    "valkey_url",
]


CLOUD_TEST_SECONDS = 1200

# Property tests try the same examples each time, and print what reproduces a failure; none is judged by the clock, nor
# by how fast its examples come, nor by how many of the first were drawn larger than they are taken.
settings.register_profile(
    "arena",
    derandomize=True,
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "explore",
    parent=settings.get_profile("arena"),
    derandomize=False,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
)
settings.load_profile("arena")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Telling(terminal))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Local clouds last, so that a mistake shows early; first where several processes share the tests."""
    shared = hasattr(config, "workerinput")

    def suite(item: pytest.Item) -> str:
        return item.path.relative_to(Path(__file__).parent).parts[0]

    items.sort(key=lambda item: place(suite(item)) if shared else int(suite(item) in CLOUDS))
    for item in items:
        # Whichever of them comes first waits for the cloud to come up, on a busy machine for minutes.
        if suite(item) in (*CLOUDS, "localstack") and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(CLOUD_TEST_SECONDS))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
