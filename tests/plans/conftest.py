"""Generate and review plans without the waits between tries."""

from tests.runs.clock import SkippingLoop


def pytest_asyncio_loop_factories() -> dict[str, type[SkippingLoop]]:
    return {"skipping": SkippingLoop}
