"""Waits for events in other processes."""

import time
from collections.abc import Callable
from pathlib import Path


def until[T](look: Callable[[], T], seconds: float = 120.0) -> T:
    """Poll until the result is truthy. Raises AssertionError after a timeout."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r} after {seconds} s"
        time.sleep(0.02)
    return seen


def is_running(pid: int) -> bool:
    """Return True for a running process; a zombie does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
