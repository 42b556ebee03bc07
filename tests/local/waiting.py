"""Waiting for what happens in another process."""

import time
from collections.abc import Callable
from pathlib import Path


def until[T](look: Callable[[], T], seconds: float = 120.0) -> T:
    """Looks again and again until the answer is truthy. Raises AssertionError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r} after {seconds} s"
        time.sleep(0.02)
    return seen


def is_running(pid: int) -> bool:
    """Whether a process runs; a zombie, which nobody has waited for yet, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
