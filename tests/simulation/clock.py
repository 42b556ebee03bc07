"""Asyncio event loop on virtual time: when all tasks wait, it jumps to the next timer."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class NothingLeft(Exception):
    """All tasks wait, and no timer is left to wake one."""


class _Selector:
    """Move the clock instead of waiting; there are no files to wait for."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise NothingLeft
        self._loop.now += max(0.0, timeout)
        return []

    def close(self) -> None:
        return None


class VirtualLoop(asyncio.BaseEventLoop):
    """Event loop with its own clock: `now` is in seconds since the simulation's start."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._selector = _Selector(self)

    def time(self) -> float:
        return self.now

    def _process_events(self, event_list: list[Any]) -> None:
        return None

    def _write_to_self(self) -> None:
        return None


def on_virtual_time[T](main: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run `main` to its end, then cancel all tasks left running.

    It takes as long as the computation, without the waits.
    """
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
