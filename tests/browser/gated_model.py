"""A model gated by the test, to look at a run in the middle for as long as needed."""

import threading

from tests.anthropic_server.faults import Call, Fault


class GatedModel:
    """A script of an AnthropicServer: calls wait until some are let through, or all are."""

    def __init__(self) -> None:
        self._let, self._open, self._reached = threading.Semaphore(0), threading.Event(), threading.Event()

    def __call__(self, call: Call) -> Fault | None:
        self._reached.set()
        while not self._open.is_set() and not self._let.acquire(timeout=0.05):
            pass
        return None

    def wait_for_call(self) -> None:
        """Wait until a call has come, so that a worker is in the middle of its turn."""
        assert self._reached.wait(120)

    def let(self, calls: int) -> None:
        self._let.release(calls)

    def open(self) -> None:
        self._open.set()
