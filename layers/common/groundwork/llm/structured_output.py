"""Asks a model one question and takes no answer on trust: counted first, then examined, repaired at most once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from groundwork.errors import GroundworkError
from groundwork.llm.port import Model, Question, Repair, Reply, Stop
from groundwork.text import one_line, shorten

# A repaired answer gets more room, up to about what one call can write in its time.
MAX_TOKENS = 16_000
_MAX_FAULTS_SHOWN = 5


class AnswerRejected(GroundworkError):
    """The model's answer cannot be used."""

    code = "ANSWER_INVALID"


class AnswerTruncated(AnswerRejected):
    """The model's answer was cut off twice, the second time with more room; a smaller mode makes it shorter."""

    code = "ANSWER_TRUNCATED"


class AnswerRefused(AnswerRejected):
    """The model refused to answer; look at the texts this item is made from."""

    code = "ANSWER_REFUSED"


class AnswerInvalid(AnswerRejected):
    """The model's answer was not valid, and neither was its correction."""

    code = "ANSWER_INVALID"


class _Repairable(Exception):
    """A fault that one more call may mend."""

    def __init__(self, repaired: Question, final: AnswerRejected) -> None:
        super().__init__(str(final))
        self.repaired = repaired
        self.final = final


async def ask[T](model: Model, question: Question, interpret: Callable[[Any], T], spend: Callable[[Reply], None]) -> T:
    """What `interpret` makes of the model's answer, an instance of `question.answer`.

    `interpret` raises ValueError where an answer of the right shape is wrong in itself. `spend` gets every reply
    before anything of it is looked at. Raises AnswerTruncated, AnswerRefused or AnswerInvalid; lets ModelError pass.
    """
    try:
        return await _attempt(model, question, interpret, spend)
    except _Repairable as fault:
        repaired = fault.repaired
    try:
        return await _attempt(model, repaired, interpret, spend)
    except _Repairable as fault:
        raise fault.final from fault


async def _attempt[T](
    model: Model, question: Question, interpret: Callable[[Any], T], spend: Callable[[Reply], None]
) -> T:
    reply = await model.reply(question)
    # the call is billed whatever it holds: count it before anything can go wrong with it
    spend(reply)
    if reply.stop is Stop.REFUSED:
        raise AnswerRefused(_refusal(reply))
    if reply.stop is Stop.TRUNCATED:
        raise _Repairable(_shorter(question), AnswerTruncated())
    try:
        return interpret(question.answer.model_validate_json(reply.text))
    except ValueError as fault:
        raise _Repairable(*_corrected(question, reply, fault)) from fault


def _refusal(reply: Reply) -> str:
    reason = f" ({shorten(one_line(reply.detail), 200)})" if reply.detail else ""
    return f"The model refused to answer{reason}; look at the texts this item is made from."


def _shorter(question: Question) -> Question:
    """More room and a request for brevity. The half answer is not sent back: it costs tokens and helps nobody."""
    room = max(question.max_tokens, min(question.max_tokens * 2, MAX_TOKENS))
    note = f"it was cut off at {question.max_tokens} tokens. Write it again in full, with shorter texts."
    return replace(question, max_tokens=room, repair=Repair(answer="", error=note))


def _corrected(question: Question, reply: Reply, fault: ValueError) -> tuple[Question, AnswerInvalid]:
    error = explain(fault)
    final = AnswerInvalid(f"The model's answer was not valid, and neither was its correction: {shorten(error, 500)}")
    return replace(question, repair=Repair(reply.text, error)), final


def explain(fault: ValueError) -> str:
    """What is wrong with an answer, in words a model or a person can act on; never more than a few faults."""
    if not isinstance(fault, ValidationError):
        return str(fault)
    errors = fault.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{'.'.join(str(part) for part in e['loc']) or 'answer'}: {e['msg']}" for e in errors[:_MAX_FAULTS_SHOWN]]
    more = f"; and {len(errors) - len(shown)} more" if len(errors) > len(shown) else ""
    return "; ".join(shown) + more
