"""One turn of a session: the model is asked, its calls are carried out, and a new session comes of it."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from groundwork.agent import changes, prompts, tools
from groundwork.agent.loop_guard import KEPT, fingerprint, rounds
from groundwork.agent.session import Session, SessionUsage
from groundwork.agent.tools import FINISH, TOOLS, Result
from groundwork.agent.verdict import finish_verdict
from groundwork.agent.workspace import ToolFailed, Workspace
from groundwork.llm.conversation import Block, Conversation, ConversationModel, Turn, TurnEnd
from groundwork.llm.port import Usage
from groundwork.text import one_line, shorten

TURN_TOKENS = 16_000
MAX_CALLS = 20
"""Of tools in one turn; what is beyond is answered, but not carried out."""

MAX_SHOWN = 120_000
"""Characters of all results of one turn together."""

MAX_WARNINGS = 3
MAX_ROUNDS = 3

type Tell = Callable[[str], None]
"""Takes a line for the task's log."""


@dataclass(frozen=True, slots=True)
class TurnDeps:
    """What a turn needs. `cost` is of one call, in millionths of a dollar; `now_ms` a monotonic clock."""

    model: ConversationModel
    workspace: Workspace
    cost: Callable[[str, Usage], int]
    now_ms: Callable[[], int]
    tell: Tell


async def step(session: Session, means: TurnDeps) -> Session:
    """The session after one more turn. Lets ModelError pass: then nothing has happened, and it can be tried again."""
    begun = means.now_ms()
    session = session if session.said else session.told(prompts.opening(session.brief))
    turn = _storable(await means.model.turn(_conversation(session)))
    # the call is billed whatever it holds: count it before anything can go wrong with it
    session = _counted(session, turn, means)
    session = await _answered(session, turn, means)
    session = session.changed(
        changes=changes.as_json(means.workspace.changes()), worked_ms=session.worked_ms + means.now_ms() - begun
    )
    reached = session.over_limit()
    if reached and not session.ended:
        return session.end("LIMIT", f"The attempt was stopped at its limit of {reached}.")
    return session


def _conversation(session: Session) -> Conversation:
    messages = [said.message() for said in session.said]
    return Conversation(prompts.INSTRUCTIONS, TOOLS, messages, TURN_TOKENS)


def _storable(turn: Turn) -> Turn:
    """JSON can hold halves of characters, which nothing that keeps or sends it can."""
    text = json.dumps([dict(block) for block in turn.content], ensure_ascii=False)
    return replace(turn, content=tuple(json.loads(text.encode(errors="replace"))))


def _counted(session: Session, turn: Turn, means: TurnDeps) -> Session:
    return session.changed(
        turns=session.turns + 1,
        spent=session.spent.plus(turn.usage),
        conversation_tokens=SessionUsage().plus(turn.usage).tokens,
        cost_micro_usd=session.cost_micro_usd + means.cost(turn.model, turn.usage),
    )


async def _answered(session: Session, turn: Turn, means: TurnDeps) -> Session:
    if turn.text:
        means.tell(f"says: {shorten(one_line(turn.text), 300)}")
    match turn.end:
        case TurnEnd.REFUSED:
            detail = f" ({shorten(one_line(turn.detail), 200)})" if turn.detail else ""
            return session.end("REFUSED", f"The model refused this task{detail}; look at its texts.")
        case TurnEnd.TRUNCATED:
            # half a call is no call: nothing of it is kept
            return _warned(session, prompts.CUT_OFF, "Its answers were cut off again and again.")
        case TurnEnd.SAID:
            spoken = session.heard("assistant", *map(dict, turn.content)) if turn.content else session
            return _warned(spoken, prompts.NOT_FINISHED, "It stopped without saying what it had done.")
        case TurnEnd.CALLS:
            return await _carried_out(session.heard("assistant", *map(dict, turn.content)), turn.calls, means)


def _warned(session: Session, text: str, reason: str) -> Session:
    """With a reminder, or at its end if there have been enough of them."""
    if session.warnings >= MAX_WARNINGS:
        return session.end("NOT_FINISHED", reason)
    return session.told(text).changed(warnings=session.warnings + 1)


async def _carried_out(session: Session, calls: Sequence[Block], means: TurnDeps) -> Session:
    """Whatever else was called in the same turn is done before it may finish."""
    work = [call for call in calls if call.get("name") != FINISH]
    answers = {str(call["id"]): await _result(call, position, means) for position, call in enumerate(work)}
    prints = (*session.prints, fingerprint(calls, [answer.text for answer in answers.values()]))[-KEPT:]
    session = session.changed(prints=prints)
    failed = sorted({str(call.get("name")) for call in work if answers[str(call["id"])].is_error})
    for call in calls:
        if call.get("name") == FINISH and not session.ended:
            session, answers[str(call["id"])] = _finished(session, call, means, failed)
    again = rounds(prints)
    if session.ended:
        return session
    if again >= MAX_ROUNDS:
        return session.end("REPEATS", f"It did the same {again} times in a row with the same result.")
    blocks = _tool_results(calls, answers)
    if again == MAX_ROUNDS - 1:
        blocks.append({"type": "text", "text": prompts.REPEATED})
    return session.heard("user", *blocks)


async def _result(call: Block, position: int, means: TurnDeps) -> Result:
    if position >= MAX_CALLS:
        return Result(f"Not carried out: at most {MAX_CALLS} calls in one turn.", True)
    # in a thread: a search may take seconds, and a stop is not to wait for it
    result = await asyncio.to_thread(tools.run, means.workspace, call)
    means.tell(result.log)
    return result


def _finished(session: Session, call: Block, means: TurnDeps, failed: Sequence[str]) -> tuple[Session, Result]:
    """`failed` are calls of the same turn: whoever finished did not know yet that they would."""
    try:
        if failed:
            raise ToolFailed(
                f"{', '.join(failed)} failed in this very turn; look at the result, then call finish alone."
            )
        ended = finish_verdict(session, means.workspace, call, reminded=session.warnings > 0)
    except ToolFailed as problem:
        means.tell(f"may not finish yet: {shorten(str(problem), 300)}")
        if session.warnings >= MAX_WARNINGS:
            return session.end("NOT_FINISHED", f"It could not finish: {problem}"), Result("")
        return session.changed(warnings=session.warnings + 1), Result(str(problem), True)
    means.tell("finished" if ended.success else f"gave up: {ended.reason}")
    return session.changed(ended=ended), Result("")


def _tool_results(calls: Sequence[Block], answers: Mapping[str, Result]) -> list[dict[str, Any]]:
    """One for each call, in its order: the API takes no call without one."""
    blocks, room = list[dict[str, Any]](), MAX_SHOWN
    for call in calls:
        result = answers[str(call["id"])]
        text = result.text if len(result.text) <= room else f"{result.text[:room]}\n… cut off: too much in one turn"
        room = max(0, room - len(text))
        block = {"type": "tool_result", "tool_use_id": call["id"], "content": text or "done"}
        blocks.append(block | {"is_error": True} if result.is_error else block)
    return blocks
