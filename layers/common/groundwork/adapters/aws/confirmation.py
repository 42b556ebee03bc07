"""Calls of other AWS services, within one time limit for consecutive failures.

A row already records each call, and the sweep repeats one without a confirmation. So there is no need to wait longer.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from groundwork.errors import Transient

CONFIRM_S = 8.0
"""Limit for all attempts of consecutive failing confirmations.

With the writes of the rows, a response takes at most 10 s.
"""

CONNECT_S, READ_S = 1.0, 2.5
MAX_TRIES = 3
FORGET_S = 30.0
"""Time after a failure until the service is tried again, also within one invocation."""

_AGAIN = {"ThrottlingException", "TooManyRequestsException", "ServiceException", "InternalServerException"}

CONFIG = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries={"total_max_attempts": 1})
"""Configuration of the clients: a try ends in a known time, and boto3 does not repeat it."""


class Confirmations:
    """Calls one service. `client` returns the boto3 client, created with CONFIG."""

    def __init__(
        self,
        service: str,
        client: Callable[[], Any],
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service, self._client, self._now, self._sleep = service, client, now, sleep
        self._lost: deque[tuple[float, float]] = deque()

    def call(self, method: str, **arguments: Any) -> Any:
        """Call the service and return its answer.

        Raises ClientError for a refusal, Transient if a later call may succeed.
        """
        for number in range(1, MAX_TRIES + 1):
            self._check_time_left()
            began = self._now()
            try:
                answer = getattr(self._client(), method)(**arguments)
            except ClientError as exc:
                if not _is_passing(exc):
                    raise
                fault: Exception = exc
            except BotoCoreError as exc:
                fault = exc
            else:
                # only consecutive failures use up the time
                self._lost.clear()
                return answer
            self._lost.append((self._now(), self._now() - began))
            if number < MAX_TRIES:
                self._sleep(0.1 * number)
        raise Transient(f"{self._service}: {reason_of(fault)}") from fault

    def _check_time_left(self) -> None:
        while self._lost and self._now() - self._lost[0][0] > FORGET_S:
            self._lost.popleft()
        # another try may take this long
        if sum(seconds for _, seconds in self._lost) > CONFIRM_S - CONNECT_S - READ_S:
            raise Transient(f"{self._service}: no confirmation within {CONFIRM_S:.0f} s")


def reason_of(exc: Exception) -> str:
    """Return the error's code or type. Its message may contain private names."""
    return str(exc.response["Error"]["Code"]) if isinstance(exc, ClientError) else type(exc).__name__


def _is_passing(exc: ClientError) -> bool:
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return exc.response["Error"]["Code"] in _AGAIN or status >= 500 or status == 429
