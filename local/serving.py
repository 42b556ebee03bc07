"""HTTP servers of WSGI applications."""

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from waitress.server import create_server
from werkzeug.serving import WSGIRequestHandler, make_server

type Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

THREADS = 40
"""Concurrent requests of the HTTP API; more would only wait for a sandbox."""

MAX_CONNECTIONS = 2_000
MANY_CONNECTIONS = 50
REST_S = 0.003

# waitress warns of every request waiting for a thread; here this is intended.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class CannotListen(Exception):
    """The system cannot listen on the address."""


class PortInUse(CannotListen):
    """Another program listens on the port; `instead` is a setting with the next free port."""

    def __init__(self, message: str, host: str, port: int) -> None:
        super().__init__(message)
        self.instead = f"PORT={_next_free(host, port)}"


class Server:
    """Server of the HTTP API, with keep-alive, from creation to `close`.

    Port 0 takes a free port. Raises CannotListen.
    """

    def __init__(self, app: Wsgi, host: str, port: int) -> None:
        listener = _listen(host, port)
        self.port: int = listener.getsockname()[1]
        self.url = _url(host, self.port)
        self._map: dict[int, Any] = {}
        self._server: Any = create_server(
            app,
            map=self._map,
            sockets=[listener],
            threads=THREADS,
            connection_limit=MAX_CONNECTIONS,
            # select() fails for descriptors above 1,023.
            asyncore_use_poll=True,
            ident=None,
            # The function judges proxy headers, as behind API Gateway.
            clear_untrusted_proxy_headers=False,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop accepting requests and free the port; requests in progress get half a second."""
        self._stopping.set()
        # Wakes the loop from its poll.
        self._server.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=0.5)
        for channel in list(self._map.values()):
            channel.close()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._server.asyncore.loop(timeout=1.0, use_poll=True, map=self._map, count=1)
            # Each turn looks at every connection. With many of them, a rest lets one turn serve several events.
            if len(self._map) > MANY_CONNECTIONS:
                self._stopping.wait(REST_S)


class ThreadedServer:
    """Server of the local AWS; a thread for each request, as invocations may wait for others."""

    def __init__(self, app: Wsgi, host: str, port: int) -> None:
        # werkzeug exits the process on a bind error, so it gets a bound socket.
        with _listen(host, port) as listener:
            self._server = make_server(host, port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno())
        self.port: int = self._server.port
        self.url = _url(host, self.port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop accepting requests and free the port."""
        self._server.shutdown()
        self._thread.join()


class _Quiet(WSGIRequestHandler):
    disable_nagle_algorithm = True  # head and body are two writes; Nagle would hold the second for 40 ms

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing: a line for each request would hide the functions' logs."""


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as undo:
            listener = undo.enter_context(socket.socket(family, kind, protocol))
            # Connections of the previous system may linger on the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1024)
            undo.pop_all()
    except OSError as exc:
        message = f"Cannot listen on {host}:{port}: {exc.strerror}"
        if exc.errno == errno.EADDRINUSE:
            raise PortInUse(message, host, port) from exc
        raise CannotListen(message) from exc
    except UnicodeError as exc:
        raise CannotListen(f"Cannot listen on {host}:{port}: the host name is invalid") from exc
    return listener


def _next_free(host: str, port: int) -> int:
    """Return the first free port among the next 100, or 0 (any free port)."""
    for candidate in range(port + 1, min(port + 100, 65_536)):
        with contextlib.suppress(OSError), socket.create_server((host, candidate)):
            return candidate
    return 0
