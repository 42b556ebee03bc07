"""The state of one sandbox and its operations."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import platform
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .boxes import Boxes, Bubblewrap
from .commands import Ending, RunningCommand
from .egress import Egress, ProxyServer
from .refusal import Refused
from .workspace import SandboxFolders

PROTOCOL = 1
MAX_COMMANDS = 64
HOOKS = "/aws/lambda-microvms/runtime/v1/"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class Agent:
    """The state of one sandbox. One command at a time, so its limits are the sandbox's."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        root = str(config["root"])
        if megabytes := int(config.get("mountMb") or 0):
            # empty files take no space: inodes have a limit of their own
            options = f"size={megabytes}m,nr_inodes={config.get('inodes', 200_000)},mode=0700,nosuid,nodev"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", root], check=True)
        self.boxes = (Boxes if config.get("driver") == "open" else Bubblewrap)(config, root)
        self.workspace = SandboxFolders(self.boxes)
        self.egress = Egress(config.get("hosts") or ())
        self.commands: dict[str, RunningCommand] = {}
        self.token_sha256: str | None = None
        self.id = ""
        self.checked = False
        """True once a check has run: it may have changed the products of set-up."""

        self._lock, self._busy = threading.Lock(), threading.Lock()
        if self.boxes.confined:
            os.makedirs(os.path.join(self.boxes.run, "proxy"))
            proxy = ProxyServer(os.path.join(self.boxes.run, "proxy", "socket"), self.egress)
            threading.Thread(target=proxy.serve_forever, daemon=True).start()

    def hook(self, name: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer a lifecycle hook: `ready` and `validate` in an image's build, the others in a run."""
        if name in ("ready", "validate"):
            reason = self.probe()
            return (503, {"reason": reason}) if reason else (200, {})
        if name == "run":
            self._begin(str(body.get("microvmId", "")), json.loads(body.get("runHookPayload") or "{}"))
        elif name == "terminate":
            for command in list(self.commands.values()):
                command.kill()
        return 200, {}

    def _begin(self, id_: str, payload: dict[str, Any]) -> None:
        with self._lock:
            # a repeated hook is harmless; another token would hand the sandbox to somebody else
            if self.token_sha256 is not None and self.token_sha256 != payload.get("tokenSha256"):
                raise Refused(409, "BEGUN", "this sandbox already has its token")
            self.id, self.token_sha256 = id_, str(payload["tokenSha256"])
            self.egress.given = tuple(str(host) for host in payload.get("hosts") or ())

    def knows(self, token: str) -> bool:
        if self.token_sha256 is None:
            raise Refused(503, "NOT_BEGUN", "this sandbox has no token yet")
        return hmac.compare_digest(hashlib.sha256(token.encode()).hexdigest(), self.token_sha256)

    def health(self) -> dict[str, Any]:
        return {"protocol": PROTOCOL, "id": self.id, "confined": self.boxes.confined, "machine": platform.machine()}

    def probe(self) -> str:
        """Run a trial box. Return the problem, or an empty string."""
        command = RunningCommand("probe", {"argv": ["true"], "limits": {"timeoutS": 20}}, self.boxes)
        why, code, detail = command.run()
        if (why, code) == ("exit", 0):
            return ""
        return detail or command.log.read(0)[0].strip() or f"{why} {code}"

    def start(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Start a command. Repeating the request has no effect."""
        if not _NAME.fullmatch(name):
            raise Refused(400, "BAD_NAME", "a command's name must consist of letters, digits, dots and dashes")
        _check(request)
        with self._lock:
            # a start with a lost answer is sent again: it must not run the command twice
            if known := self.commands.get(name):
                if known.request != request:
                    raise Refused(409, "OTHER_COMMAND", f"{name} is another command")
                return {"started": False}
            if not self._busy.acquire(blocking=False):
                raise Refused(409, "BUSY", "a command is running")
            command = self.commands[name] = RunningCommand(name, request, self.boxes)
            # ended commands keep their logs in memory
            while len(self.commands) > MAX_COMMANDS:
                del self.commands[next(iter(self.commands))]
        threading.Thread(target=self._run, args=(command,)).start()
        return {"started": True}

    def _run(self, command: RunningCommand) -> None:
        # for an unexpected exception: without an ending the caller would poll to its limit
        ending: Ending = ("could_not_start", None, "The agent failed")
        try:
            ending = command.run()
            if command.request.get("setup"):
                self.workspace.note_setup()
            else:
                self.checked = True
        finally:
            _reap()
            # released first: a caller may send its next request as soon as it sees the end
            self._busy.release()
            command.publish(ending)

    def command(self, name: str) -> RunningCommand:
        if (command := self.commands.get(name)) is None:
            raise Refused(404, "NO_COMMAND", f"there is no command {name}")
        return command

    @contextlib.contextmanager
    def idle(self) -> Iterator[SandboxFolders]:
        """Yield the workspace, and let no command start meanwhile. Raises Refused."""
        if not self._busy.acquire(blocking=False):
            raise Refused(409, "BUSY", "a command is running")
        try:
            yield self.workspace
        finally:
            self._busy.release()

    def put(self, read: Callable[[int], bytes], size: int, clean: bool) -> dict[str, Any]:
        path = os.path.join(self.boxes.run, "tree.tar")
        with self.idle() as workspace, open(path, "w+b") as archive:
            # without a name the space is freed with the descriptor, even after a crash
            os.unlink(path)
            while size > 0 and (chunk := read(min(size, 2**20))):
                archive.write(chunk)
                size -= len(chunk)
            if size:
                raise Refused(400, "CUT", "the archive is incomplete")
            archive.seek(0)
            return workspace.put(archive, clean)

    def setup(self, what: str, request: Mapping[str, Any]) -> dict[str, Any]:
        with self.idle() as workspace:
            limit = int(request["limitBytes"])
            if what == "save":
                if self.checked:
                    raise Refused(409, "CHECKED", "a check has run and may have changed the products of set-up")
                return {"bytes": workspace.save_setup(request["url"], limit)}
            if workspace.sent or self.commands:
                raise Refused(409, "BEGUN", "a set-up must be restored before anything else")
            return {"bytes": workspace.restore_setup(request["url"], limit)}


def _check(request: Mapping[str, Any]) -> None:
    argv, env, cwd = request.get("argv"), request.get("env") or {}, request.get("cwd") or ""
    if not isinstance(argv, list) or not argv or not all(isinstance(one, str) and "\0" not in one for one in argv):
        raise Refused(400, "BAD_ARGV", "argv must be a list of strings")
    if not all(
        _VARIABLE.fullmatch(name) and isinstance(value, str) and "\0" not in value for name, value in env.items()
    ):
        raise Refused(400, "BAD_ENV", "env must map names to strings")
    if not isinstance(cwd, str) or cwd.startswith("/") or ".." in cwd.split("/") or "\0" in cwd:
        raise Refused(400, "BAD_CWD", "cwd must be a path below the tree")
    if request.get("network") and not request.get("setup"):
        raise Refused(400, "BAD_NETWORK", "only set-up may reach the network")


def _reap() -> None:
    """Reap ended processes of boxes if the agent is process 1."""
    if os.getpid() == 1:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
