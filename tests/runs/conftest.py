"""Workers on real tables, without the waits between their calls."""

from tests.runs.clock import SkippingLoop


def pytest_asyncio_loop_factories() -> dict[str, type[SkippingLoop]]:
    return {"skipping": SkippingLoop}
