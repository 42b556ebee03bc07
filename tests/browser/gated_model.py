"""A model gated by the test, to look at a run in the middle for as long as needed."""

import threading

from tests.anthropic_server.faults import Call, Fault


class GatedModel:
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
