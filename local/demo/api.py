"""HTTP client of the API for the demo's job."""

from collections.abc import Callable
from typing import Any

import httpx

type Json = dict[str, Any]

MAX_WAIT_S = 1_800.0
"""Seconds to wait for a run or plan; the demo must return an exit status even if one hangs."""

_RETRYABLE = (429, 502, 503, 504)
_MAX_ATTEMPTS = 5


class JobFailed(Exception):
    """The API returned an error, or a run did not end; the message says more."""


class Stopped(Exception):
    """The user stopped the demo before the end of the job."""


class Api:
    """API client; `wait` sleeps for some seconds and returns True if the user stops the demo."""

    def __init__(self, http: httpx.Client, wait: Callable[[float], bool]) -> None:
        self._http, self._wait = http, wait

    def call(self, method: str, path: str, **request: Any) -> Json:
        """Send a request and return the JSON of the response. Raises JobFailed, Stopped.

        GET requests are retried while the API is overloaded. Writes are not: a retry might apply them twice.
        """
        for left in reversed(range(_MAX_ATTEMPTS if method == "GET" else 1)):
            answer = self._http.request(method, path, **request)
            if answer.is_success:
                found: Json = answer.json()
                return found
            if not left or answer.status_code not in _RETRYABLE:
                break
            self.pause(float(answer.headers.get("Retry-After", "1")))
        raise JobFailed(f"{method} {path}: {answer.status_code} {_error_message(answer)}")

    def pause(self, seconds: float) -> None:
        """Sleep. Raises Stopped."""
        if self._wait(seconds):
            raise Stopped


def _error_message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
