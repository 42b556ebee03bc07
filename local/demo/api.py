"""The API as the demo's job asks it: over HTTP only, as any client does."""

from collections.abc import Callable
from typing import Any

import httpx

type Json = dict[str, Any]

GIVE_UP_S = 1_800.0
"""A run or plan that has not ended by then never will; whoever waits for the exit status must get one."""

_AGAIN = (429, 502, 503, 504)
_TRIES = 5


class JobFailed(Exception):
    """The API answered with an error, or a run does not end; the message says which."""


class Stopped(Exception):
    """The user ended the demo before the job was done."""


class Api:
    """`wait` sleeps for so many seconds and says whether the user wants to stop."""

    def __init__(self, http: httpx.Client, wait: Callable[[float], bool]) -> None:
        self._http, self._wait = http, wait

    def call(self, method: str, path: str, **request: Any) -> Json:
        """Reads are asked again while the API is short of breath; a write might be done twice, so it is not.

        Raises JobFailed, Stopped.
        """
        for left in reversed(range(_TRIES if method == "GET" else 1)):
            answer = self._http.request(method, path, **request)
            if answer.is_success:
                found: Json = answer.json()
                return found
            if not left or answer.status_code not in _AGAIN:
                break
            self.pause(float(answer.headers.get("Retry-After", "1")))
        raise JobFailed(f"{method} {path}: {answer.status_code} {_said(answer)}")

    def pause(self, seconds: float) -> None:
        """Raises Stopped."""
        if self._wait(seconds):
            raise Stopped


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
