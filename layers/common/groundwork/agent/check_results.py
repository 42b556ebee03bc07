"""Results of commands for a model: bounded, every line of output marked as data."""

from collections.abc import Sequence

from groundwork.agent.rendering import render_line
from groundwork.checks.model import CommandResult
from groundwork.checks.ports import CheckProgress
from groundwork.sandbox.model import ChangedFile, ChangedFiles, Ending, LogPage
from groundwork.sandbox.verdict import Verdict

MAX_OUTPUT = 12_000
"""Characters of one failed command's output."""

MAX_OUTPUTS = 36_000
"""Characters of all outputs in one result."""

# a passed command needs its summary only
MAX_PASSED_OUTPUT = 1_500
MAX_LINE = 1_000
MAX_PAGE = 16_000
MAX_FILES = 40

_MARK = "| "
_VERDICTS = {Verdict.PASSED: "passed", Verdict.FAILED: "failed", Verdict.COULD_NOT_RUN: "could not run"}
_ENDINGS = {
    Ending.TIMEOUT: "ran out of time",
    Ending.KILLED: "was killed, perhaps for its memory or processes",
    Ending.OUTPUT: "was ended for writing too much",
    Ending.LOST: "was lost with its sandbox",
    Ending.COULD_NOT_START: "could not be started",
}


def render_run(number: int, progress: CheckProgress) -> str:
    """Render the results of run `number`: its verdict, then each command with its output."""
    verdict = progress.verdict or Verdict.COULD_NOT_RUN
    parts = [f"run {number} {_VERDICTS[verdict]}"]
    if verdict is Verdict.COULD_NOT_RUN:
        parts[0] += ": no verdict on your change, though a command may hang or a set-up fail because of it"
    failing = sum(result.verdict is not Verdict.PASSED for result in progress.results)
    share = max(MAX_PASSED_OUTPUT, min(MAX_OUTPUT, MAX_OUTPUTS // max(1, failing)))
    for position, result in enumerate(progress.results, 1):
        # the output of a set-up is of no interest, unless it failed
        if not result.setup or result.verdict is not Verdict.PASSED:
            parts += _command(number, position, result, share)
    return "\n".join(parts)


def describe_end(result: CommandResult) -> str:
    """Describe a command's end in a few words."""
    seconds = f"after {result.seconds:.1f} s"
    if result.ending is None:
        return f"did not end {seconds}"
    if result.verdict is Verdict.COULD_NOT_RUN:
        detail = f" ({render_line(result.detail, 200)})" if result.detail else ""
        return f"{_ENDINGS.get(result.ending, 'could not run')} {seconds}{detail}"
    if result.verdict is Verdict.FAILED:
        return f"failed with exit code {result.exit_code} {seconds}"
    return f"passed {seconds}" + (", but failed at first: it is flaky" if result.flaky else "")


def render_page(number: int, position: int, offset: int, page: LogPage) -> str:
    """Render a page of a log, with the offset of the next page."""
    if offset >= page.total:
        return f"run {number}, command {position}: no output from byte {offset} on; there are {page.total} bytes"
    start = max(offset, page.next_offset - len(page.text.encode(errors="replace")))
    shown = page.text[:MAX_PAGE]
    end = page.next_offset if shown == page.text else start + len(shown.encode(errors="replace"))
    more = f"; go on with offset {end}" if end < page.total else ", to its end"
    lost = f"; {page.skipped:,} bytes before it were not kept" if page.skipped else ""
    head = f"run {number}, command {position}: bytes {start} to {end} of {page.total}{more}{lost}"
    return "\n".join([head, *marked(shown)])


def render_changes(changes: ChangedFiles) -> str:
    """List files changed by commands; empty if there are none."""
    if not changes.files:
        return ""
    lines = [f"{file.kind} {render_line(file.path)} ({_describe(file)})" for file in changes.files[:MAX_FILES]]
    more = len(changes.files) - len(lines)
    if more or changes.truncated:
        lines.append(f"… and {f'{more} more' if more else 'others'}")
    return "\n".join(["Files changed by the commands, in the sandbox only; take copies them into your work:", *lines])


def marked(text: str) -> list[str]:
    """Mark each line of output, so that none can pass for anything else."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [_MARK + render_line(line, MAX_LINE) for line in lines]


def _command(number: int, position: int, result: CommandResult, share: int) -> Sequence[str]:
    kind = "set-up command" if result.setup else "command"
    head = f"{kind} {position} {describe_end(result)}: {render_line(result.command)}"
    passed = result.verdict is Verdict.PASSED
    return [head, *_output(number, position, result, MAX_PASSED_OUTPUT if passed else share)]


def _output(number: int, position: int, result: CommandResult, limit: int) -> list[str]:
    """Shorten an output in the middle: errors are at its beginning or its end."""
    text = result.log
    if len(text) <= limit:
        note = f"… the middle is left out; log with run {number}, command {position} shows it"
        return [*marked(text), *([note] if result.log_truncated else [])]
    first = limit // 3
    offset = len(text[:first].encode(errors="replace"))
    note = f"… left out; log with run {number}, command {position}, offset {offset} shows it"
    return [*marked(text[:first]), note, *marked(text[first - limit :])]


def _describe(file: ChangedFile) -> str:
    if file.special:
        return "not a regular file"
    if file.link is not None:
        return "a link"
    return "deleted" if file.kind == "deleted" else f"{file.size:,} bytes"
