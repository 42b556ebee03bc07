"""Import runs on real tables, without the waits between attempts."""

import pytest

from tests.runs.clock import SkippingLoop


def pytest_asyncio_loop_factories() -> dict[str, type[SkippingLoop]]:
    return {"skipping": SkippingLoop}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry failed items at once."""
    monkeypatch.setattr("groundwork.runs.retry.ITEM_RETRY_DELAYS_MS", (1, 1))
