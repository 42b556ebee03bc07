"""Client of the agent's protocol."""

import base64
import http.client
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import IO, Any
from urllib.parse import urlencode

from groundwork.sandbox.model import (
    ChangedFile,
    ChangedFiles,
    ChangeKind,
    Command,
    CommandLimits,
    CommandStatus,
    Ending,
    LogPage,
    Tree,
)
from groundwork.sandbox.packing import pack

_LIMITS = {
    "seconds": "timeoutS", "memory_mb": "memoryMb", "processes": "processes", "file_mb": "fileMb",
    "open_files": "files", "log_bytes": "logBytes",
}  # fmt: skip

Connect = Callable[[float], http.client.HTTPConnection]
"""Opens a connection with a time limit in seconds."""


class AgentRefused(Exception):
    """A response other than 200, from the agent or its proxy. `code` is the agent's error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message or f"{status}")
        self.status, self.code = status, code


class AgentSilent(Exception):
    """The agent did not respond."""


class AgentClient:
    """Client of one agent. Every request is safe to repeat. Raises AgentRefused and AgentSilent."""

    def __init__(self, connect: Connect, headers: Mapping[str, str]) -> None:
        self._connect, self._headers = connect, dict(headers)

    def health(self) -> dict[str, Any]:
        return self._ask("GET", "/v1/health")

    def put(self, tree: Tree, *, clean: bool) -> str:
        with tempfile.SpooledTemporaryFile(max_size=32 * 2**20) as archive:
            digest = pack(tree, archive)
            size = archive.tell()
            archive.seek(0)
            path = f"/v1/tree?clean={int(clean)}"
            answer = self._ask("PUT", path, archive, {"Content-Length": str(size)}, timeout=300)
        # a check of another tree than the sent one proves nothing
        if answer["tree"] != digest:
            raise AgentRefused(500, "INCOMPLETE", "The tree in the sandbox differs from the one sent")
        return digest

    def start(self, command_id: str, command: Command) -> None:
        body = {
            "argv": list(command.argv),
            "setup": command.setup,
            "network": command.network,
            "limits": _limits(command.limits),
            "env": dict(command.env),
            "cwd": command.folder,
        }
        self._ask("PUT", f"/v1/commands/{command_id}", json.dumps(body).encode())

    def poll(self, command_id: str, offset: int, wait: float) -> CommandStatus:
        path = f"/v1/commands/{command_id}?offset={offset}&wait={wait:g}"
        # the agent may hold its answer back for `wait` seconds
        return _status(self._ask("GET", path, timeout=30 + wait))

    def kill(self, command_id: str) -> None:
        self._ask("DELETE", f"/v1/commands/{command_id}")

    def changes(self, max_bytes: int, max_files: int, ignored: frozenset[str]) -> ChangedFiles:
        query = urlencode({"bytes": max_bytes, "files": max_files, "ignored": "/".join(sorted(ignored))})
        answer = self._ask("GET", f"/v1/changes?{query}", timeout=120)
        return ChangedFiles(tuple(_changed(one) for one in answer["changes"]), bool(answer["truncated"]))

    def setup(self, verb: str, url: str, max_bytes: int) -> int:
        body = json.dumps({"url": url, "limitBytes": max_bytes}).encode()
        return int(self._ask("POST", f"/v1/setup/{verb}", body, timeout=300)["bytes"])

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> dict[str, Any]:
        connection = self._connect(timeout)
        try:
            connection.request(method, path, body, {**self._headers, **(headers or {})})
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as exc:
            raise AgentSilent(type(exc).__name__) from exc
        finally:
            connection.close()
        return _read(answer.status, data)


def _read(status: int, data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    # the proxy before the agent answers without JSON
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if status != 200:
        raise AgentRefused(status, str(answer.get("error", "")), str(answer.get("message", "")))
    return answer


def _limits(limits: CommandLimits) -> dict[str, int]:
    return {_LIMITS[name]: value for name, value in asdict(limits).items()}


def _status(answer: Mapping[str, Any]) -> CommandStatus:
    page = LogPage(str(answer["log"]), int(answer["offset"]), int(answer["skipped"]), int(answer["total"]))
    return CommandStatus(
        ending=Ending(answer["why"]) if answer["why"] else None,
        exit_code=answer["exitCode"],
        detail=str(answer["detail"]),
        seconds=float(answer["seconds"]),
        peak_memory_mb=int(answer["peakMemoryMb"]),
        log=page,
    )


def _changed(one: Mapping[str, Any]) -> ChangedFile:
    content = one.get("content")
    return ChangedFile(
        path=str(one["path"]),
        kind=ChangeKind(one["kind"]),
        content=None if content is None else base64.b64decode(content),
        link=one.get("link"),
        executable=bool(one.get("executable")),
        size=int(one.get("size", 0)),
        special=bool(one.get("special")),
    )
