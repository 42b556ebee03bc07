"""The end of a server's time, kept though it sends a byte now and then: its connections are cut off.

A timeout of a socket begins anew with each byte, and a read of a length waits for all of it: a server that sends one
byte in each half minute would hold a worker until that is killed.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Deadline:
    """Cuts off each connection that it was told of when the time is up; `passed` from then on."""

    def __init__(self) -> None:
        self.passed = False
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(max(0.0, seconds), self._pass)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                for end in self._ends:
                    end.close()
                self._ends.clear()

    def pools(self) -> dict[str, Any]:
        """urllib3's pools by scheme, whose connections tell of themselves before a byte is sent."""
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
        from urllib3.connection import HTTPConnection, HTTPSConnection

        deadline = self

        class Connection(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return deadline._told(super()._new_conn())

        class SafeConnection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return deadline._told(super()._new_conn())

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        class SafePool(HTTPSConnectionPool):
            ConnectionCls = SafeConnection

        return {"http": Pool, "https": SafePool}

    def _told(self, connection: socket.socket) -> socket.socket:
        # an end of our own: TLS takes the socket itself away, and hands out another
        with self._lock:
            self._ends.append(socket.socket(fileno=os.dup(connection.fileno())))
            if self.passed:
                _cut(self._ends[-1])
        return connection

    def _pass(self) -> None:
        with self._lock:
            self.passed = True
            for end in self._ends:
                _cut(end)


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
