"""Tools of a session for the repository's commands: check, run, log and take.

Commands run in a sandbox on a copy of the session's files. `check` and `run` may outlast an invocation: `begin` puts
the call into the session, `advance` continues it anywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from groundwork.agent.allowed_commands import allowed_line, chosen_commands
from groundwork.agent.changes import Changes as FileChanges
from groundwork.agent.check_results import describe_end, render_changes, render_page, render_run
from groundwork.agent.check_state import (
    CallResult,
    CheckRun,
    CheckState,
    PendingCall,
    fingerprints,
    job_id,
    tree_fingerprint,
)
from groundwork.agent.paths import PathRefused, normalize_path
from groundwork.agent.rendering import render_line
from groundwork.agent.session import Session
from groundwork.agent.tools import ToolInput, ToolResult, failed, parse_input, tool
from groundwork.agent.workspace import ToolFailed, Workspace
from groundwork.checks import poll_delay
from groundwork.checks.model import CheckSettings
from groundwork.checks.ports import CheckJob, CheckProgress, CheckRunner, Owner
from groundwork.errors import Transient
from groundwork.llm.conversation import Block
from groundwork.sandbox.errors import SandboxError, SandboxUnavailable
from groundwork.sandbox.model import ChangedFile, ChangedFiles, ChangeKind, Tree
from groundwork.sandbox.verdict import Verdict

CHECK, RUN, LOG, TAKE = "check", "run", "log", "take"
COMMAND_TOOLS = frozenset({CHECK, RUN})
"""Tools that run commands, and so may outlast an invocation."""

MAX_PATHS = 200


class CheckInput(ToolInput):
    commands: list[int | str] | None = Field(
        None, max_length=50, description="Numbers or texts of checks; without it all of them"
    )


class RunInput(ToolInput):
    command: str = Field(min_length=1, description="An allowed command with its arguments, in one line")


class LogInput(ToolInput):
    run: int = Field(ge=1, description="The number of the run")
    command: int = Field(1, ge=1, description="The number of the command in it")
    offset: int = Field(0, ge=0, le=10**12, description="The byte to begin at")


class TakeInput(ToolInput):
    paths: list[str] = Field(
        min_length=1, max_length=MAX_PATHS, description="Paths as listed; a folder with / at its end takes all below"
    )


CHECK_TOOLS = (
    tool(
        CHECK,
        CheckInput,
        "Run the repository's checks on your files, and see how they end. A change lands only if all of them pass.",
    ),
    tool(
        RUN,
        RunInput,
        "Run one of the allowed commands on a copy of your files, such as a single test or a formatter. No shell "
        "interprets the arguments. Only commands of the set-up, exactly as listed, may reach package registries.",
    ),
    tool(LOG, LogInput, "Read on in the output of a command, where a result left something out."),
    tool(TAKE, TakeInput, "Take over files that the commands of the last run changed, into your work."),
)


@dataclass(frozen=True, slots=True)
class SessionChecks:
    """Checks of the task's repository, for one session.

    `tree_id` returns git's id of the session's tree.
    """

    runner: CheckRunner
    owner: Owner
    repository_id: str
    settings: CheckSettings
    tree_id: Callable[[FileChanges], str]


def begin(
    session: Session, call: Block, results: Sequence[CallResult], workspace: Workspace, checks: SessionChecks
) -> Session:
    """Put a call of `check` or `run` into the session; nothing starts yet. Raises ToolFailed."""
    state = _state(session)
    commands = _commands(call, checks.settings)
    limit = _cost_limit(session) if session.total_cost_micro_usd >= session.limits.cost_micro_usd else None
    if limit := limit or state.limit_reached():
        raise ToolFailed(f"Not run: the limit of {limit} in one attempt is reached. Finish with what you know")
    call_id = str(call["id"])
    run = CheckRun(
        job_id=job_id(session.turns, call_id),
        tree_id=checks.tree_id(workspace.changes()),
        commands=commands,
        whole=commands == checks.settings.verify,
    )
    return session.with_checks(
        runs=(*state.runs, run),
        pending=PendingCall(call_id=call_id, results=tuple(results)),
        in_sandbox=fingerprints(workspace.changes()),
    )


def advance(
    session: Session, tree: Callable[[], Tree], checks: SessionChecks, seconds: Callable[[], float]
) -> CheckProgress:
    """Advance the pending call. Safe to repeat: its job starts no command twice.

    `tree` is called only if the files must be put into a sandbox. Raises as the runner and `tree` do.
    """
    run = _state(session).runs[-1]
    job = CheckJob(
        id=run.job_id,
        owner=checks.owner,
        repository_id=checks.repository_id,
        settings=checks.settings,
        tree=tree,
        tree_sha=run.tree_id,
        commit=session.base,
        commands=run.commands,
        # a check must not rest on products of earlier commands; other commands may
        clean=run.whole,
        # a session reads failures all the time: only whole checks look for flaky ones
        rerun=run.whole,
    )
    return checks.runner.advance(job, seconds)


def next_look_s(session: Session, progress: CheckProgress) -> float:
    """Return the seconds until the next look at the pending call."""
    delay_s, state = poll_delay.next_look_s(progress), _state(session)
    if progress.results:
        delay_s = min(delay_s, max(poll_delay.MIN_DELAY_S, state.max_seconds - state.seconds - _seconds(progress)))
    if progress.bill is not None:
        left = session.limits.cost_micro_usd - _total_cost(session, progress)
        delay_s = min(delay_s, max(poll_delay.MIN_DELAY_S, left / progress.bill.micro_usd_per_s))
    return delay_s


def stop_reason(session: Session, progress: CheckProgress) -> str | None:
    """Describe the limit of the attempt that ends its pending command, or None."""
    state = _state(session)
    if state.seconds + _seconds(progress) >= state.max_seconds:
        return f"the commands of one attempt may take {state.max_seconds} seconds"
    if _total_cost(session, progress) >= session.limits.cost_micro_usd:
        return f"the attempt may cost {_cost_limit(session)}"
    return None


def count_open_sandbox(session: Session, milliseconds: int) -> Session:
    """Add the price of the sandbox while the model works.

    The next bill of the sandbox replaces this estimate.
    """
    state = session.checks
    if state is None or state.sandbox is None:
        return session
    cost = state.sandbox.cost_micro_usd + round(milliseconds * state.sandbox.micro_usd_per_s / 1_000)
    sandbox = state.sandbox.model_copy(update={"cost_micro_usd": cost})
    return session.with_checks(cost_micro_usd=state.cost_with(sandbox), sandbox=sandbox)


def complete(session: Session, workspace: Workspace, progress: CheckProgress, checks: SessionChecks) -> Session:
    """Record the result of the pending call. Without a verdict it was stopped at a limit."""
    state = _state(session)
    assert state.pending is not None
    number, run = len(state.runs), state.runs[-1].model_copy(update={"verdict": progress.verdict})
    text = render_run(number, progress)
    if progress.verdict is None:
        text = f"Stopped: {stop_reason(session, progress)}.\n{text}"
    elif changed := _changes_text(checks):
        text = f"{text}\n{changed}"
    # times differ in each output: the same end on the same files is a repetition
    print_ = f"{progress.verdict} {tree_fingerprint(workspace.changes())}"
    is_error = progress.verdict is not Verdict.PASSED
    result = CallResult(call_id=state.pending.call_id, text=text, is_error=is_error, print=print_)
    fields: dict[str, Any] = {
        "runs": (*state.runs[:-1], run),
        "seconds": state.seconds + _seconds(progress),
        # counted for the limit of the attempt; the sandbox itself is billed when it is closed
        "cost_micro_usd": state.cost_with(progress.bill),
        # a stopped command has closed its sandbox
        "sandbox": progress.bill if progress.verdict is not None else None,
        "pending": state.pending.model_copy(update={"results": (*state.pending.results, result)}),
    }
    if run.whole and progress.verdict is not None:
        fields |= {"checked": tree_fingerprint(workspace.changes()), "verdict": progress.verdict}
    return session.with_checks(**fields)


def abandon(session: Session, reason: str) -> Session:
    """End the pending call without a result."""
    state = _state(session)
    assert state.pending is not None
    result = CallResult(call_id=state.pending.call_id, text=reason, is_error=True)
    return session.with_checks(pending=state.pending.model_copy(update={"results": (*state.pending.results, result)}))


def log_line(progress: CheckProgress) -> str:
    """Line on a finished run for the task's log."""
    ends = [f"{render_line(result.command, 100)} {describe_end(result)}" for result in progress.results]
    return "ran " + ("; ".join(ends[:5]) or "no command") + ("; …" if len(ends) > 5 else "")


def unchecked(session: Session, workspace: Workspace) -> str | None:
    """Describe the missing proof of the session's last tree, None if there is nothing to say."""
    state = session.checks
    if state is None or state.reminded or not workspace.changes() or state.limit_reached():
        return None
    if state.checked != tree_fingerprint(workspace.changes()):
        return "the checks did not run on these last files"
    return "the checks failed on these very files" if state.verdict is Verdict.FAILED else None


def read_log(session: Session, call: Block, checks: SessionChecks) -> ToolResult:
    """Run the tool `log`."""
    try:
        request = parse_input(LogInput, call)
        runs = _state(session).runs
        if request.run > len(runs):
            raise ToolFailed(f"there is no run {request.run}; there are {len(runs)} so far")
        page = checks.runner.log(checks.owner, runs[request.run - 1].job_id, request.command - 1, request.offset)
        text = render_page(request.run, request.command, request.offset, page)
    except ToolFailed as problem:
        return failed(LOG, problem)
    except SandboxUnavailable:
        raise
    except (SandboxError, Transient, LookupError):
        return failed(LOG, ToolFailed("this output is no longer there; run the command again"))
    return ToolResult(text, log=f"read the output of run {request.run}")


def take(session: Session, call: Block, workspace: Workspace, checks: SessionChecks) -> tuple[Session, ToolResult]:
    """Run the tool `take`: copy files from the sandbox, each through the guards of a write."""
    try:
        request = parse_input(TakeInput, call)
        if not _state(session).runs:
            raise ToolFailed("no command has run yet")
        files = _chosen(request.paths, _changes(checks), session, workspace)
    except ToolFailed as problem:
        return session, failed(TAKE, problem)
    taken, refused = list[str](), list[str]()
    # deletions first: a file may replace a folder
    for file in sorted(files, key=lambda one: one.content is not None):
        try:
            _take_file(file, workspace)
            taken.append(file.path)
        except ToolFailed as problem:
            refused.append(str(problem))
    others = {path: print_ for path, print_ in _state(session).in_sandbox.items() if path not in taken}
    session = session.with_checks(in_sandbox=others | _now(taken, workspace))
    lines = [f"took {render_line(path)}" for path in taken] + [f"not taken: {line}" for line in refused]
    log = f"took over {len(taken)} file{'' if len(taken) == 1 else 's'}: {render_line(', '.join(taken))}"
    return session, ToolResult("\n".join(lines), bool(refused), log)


def _commands(call: Block, settings: CheckSettings) -> tuple[str, ...]:
    """Raises ToolFailed."""
    if call.get("name") == RUN:
        return (allowed_line(settings, parse_input(RunInput, call).command),)
    return chosen_commands(settings, parse_input(CheckInput, call).commands)


def _chosen(paths: Sequence[str], changes: ChangedFiles, session: Session, workspace: Workspace) -> list[ChangedFile]:
    """Select changed files by path or folder. Raises ToolFailed, so that all or none are taken."""
    by_path = {file.path: file for file in changes.files}
    chosen: dict[str, ChangedFile] = {}
    for path in paths:
        found = {name: file for name, file in by_path.items() if name == path or _is_below(name, path)}
        if not found:
            raise ToolFailed(f"{render_line(path, 100)} was not changed by the commands of the last run")
        chosen |= found
    before, now = _state(session).in_sandbox, fingerprints(workspace.changes())
    for path in chosen:
        # the sandbox has the result for the file as it was: newer work would be lost
        if before.get(path) != now.get(path):
            raise ToolFailed(f"{render_line(path, 100)} has changed since the command began; run it again")
    return list(chosen.values())


def _is_below(name: str, folder: str) -> bool:
    return folder.endswith("/") and name.startswith(folder)


def _take_file(file: ChangedFile, workspace: Workspace) -> None:
    """Raises ToolFailed."""
    path = render_line(file.path, 100)
    try:
        # the sandbox names files in git's form; any other spelling is a trick
        if normalize_path(file.path) != file.path:
            raise ToolFailed(f"{path}: this is not a plain path")
    except PathRefused as refused:
        raise ToolFailed(f"{path}: {refused}") from None
    if file.special or file.link is not None:
        raise ToolFailed(f"{path} is a link or not a regular file")
    if file.kind is ChangeKind.DELETED:
        workspace.delete(file.path)
    elif file.content is None:
        raise ToolFailed(f"{path} is too large to be taken over")
    else:
        workspace.write(file.path, file.content)


def _now(taken: Sequence[str], workspace: Workspace) -> dict[str, str]:
    now = fingerprints(workspace.changes())
    return {path: now[path] for path in taken if path in now}


def _changes(checks: SessionChecks) -> ChangedFiles:
    """Raises ToolFailed."""
    try:
        return checks.runner.changes(checks.owner)
    except SandboxUnavailable:
        raise
    except (SandboxError, Transient):
        raise ToolFailed("the files of the last run are no longer there; run the command again") from None


def _changes_text(checks: SessionChecks) -> str:
    try:
        return render_changes(_changes(checks))
    except ToolFailed:
        # without the list the result is still worth having
        return ""


def _seconds(progress: CheckProgress) -> float:
    return sum(result.seconds for result in progress.results)


def _total_cost(session: Session, progress: CheckProgress) -> int:
    return session.cost_micro_usd + _state(session).cost_with(progress.bill)


def _cost_limit(session: Session) -> str:
    return f"{session.limits.cost_micro_usd / 1e6:.2f} USD"


def _state(session: Session) -> CheckState:
    assert session.checks is not None
    return session.checks
