"""Terminal output of the functions: one line each, with the function's name in front."""

import json
import sys
import threading
from typing import Any

# Fields of a structured log line with no news for a reader, or shown elsewhere in the line.
_HIDDEN_FIELDS = {
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


def print_line(function: str, line: str) -> None:
    """Print a function's line to stderr, whole even if many threads print at once."""
    if is_sdk_detail(line):
        return
    with _lock:
        sys.stderr.write(f"[{function}] {compact(line)}\n")
        sys.stderr.flush()


def compact(line: str) -> str:
    """Shorten a structured line to level, message, fields and stack trace; keep other lines."""
    record = _record(line)
    if record is None:
        return line
    fields = [f"{key}={value}" for key, value in record.items() if key not in _HIDDEN_FIELDS and value is not None]
    return " ".join([str(record["level"]), _message(record), *fields]) + _trace(record)


def is_sdk_detail(line: str) -> bool:
    """Return True for an INFO line of the AWS SDK, such as "Found credentials in …"."""
    record = _record(line)
    # Beside the functions' own lines these read like a leak of the user's real credentials.
    return record is not None and record["level"] == "INFO" and str(record.get("logger")).startswith("botocore.")


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "level" in record else None


def _message(record: dict[str, Any]) -> str:
    if "errorMessage" in record:
        return f"{record.get('errorType', 'Error')}: {record['errorMessage']}"
    return str(record.get("message", ""))


def _trace(record: dict[str, Any]) -> str:
    trace = record.get("exception") or record.get("stackTrace") or ""
    text = "".join(trace) if isinstance(trace, list) else str(trace)
    return f"\n{text.rstrip()}" if text.strip() else ""
