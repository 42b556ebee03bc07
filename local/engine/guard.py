"""Supervisor of DynamoDB Local: restarts it after a crash, stops it after the system's end.

Runs as a script. Arguments: the file descriptor of the lifeline, the folder's lock file, and the command. The lifeline
is a pipe held by the local system; it closes when the system ends, even by SIGKILL. Signals to the terminal's process
group do not reach this process. Imports nothing of this project.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time

REST_S = 1.0
"""Seconds before the stop: the file commits some milliseconds after the acknowledgement."""

MAX_STOP_S = 20.0
MAX_STARTS = 20
"""Starts in a row; a run of at least QUIET_S begins a new row."""

QUIET_S = 600.0


def main() -> int:
    lifeline, lock_path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    parent_ended = threading.Event()
    threading.Thread(target=_wait_for_parent_end, args=(lifeline, parent_ended), daemon=True).start()
    starts = 0
    while starts < MAX_STARTS:
        began = time.monotonic()
        # The engine inherits the lock: its files stay locked until it ends, even without this process.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(lock,))
        print(f"engine {process.pid}", flush=True)
        while process.poll() is None and not parent_ended.wait(0.1):
            pass
        if parent_ended.is_set():
            _stop(process)
            return 0
        print(f"DynamoDB Local exited with status {process.returncode}", flush=True)
        starts = starts_after(starts, time.monotonic() - began)
        # A lasting fault, such as a taken port, must not restart without a pause.
        if parent_ended.wait(0.2):
            return 0
    print(f"DynamoDB Local crashed {MAX_STARTS} times and is not restarted", flush=True)
    return 1


def starts_after(starts: int, ran: float) -> int:
    """Return the starts in a row after a crash, with the seconds of the last run."""
    return 1 if ran >= QUIET_S else starts + 1


def _wait_for_parent_end(lifeline: int, parent_ended: threading.Event) -> None:
    os.read(lifeline, 1)
    parent_ended.set()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    time.sleep(REST_S)
    process.terminate()
    try:
        process.wait(MAX_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
