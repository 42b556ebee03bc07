"""Results of a check in words, for users and for the next attempt."""

from collections.abc import Sequence

from groundwork.agent.secret_scan import redact
from groundwork.checks.model import CommandResult
from groundwork.execution.count_tests import tests_run
from groundwork.sandbox.verdict import Verdict
from groundwork.text import clean, one_line, shorten

# both ends of a log tell most: what was run, and the summary
MAX_HEAD = 300
MAX_TAIL = 900
MAX_COMMAND = 120


def failure(results: Sequence[CommandResult]) -> str:
    """Reason of a failed check, with both ends of the log."""
    failed = next((one for one in results if one.verdict is Verdict.FAILED), None)
    if failed is None:
        return "The checks failed."
    command = shorten(one_line(failed.command), MAX_COMMAND)
    return f"The check `{command}` failed with exit code {failed.exit_code}:\n{shortened(redact(clean(failed.log)))}"


def could_not_run(results: Sequence[CommandResult]) -> str:
    lost = next((one for one in results if one.verdict is Verdict.COULD_NOT_RUN), None)
    if lost is None or lost.ending is None:
        return "The checks could not run."
    command, detail = shorten(one_line(lost.command), MAX_COMMAND), redact(one_line(lost.detail))
    return f"The check `{command}` could not run ({lost.ending.value}{f': {detail}' if detail else ''})."


def shortened(log: str) -> str:
    """Shorten a log in its middle."""
    if len(log) <= MAX_HEAD + MAX_TAIL:
        return log
    return f"{log[:MAX_HEAD]}\n… ({len(log) - MAX_HEAD - MAX_TAIL:,} characters)\n{log[-MAX_TAIL:]}"


def tests_of(results: Sequence[CommandResult]) -> int | None:
    return tests_run(one.log for one in results if not one.setup)
