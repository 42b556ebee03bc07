"""The relay in a box: connects the proxy's port to the agent's socket."""

import contextlib
import os
import select
import socket
import sys
import threading
from collections.abc import Sequence

PROXY_PORT = 3128


def pump(one: socket.socket, other: socket.socket, idle: float = 120.0) -> None:
    """Copy bytes in both directions until both sides have closed."""
    ends = {one: other, other: one}
    while ends:
        readable, _, _ = select.select(list(ends), [], [], idle)
        if not readable:
            return
        for source in readable:
            data = source.recv(65536)
            if data:
                ends[source].sendall(data)
            else:
                with contextlib.suppress(OSError):
                    # the other direction may still carry an answer
                    ends[source].shutdown(socket.SHUT_WR)
                del ends[source]


def relay(argv: Sequence[str]) -> None:
    """Serve the proxy's port inside a box in a child process, then exec the command."""
    listener = socket.create_server(("127.0.0.1", PROXY_PORT), backlog=64)
    # the parent becomes the command: its exit code needs no forwarding
    if os.fork() == 0:
        null = os.open(os.devnull, os.O_RDWR)
        # holding the command's output open would keep its log from ending
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_relay_one, args=(connection,), daemon=True).start()
    listener.close()
    try:
        os.execvp(argv[0], list(argv))
    except OSError as exc:
        sys.exit(f"{argv[0]}: {exc.strerror}")


def _relay_one(connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection, socket.socket(socket.AF_UNIX) as upstream:
        upstream.connect("/run/proxy/socket")
        pump(connection, upstream)
