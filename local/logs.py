"""What the functions print, one line each with the function's name before it."""

import json
import sys
import threading
from typing import Any

# of a structured log line: what is the same in every line, or shown in a place of its own
_PLUMBING = {
    "aws_request_id",
    "cold_start",
    "errorMessage",
    "errorType",
    "exception",
    "exception_name",
    "function_arn",
    "function_memory_size",
    "function_name",
    "function_request_id",
    "level",
    "location",
    "logger",
    "message",
    "requestId",
    "service",
    "stackTrace",
    "stack_trace",
    "timestamp",
    "xray_trace_id",
}
_lock = threading.Lock()


def show(function: str, line: str) -> None:
    """Prints a line of a function to stderr, whole even when many print at once."""
    with _lock:
        sys.stderr.write(f"[{function}] {compact(line)}\n")
        sys.stderr.flush()


def compact(line: str) -> str:
    """A line as a person wants it; of structured logs the level, the message, the fields and the stack trace."""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict) or "level" not in record:
        return line
    fields = [f"{key}={value}" for key, value in record.items() if key not in _PLUMBING and value is not None]
    return " ".join([str(record["level"]), _message(record), *fields]) + _trace(record)


def _message(record: dict[str, Any]) -> str:
    if "errorMessage" in record:
        return f"{record.get('errorType', 'Error')}: {record['errorMessage']}"
    return str(record.get("message", ""))


def _trace(record: dict[str, Any]) -> str:
    trace = record.get("exception") or record.get("stackTrace") or ""
    text = "".join(trace) if isinstance(trace, list) else str(trace)
    return f"\n{text.rstrip()}" if text.strip() else ""
