"""When a hop stops taking on work, and when a run gets no other hop.

Pure: values in, decisions out.
"""

from collections.abc import Callable
from dataclasses import dataclass

from groundwork.runs.model import MAX_HOPS, MAX_STALLED_HOPS, ErrorCode, Run

MARGIN_MS = 4_000
"""Reserve at the end of a hop for saving, releasing the lease and invoking the next hop."""

SAVE_MS = 2_000
"""Reserve for the last save: calls still in flight are ended then."""

FIRST_GUESS_MS = 30_000
"""Assumed duration of an item before one was measured."""


def margin_ms(total_ms: int) -> int:
    """Return the reserve of a hop of this length.

    A short one (tests, a trial) keeps a fifth of itself.
    """
    return min(MARGIN_MS, total_ms // 5)


def save_ms(total_ms: int) -> int:
    return min(SAVE_MS, total_ms // 10)


def expected_ms(slowest_ms: int, total_ms: int) -> int:
    """Return the duration to expect of the next item: the slowest recent one and a fifth more."""
    # 30 s would leave a short hop no start after its first quarter
    guess = min(FIRST_GUESS_MS, total_ms // 4)
    return slowest_ms * 6 // 5 if slowest_ms else guess


def may_start(left_ms: int, total_ms: int, slowest_ms: int) -> bool:
    """Return True if an item started now is likely to end within this hop.

    In its first quarter a hop starts items anyway: an item slower than a hop would never start and starve the run. Like
    this it uses up its attempts.
    """
    if left_ms > total_ms * 3 // 4:
        return True
    return left_ms > expected_ms(slowest_ms, total_ms) + margin_ms(total_ms)


@dataclass(frozen=True, slots=True)
class HopClock:
    """The time of one hop; `total_ms` was left at its start."""

    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    total_ms: int

    def call_ms_left(self) -> int:
        """Return the time left for calls; the reserve for the last save is subtracted."""
        return self.left_ms() - save_ms(self.total_ms)

    def may_start(self, slowest_ms: int) -> bool:
        return may_start(self.left_ms(), self.total_ms, slowest_ms)

    def must_hand_over(self) -> bool:
        return self.left_ms() < margin_ms(self.total_ms)


def give_up_reason(run: Run) -> tuple[ErrorCode, str] | None:
    """Return the reason to give a run up.

    The guard that replaces Lambda's loop detection, disabled by process_next.
    """
    if run.hops > MAX_HOPS:
        return ErrorCode.HOP_LIMIT, f"The run was given up after {MAX_HOPS} hops."
    if run.stalled_hops >= MAX_STALLED_HOPS:
        return ErrorCode.NO_PROGRESS, f"The run was given up: {MAX_STALLED_HOPS} hops in a row ended no item."
    return None
