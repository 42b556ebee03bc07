"""When a hop stops taking on work, and whether a run may have another hop. Pure: values in, decisions out."""

from groundwork.runs.model import MAX_HOPS, MAX_STALLED_HOPS, ErrorCode, Run

MARGIN_MS = 4_000
"""What saving, releasing the lease and invoking the next hop need at the end of a hop, with room to spare."""

SAVE_MS = 2_000
"""What is kept at the very end: work still in flight then is given up so that the rest is saved."""

FIRST_GUESS_MS = 30_000
"""How long an item is taken to need before one has been measured."""


def margin_ms(total_ms: int) -> int:
    """The margin for a hop of this length; a short hop (tests, a trial) keeps a fifth of itself."""
    return min(MARGIN_MS, total_ms // 5)


def save_ms(total_ms: int) -> int:
    return min(SAVE_MS, total_ms // 10)


def expected_ms(slowest_ms: int, total_ms: int) -> int:
    """How long the next item may need: what the slowest recent one needed and a fifth more."""
    guess = min(FIRST_GUESS_MS, total_ms // 4)
    return slowest_ms * 6 // 5 if slowest_ms else guess


def may_begin(left_ms: int, total_ms: int, slowest_ms: int) -> bool:
    """Whether an item begun now is likely to end within this hop.

    An item slower than a whole hop would never be begun by this rule, so a hop in its first quarter begins anyway:
    the attempt is counted, and the item runs out of attempts instead of starving the run.
    """
    if left_ms > total_ms * 3 // 4:
        return True
    return left_ms > expected_ms(slowest_ms, total_ms) + margin_ms(total_ms)


def why_not_another_hop(run: Run) -> tuple[ErrorCode, str] | None:
    """The guard that stands in for Lambda's loop detection, which process_next switches off."""
    if run.hops > MAX_HOPS:
        return ErrorCode.HOP_LIMIT, f"The run was given up after {MAX_HOPS} hops."
    if run.stalled_hops >= MAX_STALLED_HOPS:
        return ErrorCode.NO_PROGRESS, f"The run was given up: {MAX_STALLED_HOPS} hops in a row ended no item."
    return None
