"""The agent's protocol over HTTP."""

from __future__ import annotations

import json
import socket
import socketserver
import urllib.parse
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from .refusal import Refused
from .service import HOOKS, Agent

MAX_BODY = 1024 * 1024


class Handler(BaseHTTPRequestHandler):
    """Handles the protocol's requests. Each body is read to its end before the response."""

    protocol_version = "HTTP/1.1"
    timeout = 300
    # buffered: head and body leave in one write
    wbufsize = -1
    server: AgentServer

    def do_GET(self) -> None:
        self._serve()

    do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        self._left = int(self.headers.get("Content-Length") or 0)
        try:
            status, answer = self._route()
        except Refused as exc:
            status, answer = exc.status, {"error": exc.code, "message": str(exc)}
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            status, answer = 400, {"error": "BAD_REQUEST", "message": f"{type(exc).__name__}: {exc}"}
        except OSError as exc:
            # usually a full tmpfs: its size and number of files are limited
            status, answer = 507, {"error": "DISK", "message": exc.strerror or type(exc).__name__}
        # an answer before the end of the body would reset the connection
        while self._left > 0 and self.read(65536):
            pass
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def read(self, size: int) -> bytes:
        """Read from the body, never beyond its end."""
        data = self.rfile.read(min(size, self._left))
        self._left = self._left - len(data) if data else 0
        return data

    def _json(self) -> dict[str, Any]:
        if self._left > MAX_BODY:
            raise Refused(413, "TOO_LARGE", "the request is too large")
        body = json.loads(self.read(self._left) or b"{}")
        if not isinstance(body, dict):
            raise Refused(400, "BAD_REQUEST", "the body must be an object")
        return body

    def _route(self) -> tuple[int, dict[str, Any]]:
        agent, url = self.server.agent, urllib.parse.urlsplit(self.path)
        # hooks set the token, so they have a socket of their own, out of the callers' reach
        if self.server.hooks:
            if not url.path.startswith(HOOKS):
                raise Refused(404, "NOT_FOUND", "only hooks here")
            return agent.hook(url.path[len(HOOKS) :], self._json())
        if not agent.knows(self.headers.get("X-Groundwork-Token") or ""):
            raise Refused(401, "TOKEN", "not this sandbox's token")
        query = dict(urllib.parse.parse_qsl(url.query))
        return 200, self._answer(agent, self.command, url.path.strip("/").split("/"), query)

    def _answer(self, agent: Agent, method: str, path: list[str], query: Mapping[str, str]) -> dict[str, Any]:
        match (method, path):
            case ("GET", ["v1", "health"]):
                return agent.health()
            case ("PUT", ["v1", "tree"]):
                return agent.put(self.read, self._left, query.get("clean") == "1")
            case ("GET", ["v1", "changes"]):
                ignored = frozenset(filter(None, query.get("ignored", "").split("/")))
                with agent.idle() as workspace:
                    return workspace.changes(int(query["bytes"]), int(query["files"]), ignored)
            case ("POST", ["v1", "setup", "save" | "restore" as what]):
                return agent.setup(what, self._json())
            case (_, ["v1", "commands", name]):
                return self._command(agent, method, name, query)
        raise Refused(404, "NOT_FOUND", "no such request")

    def _command(self, agent: Agent, method: str, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        if method in ("PUT", "POST"):
            return agent.start(name, self._json())
        command = agent.command(name)
        if method == "DELETE":
            command.kill()
            # an offset beyond any log: only the end wakes this wait
            command.wait(command.log.total + 2**40, 10)
            return command.page(2**62)
        offset = int(query.get("offset", 0))
        command.wait(offset, min(float(query.get("wait", 0)), 30))
        return command.page(offset)

    def log_message(self, format: str, *args: Any) -> None:
        """Do nothing: the caller logs requests."""


class AgentServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, agent: Agent, place: Mapping[str, int], *, hooks: bool) -> None:
        self.agent, self.hooks = agent, hooks
        super().__init__(("127.0.0.1", place.get("port", 0)), Handler, bind_and_activate=False)
        if "fd" in place:
            self.socket.close()
            self.socket = socket.socket(fileno=place["fd"])
        else:
            self.server_bind()
            self.server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.socket.family != socket.AF_UNIX:
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # a Unix socket's client has no address, but the request handler wants one
        super().process_request(request, client_address or ("", 0))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do nothing: a lost caller is not an error."""
