"""SIGINT and SIGTERM as a condition to wait for."""

import select
import signal
import socket


class StopSignal:
    """Records SIGINT and SIGTERM from its creation on. Create it once, in the main thread.

    A threading.Event would miss a signal between its last check and its sleep, as Python runs handlers only while the
    main thread runs. Here the interpreter itself writes a byte at once.
    """

    def __init__(self) -> None:
        self._receiver, sender = socket.socketpair()
        sender.setblocking(False)
        # Never closed: a second signal may come during the shutdown.
        signal.set_wakeup_fd(sender.detach())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float | None = None) -> bool:
        """Sleep until the first signal or the timeout in seconds; return True after a signal."""
        # The byte stays unread: after a signal every later wait returns at once.
        return bool(select.select([self._receiver], [], [], seconds)[0])
