"""What the functions print, one line each with the function's name before it."""

import json
import sys
import threading

_lock = threading.Lock()


def show(function: str, line: str) -> None:
    """Prints a line of a function to stderr, whole even when many print at once."""
    with _lock:
        sys.stderr.write(f"[{function}] {compact(line)}\n")
        sys.stderr.flush()


def compact(line: str) -> str:
    """A line as a person wants it: of structured logs the level, the message and what is not plumbing."""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict) or "level" not in record:
        return line
    message = record.get("message") or f"{record.get('errorType', '')}: {record.get('errorMessage', '')}"
    trace = "".join(record.get("stackTrace") or [])
    return f"{record['level']} {message}" + (f"\n{trace.rstrip()}" if trace else "")
