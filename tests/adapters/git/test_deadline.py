"""A server that trickles bytes is cut off at its deadline."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from groundwork.adapters.git.clone import Bounds
from groundwork.adapters.git.repository import open_repository
from groundwork.agent.repository import RepositoryUnreachable
from groundwork.plans.repositories import Repository

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n"
BODY = b"\r\n001e# service=git-upload-pack\n0000ffff"

type Dripping = Callable[[bytes], tuple[str, threading.Event]]


@pytest.fixture
def dripping() -> Iterator[Dripping]:
    """A server sending its text at once, and then a byte each tenth of a second."""
    over = threading.Event()
    servers: list[socket.socket] = []

    def serve(server: socket.socket, first: bytes, left: threading.Event) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(first)
            try:
                for _ in range(1_000):
                    connection.sendall(b"x")
                    if over.wait(0.1):
                        break
            except OSError:
                left.set()

    def start(first: bytes) -> tuple[str, threading.Event]:
        server, left = socket.create_server(("127.0.0.1", 0)), threading.Event()
        servers.append(server)
        threading.Thread(target=serve, args=(server, first, left), daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/app.git", left

    yield start
    over.set()
    for server in servers:
        server.close()


@pytest.mark.parametrize("first", [HEAD + BODY, HEAD + b"x-more: "], ids=["its answer", "its headers"])
def test_a_server_that_answers_for_ever_is_left_when_its_time_is_up(
    dripping: Dripping, tmp_path: Path, first: bytes
) -> None:
    url, left = dripping(first)
    repository = Repository(id="rek3v9x2m4q8", name="App", url=url, created_at="2026-01-01T00:00:00.000Z")
    bounds = Bounds(seconds=1.0)
    with (
        pytest.raises(RepositoryUnreachable, match="longer than 1 seconds"),
        open_repository(repository, str, tmp_path / "clone", local=False, bounds=bounds) as upstream,
    ):
        upstream.head("groundwork/plan", "main")
    assert left.wait(60)
