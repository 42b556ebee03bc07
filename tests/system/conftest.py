"""One local system with the mock a module.

Two at once in one process would share moto: the second resets it.
"""

from collections.abc import Iterator

import pytest

from local.system import LocalSystem
from tests.system.client import Client, running


@pytest.fixture(scope="module")
def mocked() -> Iterator[tuple[LocalSystem, Client]]:
    with running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="100") as system:
        yield system
