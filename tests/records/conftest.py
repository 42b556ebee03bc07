"""Continue recorded work without the waits between its calls."""

from tests.runs.clock import SkippingLoop


def pytest_asyncio_loop_factories() -> dict[str, type[SkippingLoop]]:
    return {"skipping": SkippingLoop}
