"""A git server on 127.0.0.1 with one repository, and servers with faults."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

type Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """requests are checked by the tests themselves"""


@contextmanager
def serving(application: Application) -> Iterator[str]:
    """Yield the URL of a server running the application."""
    server = make_server("127.0.0.1", 0, application, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def git_server(folder: Path, user: str = "", password: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield the repository's URL and the Authorization headers of all requests."""
    with Repo(str(folder)) as repo:
        served: dict[str, Any] = {"/team/app": repo}
        chain = make_wsgi_chain(DictBackend(served))
        seen: list[str] = []
        expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

        def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            seen.append(environ.get("HTTP_AUTHORIZATION", ""))
            if user and seen[-1] != expected:
                start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
                return [b""]
            return chain(environ, start_response)

        with serving(application) as url:
            yield f"{url}/team/app", seen


def answering(status: str, body: bytes = b"", **headers: str) -> Application:
    """Return the same response to every request."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        start_response(status, [(name.replace("_", "-"), value) for name, value in headers.items()])
        return [body]

    return application


def endless(pause_s: float = 0.0, piece: bytes = b"x" * 65_000) -> Application:
    """Send an endless response that looks like references."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        start_response("200 OK", [("Content-Type", "application/x-git-upload-pack-advertisement")])
        while True:
            time.sleep(pause_s)
            yield f"{len(piece) + 4:04x}".encode() + piece

    return application
