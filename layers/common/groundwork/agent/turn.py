"""One turn of a session: call the model, run its tool calls, return the new session."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from groundwork.agent import changes, check_tools, prompts, tools
from groundwork.agent.check_state import CallResult
from groundwork.agent.check_tools import CHECK_TOOLS, COMMAND_TOOLS, LOG, TAKE, SessionChecks
from groundwork.agent.loop_guard import MAX_FINGERPRINTS, fingerprint, repetitions
from groundwork.agent.session import Session, SessionUsage
from groundwork.agent.shown_files import ShownFiles, shown_files
from groundwork.agent.tools import FINISH, TOOLS, ToolResult
from groundwork.agent.verdict import finish_verdict
from groundwork.agent.workspace import ToolFailed, Workspace
from groundwork.checks.ports import CheckProgress
from groundwork.llm.conversation import Block, Conversation, ConversationModel, Turn, TurnEnd
from groundwork.llm.port import Usage
from groundwork.text import one_line, shorten

TURN_TOKENS = 16_000
MAX_CALLS = 20
"""Tool calls of one turn; further calls are answered, but not run."""

MAX_RESULT_CHARACTERS = 120_000
"""Characters of all results of one turn."""

MAX_WARNINGS = 3
MAX_REPETITIONS = 3

type Log = Callable[[str], None]
"""Appends a line to the task's log."""


@dataclass(frozen=True, slots=True)
class TurnDeps:
    """Dependencies of a turn.

    `cost` returns the price of one call in millionths of a dollar. `now_ms` is a monotonic clock. `checks` is None if
    nothing can be run.
    """

    model: ConversationModel
    workspace: Workspace
    cost: Callable[[str, Usage], int]
    now_ms: Callable[[], int]
    log: Log
    checks: SessionChecks | None = None


async def run_turn(session: Session, deps: TurnDeps) -> Session:
    """Run one more turn, up to its first command of the repository: `resume_turn` then runs it.

    ModelError passes through: then nothing has happened, and a retry is safe.
    """
    started = deps.now_ms()
    if not session.messages:
        settings = deps.checks.settings if deps.checks and session.checks else None
        session = session.with_text(prompts.first_message(session.brief, settings))
    turn = _replace_surrogates(await deps.model.turn(_conversation(session)))
    # the call is billed in any case: count it before its content can cause an error
    session = _count_usage(session, turn, deps)
    return _end_of_turn(await _handle_reply(session, turn, deps), deps, started)


async def resume_turn(session: Session, deps: TurnDeps, seconds: Callable[[], float]) -> Session | CheckProgress:
    """Advance the pending command, and then the rest of its turn.

    Returns the progress of a command that still runs after `seconds()`; the session is then unchanged. Raises as the
    check runner does.
    """
    assert session.checks is not None
    if deps.checks is None:
        session = check_tools.abandon(session, prompts.CHECKS_ARE_OFF)
    else:
        progress = await asyncio.to_thread(check_tools.advance, session, deps.workspace.tree, deps.checks, seconds)
        if progress.verdict is None:
            if not check_tools.stop_reason(session, progress):
                return progress
            # a closed sandbox ends the command
            await asyncio.to_thread(deps.checks.runner.close, deps.checks.owner)
        session = await asyncio.to_thread(check_tools.complete, session, deps.workspace, progress, deps.checks)
        deps.log(check_tools.log_line(progress))
    # only now: a wait for commands is no work of the session
    started = deps.now_ms()
    assert session.checks is not None
    assert session.checks.pending is not None
    results = {
        one.call_id: ToolResult(one.text, one.is_error, print=one.print) for one in session.checks.pending.results
    }
    calls = [block for block in session.messages[-1].content if block.get("type") == "tool_use"]
    session = await _run_calls(session.with_checks(pending=None), calls, deps, results)
    return _end_of_turn(session, deps, started)


def _end_of_turn(session: Session, deps: TurnDeps, started: int) -> Session:
    worked_ms = deps.now_ms() - started
    session = check_tools.count_open_sandbox(session, worked_ms).changed(
        changes=changes.as_json(deps.workspace.changes()), worked_ms=session.worked_ms + worked_ms
    )
    limit = None if session.unfinished_turn else session.over_limit()
    # a session finished by its last turn stays finished, even above a limit
    if limit and not session.ended:
        return session.end("LIMIT", f"The attempt was stopped at its limit of {limit}.")
    return session


def _conversation(session: Session) -> Conversation:
    messages = [said.message() for said in session.messages]
    if session.checks is None:
        return Conversation(prompts.INSTRUCTIONS, TOOLS, messages, TURN_TOKENS)
    return Conversation(prompts.CHECK_INSTRUCTIONS, (*TOOLS, *CHECK_TOOLS), messages, TURN_TOKENS)


def _replace_surrogates(turn: Turn) -> Turn:
    """Replace lone surrogates: JSON allows them, but UTF-8 storage and requests do not."""
    text = json.dumps([dict(block) for block in turn.content], ensure_ascii=False)
    return replace(turn, content=tuple(json.loads(text.encode(errors="replace"))))


def _count_usage(session: Session, turn: Turn, deps: TurnDeps) -> Session:
    return session.changed(
        turns=session.turns + 1,
        usage=session.usage.plus(turn.usage),
        # every call sends the whole conversation, so the last call alone gives its length
        conversation_tokens=SessionUsage().plus(turn.usage).tokens,
        cost_micro_usd=session.cost_micro_usd + deps.cost(turn.model, turn.usage),
    )


async def _handle_reply(session: Session, turn: Turn, deps: TurnDeps) -> Session:
    if turn.text:
        deps.log(f"says: {shorten(one_line(turn.text), 300)}")
    match turn.end:
        case TurnEnd.REFUSED:
            detail = f" ({shorten(one_line(turn.detail), 200)})" if turn.detail else ""
            return session.end("REFUSED", f"The model refused this task{detail}. Check the texts of the task.")
        case TurnEnd.TRUNCATED:
            # a truncated call cannot be run: none of it is kept
            return _remind(session, prompts.CUT_OFF, "Its responses were cut off repeatedly.")
        case TurnEnd.SAID:
            # the provider refuses a message without content
            answered = session.with_message("assistant", *map(dict, turn.content)) if turn.content else session
            return _remind(answered, prompts.NOT_FINISHED, "It stopped without a report of the work.")
        case TurnEnd.CALLS:
            return await _run_calls(session.with_message("assistant", *map(dict, turn.content)), turn.calls, deps, {})


def _remind(session: Session, text: str, reason: str) -> Session:
    """Append a reminder, or end the session after too many."""
    if session.warnings >= MAX_WARNINGS:
        return session.end("NOT_FINISHED", reason)
    return session.with_text(text).changed(warnings=session.warnings + 1)


async def _run_calls(
    session: Session, calls: Sequence[Block], deps: TurnDeps, results: dict[str, ToolResult]
) -> Session:
    """Run all calls without a result, `finish` last; stop at a command of the repository."""
    tool_calls = [call for call in calls if call.get("name") != FINISH]
    shown = shown_files(session.messages)
    for position, call in enumerate(tool_calls):
        if str(call["id"]) in results:
            continue
        session, result = await _run_call(session, call, position, deps, results, shown)
        if session.unfinished_turn:
            return session
        deps.log(result.log)
        results[str(call["id"])] = result
    return _finish_calls(session, calls, tool_calls, results, deps)


def _finish_calls(
    session: Session,
    calls: Sequence[Block],
    tool_calls: Sequence[Block],
    results: dict[str, ToolResult],
    deps: TurnDeps,
) -> Session:
    """Run `finish`, and answer the model."""
    texts = [answer.print or answer.text for answer in results.values()]
    prints = (*session.fingerprints, fingerprint(calls, texts))[-MAX_FINGERPRINTS:]
    session = session.changed(fingerprints=prints)
    failed = sorted({str(call.get("name")) for call in tool_calls if results[str(call["id"])].is_error})
    # after all other calls: the verdict must see their changes and failures
    for call in calls:
        if call.get("name") == FINISH and not session.ended:
            session, results[str(call["id"])] = _finish(session, call, deps, failed)
    repeated = repetitions(prints)
    if session.ended:
        return session
    if repeated >= MAX_REPETITIONS:
        return session.end("REPEATS", f"It repeated the same calls {repeated} times with the same result.")
    blocks = _tool_results(calls, results)
    if repeated == MAX_REPETITIONS - 1:
        blocks.append({"type": "text", "text": prompts.REPEATED})
    return session.with_message("user", *blocks)


async def _run_call(
    session: Session,
    call: Block,
    position: int,
    deps: TurnDeps,
    results: Mapping[str, ToolResult],
    shown: ShownFiles,
) -> tuple[Session, ToolResult]:
    """Run a call, or put a command of the repository into the session."""
    if position >= MAX_CALLS:
        return session, ToolResult(f"Not run: at most {MAX_CALLS} calls in one turn.", True)
    name, others = str(call.get("name")), [tool.name for tool in CHECK_TOOLS] if session.checks else []
    # in a thread: a search may take seconds, and must not delay a stop
    if name not in others:
        return session, await asyncio.to_thread(tools.run, deps.workspace, call, shown, others)
    if deps.checks is None:
        return session, ToolResult(prompts.CHECKS_ARE_OFF, True, f"{name}: the checks are off")
    if name in COMMAND_TOOLS:
        return await asyncio.to_thread(_begin_command, session, call, deps, deps.checks, results)
    if name == TAKE:
        return await asyncio.to_thread(check_tools.take, session, call, deps.workspace, deps.checks)
    assert name == LOG
    return session, await asyncio.to_thread(check_tools.read_log, session, call, deps.checks)


def _begin_command(
    session: Session, call: Block, deps: TurnDeps, checks: SessionChecks, results: Mapping[str, ToolResult]
) -> tuple[Session, ToolResult]:
    earlier = [
        CallResult(call_id=id_, text=one.text, is_error=one.is_error, print=one.print) for id_, one in results.items()
    ]
    try:
        return check_tools.begin(session, call, earlier, deps.workspace, checks), ToolResult("")
    except ToolFailed as problem:
        return session, tools.failed(str(call.get("name")), problem)


def _finish(session: Session, call: Block, deps: TurnDeps, failed: Sequence[str]) -> tuple[Session, ToolResult]:
    """End the session.

    `failed` are other calls of the turn: the model did not know their results yet.
    """
    try:
        if failed:
            raise ToolFailed(
                f"{', '.join(failed)} failed in this very turn; look at the result, then call finish alone."
            )
        ended = finish_verdict(session, deps.workspace, call, reminded=session.warnings > 0)
    except ToolFailed as problem:
        deps.log(f"cannot finish yet: {shorten(str(problem), 300)}")
        if session.warnings >= MAX_WARNINGS:
            return session.end("NOT_FINISHED", f"It could not finish: {problem}"), ToolResult("")
        return session.changed(warnings=session.warnings + 1), ToolResult(str(problem), True)
    if ended.success and deps.checks and (what := check_tools.unchecked(session, deps.workspace)):
        deps.log(f"reminded: {what}")
        return session.with_checks(reminded=True), ToolResult(prompts.NOT_CHECKED.format(what=what), True)
    deps.log("finished" if ended.success else f"gave up: {ended.reason}")
    return session.changed(ended=ended), ToolResult("")


def _tool_results(calls: Sequence[Block], results: Mapping[str, ToolResult]) -> list[dict[str, Any]]:
    """One result per call, in order: the API requires all of them."""
    blocks, remaining = list[dict[str, Any]](), MAX_RESULT_CHARACTERS
    for call in calls:
        result = results[str(call["id"])]
        text = (
            result.text
            if len(result.text) <= remaining
            else f"{result.text[:remaining]}\n… cut off: too much in one turn"
        )
        remaining = max(0, remaining - len(text))
        block = {"type": "tool_result", "tool_use_id": call["id"], "content": text or "done"}
        blocks.append(block | {"is_error": True} if result.is_error else block)
    return blocks
