"""The machines of the stand-in; each is an agent process with two sockets."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundwork.sandbox.agent.memory import descendants
from local.microvms.launcher import Launcher

_HOOKS = "/aws/lambda-microvms/runtime/v1/"
_START_SECONDS = 20.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP connection to a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("sandbox", timeout=timeout, blocksize=2**18)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass
class MicroVm:
    """One machine, in AWS's states."""

    id: str
    arguments: Mapping[str, Any]
    """Arguments of RunMicrovm."""

    state: str = "PENDING"
    reason: str = ""
    started_at: float = field(default_factory=time.time)
    terminated_at: float | None = None
    process: "subprocess.Popen[bytes] | None" = None
    folder: Path | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def is_gone(self) -> bool:
        return self.state == "TERMINATED"

    def connection(self, timeout: float) -> UnixConnection:
        assert self.folder is not None
        return UnixConnection(self.folder / "agent.sock", timeout)


class Machines:
    """All machines; they outlive the worker processes and end at their maximum duration."""

    def __init__(self, launcher: Launcher, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._launcher, self._folder, self._clock = launcher, folder, clock
        self._all: dict[str, MicroVm] = {}
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._end_in_time, daemon=True)
        self._watch.start()

    def all(self) -> list[MicroVm]:
        return list(self._all.values())

    def get(self, id_: str) -> MicroVm | None:
        return self._all.get(id_)

    def run(self, id_: str, arguments: Mapping[str, Any]) -> MicroVm:
        """Start a machine in the background and return at once."""
        machine = self._all[id_] = MicroVm(id_, arguments, started_at=self._clock())
        threading.Thread(target=self._start, args=(machine,), daemon=True).start()
        return machine

    def suspend(self, machine: MicroVm) -> None:
        with machine.lock:
            if machine.state == "RUNNING":
                _signal_all(machine, signal.SIGSTOP)
                machine.state = "SUSPENDED"

    def resume(self, machine: MicroVm) -> None:
        with machine.lock:
            if machine.state == "SUSPENDED":
                _signal_all(machine, signal.SIGCONT)
                machine.state = "RUNNING"

    def terminate(self, machine: MicroVm, reason: str = "") -> None:
        """Terminate a machine and its processes."""
        with machine.lock:
            if machine.is_gone:
                return
            machine.state, machine.reason, machine.terminated_at = "TERMINATED", reason, self._clock()
            if machine.process is not None:
                _end(machine.process)
            if machine.folder is not None:
                shutil.rmtree(machine.folder, ignore_errors=True)

    def close(self) -> None:
        self._closing.set()
        self._watch.join()
        for machine in self.all():
            self.terminate(machine, "The service was stopped")

    def _start(self, machine: MicroVm) -> None:
        try:
            with machine.lock:
                # A start after `close` would leave a process behind.
                if machine.is_gone or self._closing.is_set():
                    return
                self._launch(machine)
            # Without the lock: a termination must not wait for a slow hook.
            self._hook(machine, "run", {"microvmId": machine.id, "runHookPayload": machine.arguments["runHookPayload"]})
            with machine.lock:
                if not machine.is_gone:
                    machine.state = "RUNNING"
        except (OSError, http.client.HTTPException) as exc:
            self.terminate(machine, f"The run hook failed: {exc}")

    def _launch(self, machine: MicroVm) -> None:
        folder = self._launcher.make_folder(machine.id)
        machine.folder = folder.root.parent
        with contextlib.ExitStack() as stack:
            sockets = []
            for name in ("agent.sock", "hooks.sock"):
                listener = stack.enter_context(socket.socket(socket.AF_UNIX))
                listener.bind(str(machine.folder / name))
                # Before `listen`: other users may enter the folder, and nobody can connect in between.
                os.chmod(machine.folder / name, 0o600)
                listener.listen(64)
                sockets.append(listener)
            machine.process = self._launcher.start(folder, *sockets)

    def _hook(self, machine: MicroVm, name: str, body: dict[str, Any]) -> None:
        assert machine.folder is not None
        connection = UnixConnection(machine.folder / "hooks.sock", _START_SECONDS)
        with contextlib.closing(connection):
            connection.request("POST", _HOOKS + name, json.dumps(body))
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"{answer.status} {answer.read(500).decode(errors='replace')}")

    def _end_in_time(self) -> None:
        while not self._closing.wait(0.2):
            for machine in self.all():
                self._check(machine)

    def _check(self, machine: MicroVm) -> None:
        max_seconds = float(machine.arguments.get("maximumDurationInSeconds", 28_800))
        if not machine.is_gone and self._clock() - machine.started_at >= max_seconds:
            self.terminate(machine, "Maximum duration reached")
        elif machine.state == "RUNNING" and machine.process is not None and machine.process.poll() is not None:
            self.terminate(machine, "The machine's first process exited")


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        if os.path.isdir("/proc/self"):
            # Without confinement the commands outlive the agent.
            for pid in reversed(descendants(process.pid)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        process.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _signal_all(machine: MicroVm, number: signal.Signals) -> None:
    """Signal every process; repeat until no new one appears, as stopped processes cannot fork."""
    if machine.process is None or not os.path.isdir("/proc/self"):
        return
    signalled: set[int] = set()
    while new := set(descendants(machine.process.pid)) - signalled:
        for pid in sorted(new):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        signalled |= new
