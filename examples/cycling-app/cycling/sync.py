"""What waits to be sent to the server."""

from collections import deque
from collections.abc import Callable

from cycling.rides import Ride


class Outbox:
    """`send` says whether the server has taken a ride."""

    def __init__(self, send: Callable[[Ride], bool]) -> None:
        self._send = send
        self._waiting: deque[Ride] = deque()

    def add(self, ride: Ride) -> None:
        self._waiting.append(ride)

    def flush(self) -> int:
        """How many rides were sent: those before the first that was not taken."""
        sent = 0
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()
            sent += 1
        return sent
