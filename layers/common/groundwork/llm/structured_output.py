"""Ask for structured output: record the usage, validate the answer, repair it at most once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from groundwork.errors import GroundworkError
from groundwork.llm.port import Model, Question, Repair, Reply, Stop
from groundwork.text import one_line, shorten

# limit of the larger allowance for a repair: about the output of one call within its timeout
MAX_TOKENS = 16_000
_MAX_FAULTS_SHOWN = 5


class AnswerRejected(GroundworkError):
    """The model's answer cannot be used."""

    code = "ANSWER_INVALID"


class AnswerTruncated(AnswerRejected):
    """The model's answer was cut off twice, also with a higher limit. Try a smaller mode."""

    code = "ANSWER_TRUNCATED"


class AnswerRefused(AnswerRejected):
    """The model refused to answer; check the texts of this item."""

    code = "ANSWER_REFUSED"


class AnswerInvalid(AnswerRejected):
    """The model's answer was invalid, and so was its correction."""

    code = "ANSWER_INVALID"


class _Repairable(Exception):
    """A fault to be corrected by one more call."""

    def __init__(self, repaired: Question, final: AnswerRejected) -> None:
        super().__init__(str(final))
        self.repaired = repaired
        self.final = final


async def ask[T](model: Model, question: Question, interpret: Callable[[Any], T], spend: Callable[[Reply], None]) -> T:
    """Return `interpret` of the model's answer, an instance of `question.answer`.

    `interpret` raises ValueError for an answer of the right shape with wrong content. `spend` gets every reply before
    it is validated. Raises AnswerTruncated, AnswerRefused, AnswerInvalid, ModelError.
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
    # the call is billed whatever its answer: record it before anything can fail
    spend(reply)
    if reply.stop is Stop.REFUSED:
        # no repair: the same material is refused again, and billed
        raise AnswerRefused(_refusal(reply))
    if reply.stop is Stop.TRUNCATED:
        raise _Repairable(_ask_for_less(question), AnswerTruncated())
    try:
        return interpret(question.answer.model_validate_json(reply.text))
    except ValueError as fault:
        raise _Repairable(*_ask_for_correction(question, reply, fault)) from fault


def _refusal(reply: Reply) -> str:
    reason = f" ({shorten(one_line(reply.detail), 200)})" if reply.detail else ""
    return f"The model refused to answer{reason}; check the texts of this item."


def _ask_for_less(question: Question) -> Question:
    """Raise the limit and ask for brevity.

    The cut-off answer is not sent back: it only costs tokens.
    """
    room = max(question.max_tokens, min(question.max_tokens * 2, MAX_TOKENS))
    note = f"it was cut off at {question.max_tokens} tokens. Write it again in full, with shorter texts."
    return replace(question, max_tokens=room, repair=Repair(answer="", error=note))


def _ask_for_correction(question: Question, reply: Reply, fault: ValueError) -> tuple[Question, AnswerInvalid]:
    error = describe_fault(fault)
    final = AnswerInvalid(f"The model's answer was invalid, and so was its correction: {shorten(error, 500)}")
    return replace(question, repair=Repair(reply.text, error)), final


def describe_fault(fault: ValueError) -> str:
    """Describe an answer's first faults, for the model or a user to act on."""
    if not isinstance(fault, ValidationError):
        return str(fault)
    # inputs are the model's own text: long, and untrusted in a message for people
    errors = fault.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{'.'.join(str(part) for part in e['loc']) or 'answer'}: {e['msg']}" for e in errors[:_MAX_FAULTS_SHOWN]]
    more = f"; and {len(errors) - len(shown)} more" if len(errors) > len(shown) else ""
    return "; ".join(shown) + more
