"""The signals that end a program which serves until it is told to stop."""

import select
import signal
import socket


class StopSignal:
    """From its creation on SIGINT and SIGTERM are only noted, for whoever waits. Made once, in the main thread.

    An Event would miss a signal that comes between its last look and its sleep: Python runs handlers only when the main
    thread runs. The byte is written by the interpreter itself, at once.
    """

    def __init__(self) -> None:
        self._told, telling = socket.socketpair()
        telling.setblocking(False)
        # never closed: a second signal may come while the first is obeyed
        signal.set_wakeup_fd(telling.detach())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float | None = None) -> bool:
        """Sleeps for so many seconds, or for ever, but never beyond the first signal; whether there has been one."""
        # looked at and not taken: once told, every later wait ends at once
        return bool(select.select([self._told], [], [], seconds)[0])
