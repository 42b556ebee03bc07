"""Event loop without waits: it jumps to its next timer if nothing else is pending.

The simulator's loop has no threads and no sockets. Here workers access real tables in threads, so time passes normally
until the last thread has answered.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

_skipped_s = 0.0


def monotonic() -> float:
    """Return seconds of a monotonic clock, advanced by the loops of this process."""
    return time.monotonic() + _skipped_s


def now_ms() -> int:
    """Return milliseconds since 1970, advanced likewise."""
    return round((time.time() + _skipped_s) * 1000)


class SkippingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._in_threads = 0
        super().__init__(_SkippingSelector(self))

    def time(self) -> float:
        return monotonic()

    def may_skip(self) -> bool:
        return self._in_threads == 0

    def run_in_executor[*Ts, T](
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._answered)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncio's own
        # it also waits for a thread, and its timeout must not be skipped
        self._in_threads += 1
        await super().shutdown_default_executor(timeout)

    def _answered(self, future: asyncio.Future[Any]) -> None:
        self._in_threads -= 1


class _SkippingSelector(selectors.DefaultSelector):
    def __init__(self, loop: SkippingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or not self._loop.may_skip():
            return super().select(timeout)
        global _skipped_s
        _skipped_s += timeout
        return super().select(0)
