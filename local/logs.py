"""What the functions print, one line each with the function's name before it."""

import sys
import threading

_lock = threading.Lock()


def show(function: str, line: str) -> None:
    """Prints a line of a function to stderr, whole even when many print at once."""
    with _lock:
        sys.stderr.write(f"[{function}] {line}\n")
        sys.stderr.flush()
