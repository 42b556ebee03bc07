"""One local system with the mock, for all tests of this directory that leave it as it was."""

from collections.abc import Iterator

import pytest

from local.system import LocalSystem
from tests.system.client import Client, running


@pytest.fixture(scope="session")
def mocked() -> Iterator[tuple[LocalSystem, Client]]:
    with running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="100") as system:
        yield system
