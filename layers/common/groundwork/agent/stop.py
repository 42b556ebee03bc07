"""Work that ends early when its session is stopped."""

import asyncio
from collections.abc import Awaitable


async def unless_stopped[T](work: Awaitable[T], stop: asyncio.Event) -> T | None:
    """Return the result of the work; once `stop` is set, cancel the work and return None.

    Work that ends at the same moment as the stop is kept: a model's turn has been billed. Raises what the work raises.
    """
    working, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for task in (working, stopped):
            task.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)
