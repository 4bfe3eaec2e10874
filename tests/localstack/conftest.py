"""One LocalStack for the whole suite; a test that ends one starts its own."""

from collections.abc import Iterator

import pytest

from tests.localstack.running import RunningLocalStack, running_localstack


@pytest.fixture(scope="package")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLocalStack]:
    """A running LocalStack with the plug-in."""
    with running_localstack(tmp_path_factory.mktemp("localstack")) as running:
        yield running
