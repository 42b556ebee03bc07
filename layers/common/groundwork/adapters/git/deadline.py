"""A time limit for a server, enforced by shutting down its connections.

A socket timeout restarts with each byte, and a read waits for its full length. So a server sending one byte every half
minute would hold a worker until it is killed.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Deadline:
    """Shuts down each registered connection when the time is up; `expired` from then on."""

    def __init__(self) -> None:
        self.expired = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(max(0.0, seconds), self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                for socket_ in self._sockets:
                    socket_.close()
                self._sockets.clear()

    def pools(self) -> dict[str, Any]:
        """Return urllib3 pools by scheme; their connections register before sending a byte."""
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
        from urllib3.connection import HTTPConnection, HTTPSConnection

        deadline = self

        class Connection(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return deadline._register(super()._new_conn())

        class SafeConnection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return deadline._register(super()._new_conn())

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        class SafePool(HTTPSConnectionPool):
            ConnectionCls = SafeConnection

        return {"http": Pool, "https": SafePool}

    def _register(self, connection: socket.socket) -> socket.socket:
        # a duplicate descriptor of our own: TLS replaces the socket object
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(connection.fileno())))
            # a connection made after the end: the timer has fired and does not come again
            if self.expired:
                _cut(self._sockets[-1])
        return connection

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            for socket_ in self._sockets:
                _cut(socket_)


def _cut(socket_: socket.socket) -> None:
    with suppress(OSError):
        # a shutdown wakes a blocked read; a close of this duplicate would not
        socket_.shutdown(socket.SHUT_RDWR)
