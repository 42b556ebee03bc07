"""A model that answers when it is let, so that a test can look at a run in its middle for as long as it takes."""

import threading

from tests.anthropic_server.faults import Call, Fault


class Gate:
    """A script of an AnthropicServer: calls wait until some are let through, or all are."""

    def __init__(self) -> None:
        self._let, self._open = threading.Semaphore(0), threading.Event()

    def __call__(self, call: Call) -> Fault | None:
        while not self._open.is_set() and not self._let.acquire(timeout=0.05):
            pass
        return None

    def let(self, calls: int) -> None:
        self._let.release(calls)

    def open(self) -> None:
        self._open.set()
