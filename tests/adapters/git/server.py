"""A real git server on 127.0.0.1 (git http-backend) with a password and injected faults."""

import base64
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from groundwork.plans.repositories import Repository

USER, TOKEN = "robot", "a-token-nobody-may-see"
SECRET = "groundwork/app"
EXPECTED = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
IDENTITY = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org"} | {
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}

type Fault = str
"""Faults of a request.

`status` (503), `before` (not executed), `after` (executed, no response), `half` (half of the response), `cut` (the
server receives half of the request).
"""


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a folder without user configuration; return its output."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"} | IDENTITY
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, input=stdin, capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout.decode().strip()


@dataclass
class GitServer:
    """A bare repository and its server; each request of the named service takes the next fault."""

    folder: Path
    url: str = ""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    before_push: list[Callable[[], object]] = field(default_factory=list)
    after_push: list[Callable[[], object]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def repository(self) -> Repository:
        return Repository(
            id="rek3v9x2m4q8",
            name="App",
            url=self.url,
            credentials_secret=SECRET,
            created_at="2026-01-01T00:00:00.000Z",
        )

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)

    def log(self, branch: str, form: str = "%s") -> list[str]:
        return self.git("log", f"--format={form}", branch).splitlines()

    def show(self, branch: str, path: str) -> str:
        return self.git("show", f"{branch}:{path}")

    def paths(self, branch: str) -> set[str]:
        return set(self.git("ls-tree", "-r", "--name-only", branch).splitlines())

    def commit(self, branch: str, files: dict[str, str | None], text: str = "somebody else's") -> str:
        """Add a commit of somebody else on the server."""
        work = self.folder.parent / f"work-{threading.get_ident()}"
        if not work.exists():
            git(self.folder.parent, "clone", "-q", str(self.folder), str(work))
        git(work, "fetch", "-q", "origin")
        git(work, "checkout", "-q", "-B", "mine", f"origin/{branch}")
        for path, content in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                (work / path).unlink()
            else:
                (work / path).write_text(content)
        git(work, "add", "-A")
        git(work, "commit", "-q", "--allow-empty", "-m", text)
        git(work, "push", "-q", "origin", f"HEAD:{branch}")
        return git(work, "rev-parse", "HEAD")

    def hook(self, name: str, script: str) -> None:
        path = self.folder / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def fault_for(self, service: str) -> Fault | None:
        with self.lock:
            waiting = self.faults.get(service)
            return waiting.pop(0) if waiting else None


def secret(name: str) -> str:
    assert name == SECRET
    return f"{USER}:{TOKEN}"


@contextmanager
def serving_git(folder: Path, files: dict[str, str] | None = None) -> Iterator[GitServer]:
    """Yield a server of a new repository with these files on its branch `main`."""
    if not shutil.which("git"):
        pytest.skip("these tests need a git server: install git")
    bare = folder / "app.git"
    bare.mkdir(parents=True)
    git(bare, "init", "-q", "--bare", "-b", "main")
    for name, value in (("http.receivepack", "true"), ("uploadpack.allowFilter", "true"), ("gc.auto", "0")):
        git(bare, "config", name, value)
    served = GitServer(bare)
    httpd = _Httpd(served)
    served.url = f"http://127.0.0.1:{httpd.server_port}/app.git"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        _first_commit(served, files or {"README.md": "# App\n"})
        yield served
    finally:
        httpd.shutdown()
        httpd.server_close()


def _first_commit(served: GitServer, files: dict[str, str]) -> None:
    work = served.folder.parent / "first"
    git(served.folder.parent, "init", "-q", "-b", "main", str(work))
    for path, content in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(content)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "first")
    git(work, "push", "-q", str(served.folder), "main")


class _Httpd(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, served: GitServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served = served


class _Handler(BaseHTTPRequestHandler):
    server: _Httpd

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def log_message(self, format: str, *args: object) -> None:
        """requests are checked by the tests themselves"""

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        served = self.server.served
        path, _, query = self.path.partition("?")
        served.requests.append(f"{self.command} {self.path}")
        if self.headers.get("Authorization") != EXPECTED:
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            return
        service = "push" if path.endswith("/git-receive-pack") else "fetch" if body else "look"
        _all_of(served.before_push if service == "push" else [])
        fault = served.fault_for(service)
        if fault == "status":
            self._send(503, {"Retry-After": "3600"}, b"")
            return
        answer = None
        if fault != "before":
            sent = body[: len(body) // 2] if fault == "cut" else body
            answer = _backend(served, self.command, path, query, dict(self.headers), sent)
            _all_of(served.after_push if service == "push" else [])
        if fault in ("before", "after", "cut"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif answer:
            self._send(*answer, half=fault == "half")

    def _send(self, status: int, headers: dict[str, str], body: bytes, half: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if half else body)


def _all_of(actions: list[Callable[[], object]]) -> None:
    for action in actions:
        action()


def _backend(
    served: GitServer, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Run git http-backend as a web server does."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(served.folder.parent),
        "GIT_PROJECT_ROOT": str(served.folder.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_USER": USER,
        "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
    }
    done = subprocess.run(
        ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False, timeout=120
    )
    head, _, answer = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    return int(fields.pop("Status", "200").split()[0]), fields, answer
