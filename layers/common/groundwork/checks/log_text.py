"""Logs of commands, shortened for results."""

from groundwork.checks.model import MAX_LOG_CHARACTERS
from groundwork.sandbox.model import Handle
from groundwork.sandbox.port import Sandboxes

HEAD_CHARACTERS = MAX_LOG_CHARACTERS // 4
"""Share of the beginning. The end of a log usually names the failures."""

MAX_BYTES = 4 * MAX_LOG_CHARACTERS
"""Enough for the characters of each half in any script."""


def read_log(sandboxes: Sandboxes, handle: Handle, command_id: str) -> tuple[str, bool]:
    """Return a command's log, and True if its middle is missing."""
    first = sandboxes.poll(handle, command_id, 0).log
    if first.is_last:
        return both_ends(first.text, first.text, len(first.text) > MAX_LOG_CHARACTERS)
    last = sandboxes.poll(handle, command_id, max(first.total - MAX_BYTES, first.next_offset)).log
    return both_ends(first.text, last.text, True)


def both_ends(head: str, tail: str, too_long: bool) -> tuple[str, bool]:
    """Shorten a log in its middle. `head` and `tail` are its first and last part."""
    if not too_long:
        return head, False
    rest = MAX_LOG_CHARACTERS - HEAD_CHARACTERS
    return f"{head[:HEAD_CHARACTERS]}\n… the middle of the log is left out …\n{tail[-rest:]}", True
