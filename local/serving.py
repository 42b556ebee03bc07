"""A WSGI application on a port, in threads of its own."""

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server


class PortInUse(Exception):
    """Another program listens on the port."""


class _Quiet(WSGIRequestHandler):
    disable_nagle_algorithm = True  # head and body are two writes; Nagle would hold the second for 40 ms

    def log(self, type: str, message: str, *args: Any) -> None:
        """The functions' own logs say what happened; a line for each request hides them."""


class Server:
    """Serves from its creation to its close; port 0 takes a free one. Raises PortInUse."""

    def __init__(self, app: Callable[[dict[str, Any], Any], Iterable[bytes]], host: str, port: int) -> None:
        # werkzeug exits the process when it cannot bind, so it gets a socket that is bound already
        with _listen(host, port) as listener:
            self._server = make_server(host, port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno())
        self.port: int = self._server.port
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops accepting requests and frees the port."""
        self._server.shutdown()
        self._thread.join()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as exc:
        raise PortInUse(f"cannot listen on {host}:{port}: {exc.strerror}") from exc
    return listener
