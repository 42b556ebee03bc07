"""One command in its box, from start to end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any

from .boxes import DEFAULTS, Boxes, open_filter
from .log import Log
from .memory import available_mb, descendants, memory_of

TICK = 0.05
MAX_TICK = 1.0
"""Maximum seconds counted between two checks: after a longer gap the machine was suspended."""

BOX_ENDS_SECONDS = 10.0
OUTPUT_FACTOR = 10
"""Output that ends a command, as a multiple of the kept log."""

Ending = tuple[str, "int | None", str]
"""Kind of ending, exit code (`exit` only), and an explanation (all others)."""


class _Report:
    """Bubblewrap's report (its `--json-status-fd`), and the box's first process that it names."""

    def __init__(self, descriptor: int) -> None:
        self.text = ""
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._box: int | None = None

    def read(self) -> None:
        """Read what has been written since."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._descriptor, 65536):
                self.text += data.decode(errors="replace")
        found = re.search(r'"child-pid": (\d+)', self.text)
        if found and self._box is None:
            # a pidfd cannot mean a later process with the same number
            with contextlib.suppress(OSError):
                self._box = os.pidfd_open(int(found[1]))

    def kill_box(self) -> None:
        """Kill the box without bubblewrap: killed in its first moments, it leaves the box behind."""
        if self._box is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._box, signal.SIGKILL)

    def end_box(self) -> None:
        """Kill the box and wait for its end: killed processes take a moment."""
        self.read()
        self.kill_box()
        if self._box is not None:
            select.select([self._box], [], [], BOX_ENDS_SECONDS)

    def close(self) -> None:
        os.close(self._descriptor)
        if self._box is not None:
            os.close(self._box)


class RunningCommand:
    """One command, from start to end. Only its own thread changes it, holding `changed`."""

    def __init__(self, name: str, request: dict[str, Any], boxes: Boxes) -> None:
        self.name, self.request, self.boxes = name, request, boxes
        limits = {key: int(request.get("limits", {}).get(key, value)) for key, value in DEFAULTS.items()}
        # the machine's owner has the last word: a repository's settings may ask for more
        if top := int(boxes.config.get("maxMemoryMb") or 0):
            limits["memoryMb"] = min(limits["memoryMb"], top)
        self.limits = limits
        self.network = bool(request.get("network"))
        self.log = Log(limits["logBytes"])
        self.changed = threading.Condition()
        self.why: str | None = None
        self.exit_code: int | None = None
        self.detail = ""
        self.seconds = 0.0
        self.peak_mb = 0
        self._stop: tuple[str, str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> Ending:
        """Run to the end and clean up. `publish` then makes the ending visible to other threads."""
        try:
            return self._run(self.boxes.private(self.name))
        except OSError as exc:
            why = "could_not_start" if self._process is None else "killed"
            return why, None, f"{exc.strerror or exc}: {exc.filename or ''}".rstrip(": ")
        finally:
            self.boxes.discard(self.name)

    def publish(self, ending: Ending) -> None:
        with self.changed:
            self.log.write(b"", final=True)
            self.why, self.exit_code, self.detail = ending
            self.changed.notify_all()

    def kill(self, why: str = "killed", detail: str = "") -> None:
        """Kill the box. The command's thread then publishes the ending."""
        with self.changed:
            # the first reason wins: later ones are its consequences
            self._stop = self._stop or (why, detail)
            process = self._process
        if process is not None:
            _kill(process)

    def wait(self, offset: int, seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.why is not None or self.log.total > offset, seconds)

    def page(self, offset: int) -> dict[str, Any]:
        with self.changed:
            text, following, skipped = self.log.read(offset)
            return {
                "state": "ended" if self.why else "running",
                "why": self.why,
                "exitCode": self.exit_code,
                "detail": self.detail,
                "seconds": round(self.seconds, 3),
                "peakMemoryMb": self.peak_mb,
                "log": text,
                "offset": following,
                "skipped": skipped,
                "total": self.log.total,
            }

    def _run(self, private: Mapping[str, str]) -> Ending:
        env = self.boxes.environment(private, self.network, self.request.get("env") or {})
        status_read, status_write = os.pipe()
        filter_fd = open_filter(self.boxes)
        fds = (status_write, filter_fd)
        cwd = str(self.request.get("cwd") or "")
        line = self.boxes.command(
            self.request["argv"], private, env, cwd, network=self.network, limits=self.limits, fds=fds
        )
        try:
            process = subprocess.Popen(
                line,
                # process 1 in the box is bubblewrap, and commands can read its environment
                env={"PATH": self.boxes.path} if self.boxes.confined else env,
                cwd=self.boxes.directory(cwd),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                pass_fds=[fd for fd in fds if fd is not None], start_new_session=True,
            )  # fmt: skip
        except BaseException:
            os.close(status_read)
            raise
        finally:
            for fd in fds:
                if fd is not None:
                    os.close(fd)
        with self.changed:
            self._process = process
        # a kill before this point found no process to end
        if self._stop:
            _kill(process)
        return self._ending(process, self._supervise(process, status_read))

    def _supervise(self, process: subprocess.Popen[bytes], status_read: int) -> str:
        """Hold the box to its limits until it has ended. Return bubblewrap's report."""
        assert process.stdout is not None
        report = _Report(status_read)
        try:
            with process.stdout:
                self._follow(process, report)
            # a dying process may still write: the tree must be still before the next request reads it
            report.end_box()
        except BaseException:
            # without supervision the command would run on without a limit
            _kill(process)
            process.wait()
            report.end_box()
            raise
        finally:
            report.close()
        return report.text

    def _follow(self, process: subprocess.Popen[bytes], report: _Report) -> None:
        """Read the output until the box ends. Kill it at a limit."""
        assert process.stdout is not None
        output = process.stdout.fileno()
        reading, last, next_look, afterwards = True, time.monotonic(), 0.0, 0.0
        while reading or process.poll() is None:
            reading = reading and self._read(output)
            if not reading:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(TICK)
            report.read()
            if process.poll() is not None:
                report.kill_box()
            now = time.monotonic()
            # clocks jump over a suspension: a plain timeout would fire on resume
            passed, last = min(now - last, MAX_TICK), now
            self.seconds += passed
            # without isolation a daemon may hold the output open forever
            afterwards += passed if not self.boxes.confined and process.poll() is not None else 0
            if afterwards > 1:
                break
            self._hold()
            if self.boxes.confined and now >= next_look:
                # many processes take long to measure: the watch may use a tenth of the time
                next_look = now + max(TICK, 10 * self._hold_memory(process.pid, now))
        # unconfined, background processes would outlive their command and disturb the next one
        _kill(process)

    def _read(self, output: int) -> bool:
        """Read the output available within a tick. Return False at its end."""
        if not select.select([output], [], [], TICK)[0]:
            return True
        data = os.read(output, 65536)
        with self.changed:
            self.log.write(data)
            self.changed.notify_all()
        return bool(data)

    def _hold(self) -> None:
        if self.seconds > self.limits["timeoutS"]:
            self.kill("timeout", f"It ran longer than {self.limits['timeoutS']} seconds.")
        elif self.log.raw > OUTPUT_FACTOR * self.limits["logBytes"]:
            self.kill("output", f"It wrote more than {OUTPUT_FACTOR * self.limits['logBytes'] // 1024} KiB.")

    def _hold_memory(self, pid: int, began: float) -> float:
        """Check the memory of all processes of the box. Return the seconds it took."""
        try:
            used, count = memory_of(descendants(pid), self.limits["memoryMb"])
        except OSError:
            # unknown for now, such as without a free descriptor: time and output are held all the same
            return time.monotonic() - began
        self.peak_mb = max(self.peak_mb, used)
        if used > self.limits["memoryMb"]:
            self.kill("killed", f"It used more than {self.limits['memoryMb']} MB of memory.")
        # bubblewrap's own processes and the relay count too
        elif count > self.limits["processes"] + 8:
            self.kill("killed", f"It ran more than {self.limits['processes']} processes.")
        # files on the tmpfs are memory of no process; below the floor the kernel might kill the agent
        elif available_mb() < self.boxes.config.get("floorMb", 128):
            self.kill("killed", "The machine ran out of memory.")
        return time.monotonic() - began

    def _ending(self, process: subprocess.Popen[bytes], status: str) -> Ending:
        code = _exit_code(status) if self.boxes.confined else _own_exit_code(process.returncode)
        # a killed command may still report an exit code, which must not become a verdict
        if self._stop:
            return self._stop[0], None, self._stop[1]
        if code is not None:
            return "exit", code, ""
        # without a report bubblewrap did not start the command; the log has its error
        if process.returncode > 0:
            return "could_not_start", None, self.log.read(max(self.log.total - 500, 0))[0].strip()
        return "killed", None, f"The box was ended by signal {-process.returncode}."


def _exit_code(status: str) -> int | None:
    """Return the exit code in bubblewrap's report. None: not started, or the box was killed."""
    for line in status.splitlines():
        with contextlib.suppress(ValueError):
            if "exit-code" in (told := json.loads(line)):
                return int(told["exit-code"])
    return None


def _own_exit_code(returned: int) -> int:
    # a shell and bubblewrap report a signal in this way
    return returned if returned >= 0 else 128 - returned


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
