"""Time limit of a request: ends the work shortly before Lambda would kill the function.

The limit is an alarm signal. Python delivers it to the main thread, where Lambda runs the handler, and it interrupts
a blocked read, a lock or a child process. The exception unwinds the whole call stack, so no work continues behind the
answer or in the next invocation of the same process. A worker thread could not be stopped and might write later.

Half-done work is the same as after a kill at that moment: each write is one conditional request or one transaction.
A C call without a look at signals, such as a name lookup, delays the exception; Lambda's kill remains the last resort.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ANSWER_SECONDS = 1.0
"""Time left for the answer."""

REPEAT_SECONDS = 0.25
"""Period of the alarm. It repeats, as Python drops an exception raised inside a finalizer."""


class TimedOut(BaseException):
    """The request took too long. Not an `Exception`: botocore turns those into a retry."""


@contextmanager
def time_limit(left_seconds: float) -> Iterator[None]:
    """Raise TimedOut about a second before `left_seconds` have passed.

    No limit outside the main thread.
    """
    seconds = left_seconds - ANSWER_SECONDS
    # Python sets signal handlers in the main thread alone
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if seconds <= 0:
        raise TimedOut
    armed = True

    def expire(number: int, frame: FrameType | None) -> None:
        # a late alarm must not interrupt the answer
        if armed:
            raise TimedOut

    handler = signal.signal(signal.SIGALRM, expire)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT_SECONDS)
    try:
        try:
            yield
        finally:
            armed = False
    finally:
        # again, as the alarm may have come between the two
        armed = False
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)
