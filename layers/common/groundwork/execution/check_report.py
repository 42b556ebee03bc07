"""Results of a check in words, for users and for the next attempt."""

from collections.abc import Sequence

from groundwork.agent.secret_scan import redact
from groundwork.checks.model import CommandResult
from groundwork.execution.count_tests import tests_run
from groundwork.sandbox.model import Ending
from groundwork.sandbox.verdict import Verdict
from groundwork.text import clean, one_line, shorten

# both ends of a log tell most: what was run, and the summary
MAX_HEAD = 300
MAX_TAIL = 900
MAX_COMMAND = 120

_BY_COMMANDS = frozenset({Ending.EXIT, Ending.TIMEOUT, Ending.KILLED, Ending.OUTPUT})


def failure(results: Sequence[CommandResult]) -> str:
    """Reason of a failed check, with both ends of the log."""
    failed = next((one for one in results if one.verdict is Verdict.FAILED), None)
    if failed is None:
        return "The checks failed."
    command = shorten(one_line(failed.command), MAX_COMMAND)
    return f"The check `{command}` failed with exit code {failed.exit_code}:\n{shortened(redact(clean(failed.log)))}"


def could_not_run(results: Sequence[CommandResult]) -> str:
    stopped = _without_verdict(results)
    if not stopped or (ending := stopped[0].ending) is None:
        return "The checks could not run."
    first = stopped[0]
    command, detail = shorten(one_line(first.command), MAX_COMMAND), redact(one_line(first.detail))
    if ending is Ending.EXIT:
        return f"The set-up `{command}` failed with exit code {first.exit_code}."
    return f"The check `{command}` could not run ({ending.value}{f': {detail}' if detail else ''})."


def could_not_run_with_log(results: Sequence[CommandResult]) -> str:
    """Reason of a check without a verdict, with both ends of the log."""
    log = next((one.log for one in _without_verdict(results)), "")
    told = could_not_run(results)
    return f"{told}\n{shortened(redact(clean(log)))}" if log else told


def ended_by_commands(results: Sequence[CommandResult]) -> bool:
    """True if the commands kept the check from a verdict, not a lost or missing sandbox."""
    stopped = _without_verdict(results)
    return bool(stopped) and all(one.ending in _BY_COMMANDS for one in stopped)


def _without_verdict(results: Sequence[CommandResult]) -> list[CommandResult]:
    """List the commands that kept a check from a verdict.

    A failed set-up says nothing about the change.
    """
    unproven = {Verdict.COULD_NOT_RUN}
    return [one for one in results if one.verdict in (unproven | {Verdict.FAILED} if one.setup else unproven)]


def shortened(log: str) -> str:
    """Shorten a log in its middle."""
    if len(log) <= MAX_HEAD + MAX_TAIL:
        return log
    return f"{log[:MAX_HEAD]}\n… ({len(log) - MAX_HEAD - MAX_TAIL:,} characters)\n{log[-MAX_TAIL:]}"


def tests_of(results: Sequence[CommandResult]) -> int | None:
    return tests_run(one.log for one in results if not one.setup)
