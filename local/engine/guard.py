"""Runs DynamoDB Local apart from the local system: it starts it again if it dies, and ends it last.

Run as a script with the file descriptor of the lifeline, the folder's lock file, and the command. The lifeline is a
pipe that the local system holds: its end says that the system is gone, however it went. A signal to the terminal's
process group never reaches this process. Imports nothing of this project.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time

REST_S = 1.0
"""The engine answers some milliseconds before its file has committed: it ends only after so long without a client."""

END_S = 20.0
MAX_RESTARTS = 20


def main() -> int:
    lifeline, lock_path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    gone = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(lifeline, gone), daemon=True).start()
    for _ in range(MAX_RESTARTS):
        # the engine holds the lock too: nobody else may open its files while it still runs
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(lock,))
        print(f"engine {process.pid}", flush=True)
        while process.poll() is None and not gone.wait(0.1):
            pass
        if gone.is_set():
            _end(process)
            return 0
        print(f"DynamoDB Local has ended with {process.returncode}; it is started again", flush=True)
        if gone.wait(0.2):
            return 0
    return 1


def _wait_for_the_end(lifeline: int, gone: threading.Event) -> None:
    os.read(lifeline, 1)
    gone.set()


def _end(process: "subprocess.Popen[bytes]") -> None:
    time.sleep(REST_S)
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
