"""Proxy with an allow-list: the only network access of set-up."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import socketserver
import threading
import urllib.parse
from collections.abc import Sequence
from typing import Any

from .refusal import Refused
from .relay import PROXY_PORT, pump

__all__ = ["PROXY_PORT", "Egress", "ProxyServer"]

MAX_CONNECTIONS = 64
"""Connections at a time; package managers use at most 50.

Each takes a thread and two descriptors of the agent.
"""

HEAD_SECONDS = 10
IDLE_SECONDS = 120


class Egress:
    """The allow-list. Hosts in `own` come from the machine's owner and may be private."""

    def __init__(self, own: Sequence[str] = ()) -> None:
        self.own = tuple(own)
        self.given: tuple[str, ...] = ()

    def address(self, host: str, port: int) -> tuple[str, int]:
        """Return the address to connect to. Raises Refused."""
        own = _listed(self.own, host, port)
        if not own and not _listed(self.given, host, port):
            raise Refused(403, "HOST", f"{host}:{port} is not an allowed host")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise Refused(502, "HOST", f"{host} has no address") from exc
        for *_, address in found:
            # connect to the address that was checked: a second lookup could return another one
            if own or _is_public(str(address[0])):
                return str(address[0]), port
        raise Refused(403, "HOST", f"{host} leads to an address that is not public")


def _listed(entries: Sequence[str], host: str, port: int) -> bool:
    for entry in entries:
        name, _, number = entry.lower().partition(":")
        # an entry without a port means the web: other services of the host stay closed
        if (port not in (80, 443)) if not number else number != str(port):
            continue
        if host.lower() == name or (name.startswith("*.") and host.lower().endswith(name[1:])):
            return True
    return False


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # a mapped address reaches its IPv4 host, such as a cloud's metadata service
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped.is_global
        # NAT64 and 6to4 carry an IPv4 address inside, possibly a private one
        if ip in ipaddress.ip_network("64:ff9b::/96") or ip in ipaddress.ip_network("2002::/16"):
            return False
    return ip.is_global and not ip.is_multicast


class ProxyHandler(socketserver.StreamRequestHandler):
    """One connection of set-up: CONNECT, or a plain HTTP request with an absolute URL."""

    timeout = HEAD_SECONDS
    server: ProxyServer

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            try:
                method, target, head = self._read_head()
                host, port, first = _destination(method, target, head)
                address = self.server.egress.address(host, port)
                upstream = socket.create_connection(address, timeout=30)
            except Refused as exc:
                self._answer(f"{exc.status} {exc}")
                return
            except OSError as exc:
                self._answer(f"502 {type(exc).__name__}")
                return
            with upstream:
                if method == "CONNECT":
                    self._answer("200 Connection established", body=False)
                self.connection.settimeout(IDLE_SECONDS)
                upstream.sendall(first)
                pump(self.connection, upstream)

    def _read_head(self) -> tuple[str, str, bytes]:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(8192)
            head += line
            if not line or len(head) > 65536:
                raise Refused(400, "HEAD", "not a request")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        return method, target, head

    def _answer(self, line: str, body: bool = True) -> None:
        more = "Content-Length: 0\r\nConnection: close\r\n" if body else ""
        self.wfile.write(f"HTTP/1.1 {line}\r\n{more}\r\n".encode("latin-1", "replace"))


def _destination(method: str, target: str, head: bytes) -> tuple[str, int, bytes]:
    """Return host and port of a request, and the first bytes to send there."""
    if method == "CONNECT":
        host, _, port = target.rpartition(":")
        return host.strip("[]"), int(port), b""
    parts = urllib.parse.urlsplit(target)
    if parts.scheme != "http" or not parts.hostname:
        raise Refused(400, "URL", "only http URLs and CONNECT are accepted")
    path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    lines = head.split(b"\r\n")[1:-2]
    # the connection is copied unread from here on: a second request must not reuse it for another host
    kept = [line for line in lines if not line.lower().startswith((b"proxy-", b"connection:"))]
    first = [f"{method} {path} HTTP/1.1".encode("latin-1"), *kept, b"Connection: close", b"", b""]
    return parts.hostname, parts.port or 80, b"\r\n".join(first)


class ProxyServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The proxy's socket.

    Set-up may open any number of connections: those beyond the limit are closed.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: str, egress: Egress, max_connections: int = MAX_CONNECTIONS) -> None:
        self.egress = egress
        self._free = threading.BoundedSemaphore(max_connections)
        super().__init__(path, ProxyHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            # no thread has started to give the place back
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do nothing: broken connections are normal."""
