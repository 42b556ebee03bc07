"""One question, at most one repair, and every call counted whatever came of it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from groundwork.backlog.model import Mode
from groundwork.generation import stories
from groundwork.llm.claude import anthropic_api
from groundwork.llm.mock.model import MockModel
from groundwork.llm.port import ModelTask, Overloaded, Question, Reply, Stop, Usage
from groundwork.llm.structured_output import (
    MAX_TOKENS,
    AnswerInvalid,
    AnswerRefused,
    AnswerRejected,
    AnswerTruncated,
    ask,
)
from groundwork.runs.model import ErrorCode
from tests.anthropic_server import faults
from tests.anthropic_server.server import AnthropicServer
from tests.llm.questions import EPIC, some_cards


class Number(BaseModel):
    number: int


QUESTION = Question(ModelTask.WRITE_SUBTASKS, "Give a number.", {}, Number, max_tokens=100)
COST = Usage(input=10, output=5, calls=1)


def even(answer: Number) -> int:
    if answer.number % 2:
        raise ValueError(f"{answer.number} is odd")
    return answer.number


class Scripted:
    """Gives its replies one after the other and keeps the questions."""

    name, model_id = "scripted", "claude-sonnet-5-5"

    def __init__(self, *replies: Reply | Exception) -> None:
        self._replies = list(replies)
        self.questions: list[Question] = []

    async def reply(self, question: Question) -> Reply:
        self.questions.append(question)
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def close(self) -> None:
        return None


def said(text: str, stop: Stop = Stop.END, detail: str = "") -> Reply:
    return Reply(text, stop, COST, "claude-sonnet-5-5", detail=detail)


GOOD, ODD, BROKEN, WRONG = said('{"number": 4}'), said('{"number": 3}'), said('{"number": '), said('{"number": "x"}')
CUT, REFUSED = said('{"num', Stop.TRUNCATED), said("", Stop.REFUSED, "cyber")


async def asked(*replies: Reply | Exception) -> tuple[int | Exception, Scripted, Usage]:
    model, spent = Scripted(*replies), [Usage()]
    try:
        result: int | Exception = await ask(model, QUESTION, even, lambda reply: spent.append(reply.usage))
    except Exception as error:  # noqa: BLE001 - the tests look at what it is
        result = error
    return result, model, sum(spent, Usage())


async def test_a_good_answer_takes_one_call() -> None:
    result, model, spent = await asked(GOOD)
    assert (result, len(model.questions), spent) == (4, 1, COST)


@pytest.mark.parametrize("bad", [ODD, BROKEN, WRONG, said(""), CUT], ids=["odd", "broken", "wrong", "empty", "cut"])
async def test_a_bad_answer_gets_one_repair(bad: Reply) -> None:
    result, model, spent = await asked(bad, GOOD)
    assert (result, len(model.questions), spent.calls) == (4, 2, 2)


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ((ODD, ODD), AnswerInvalid),
        ((BROKEN, WRONG), AnswerInvalid),
        ((CUT, ODD), AnswerInvalid),
        ((CUT, CUT), AnswerTruncated),
        ((ODD, CUT), AnswerTruncated),
        ((ODD, REFUSED), AnswerRefused),
        ((REFUSED,), AnswerRefused),
    ],
)
async def test_what_the_last_answer_suffers_from_is_the_reason(
    replies: Sequence[Reply], kind: type[AnswerRejected]
) -> None:
    result, model, spent = await asked(*replies)
    assert type(result) is kind
    assert ErrorCode(result.code).value == kind.code
    assert len(model.questions) == len(replies)
    assert spent.calls == len(replies), "each call was billed, so each is counted"


async def test_a_repair_shows_the_answer_and_what_is_wrong_with_it() -> None:
    _, model, _ = await asked(ODD, GOOD)
    repair = model.questions[1].repair
    assert repair
    assert (repair.answer, repair.error) == ('{"number": 3}', "3 is odd")


async def test_a_repair_of_a_shape_names_the_field() -> None:
    _, model, _ = await asked(WRONG, GOOD)
    repair = model.questions[1].repair
    assert repair
    assert repair.error.startswith("number: Input should be a valid integer")


async def test_a_truncated_answer_gets_more_room_and_is_not_sent_back() -> None:
    _, model, _ = await asked(CUT, GOOD)
    second = model.questions[1]
    assert second.max_tokens == 200
    assert second.repair
    assert second.repair.answer == ""
    assert "cut off at 100 tokens" in second.repair.error


async def test_room_is_bounded() -> None:
    big = Question(ModelTask.WRITE_STORIES, "", {}, Number, max_tokens=MAX_TOKENS - 1)
    model = Scripted(CUT, GOOD)
    await ask(model, big, even, lambda reply: None)
    assert model.questions[1].max_tokens == MAX_TOKENS


async def test_a_rejected_answer_tells_a_person_what_is_wrong() -> None:
    result, _, _ = await asked(ODD, ODD)
    assert "3 is odd" in str(result)
    refused, _, _ = await asked(REFUSED)
    assert "cyber" in str(refused)


async def test_a_call_is_counted_before_its_answer_is_looked_at() -> None:
    events: list[str] = []

    def interpret(answer: Number) -> int:
        events.append("looked at")
        return answer.number

    await ask(Scripted(GOOD), QUESTION, interpret, lambda reply: events.append("counted"))
    assert events == ["counted", "looked at"]


@pytest.mark.parametrize("before", [(), (ODD,)], ids=["at once", "in the repair"])
async def test_errors_of_the_model_pass_untouched(before: Sequence[Reply]) -> None:
    overloaded = Overloaded()
    result, _, spent = await asked(*before, overloaded)
    assert result is overloaded
    assert spent.calls == len(before)


async def test_a_deeply_nested_answer_is_invalid_and_harmless() -> None:
    result, _, _ = await asked(said("[" * 100_000), said('{"number": ' * 5_000))
    assert type(result) is AnswerInvalid


async def over_http(script: faults.Script) -> tuple[Any, AnthropicServer, Usage]:
    cards, spent = some_cards(5), [Usage()]
    with AnthropicServer(script) as server:
        model = anthropic_api("claude-sonnet-5-5", "key", server.url)
        question = stories.question(EPIC, cards, Mode.COMPACT)
        try:
            result: Any = await ask(
                model,
                question,
                lambda answer: stories.interpret(EPIC, cards, Mode.COMPACT, answer),
                lambda reply: spent.append(reply.usage),
            )
        except AnswerRejected as error:
            result = error
        finally:
            await model.close()
    return result, server, sum(spent, Usage())


@pytest.mark.parametrize(
    "fault",
    [faults.malformed(), faults.out_of_range(), faults.truncated()],
    ids=["malformed", "out of range", "truncated"],
)
async def test_over_http_one_bad_answer_is_repaired_and_both_calls_are_counted(fault: faults.Fault) -> None:
    result, server, spent = await over_http(faults.on_calls({1: fault}))
    assert 3 <= len(result) <= 5
    assert (server.calls, spent) == (2, server.billed)


@pytest.mark.parametrize(
    ("fault", "code", "calls"),
    [
        (faults.malformed(), "ANSWER_INVALID", 2),
        (faults.out_of_range(), "ANSWER_INVALID", 2),
        (faults.truncated(), "ANSWER_TRUNCATED", 2),
        (faults.refused(), "ANSWER_REFUSED", 1),
    ],
)
async def test_over_http_two_bad_answers_are_rejected_and_counted(fault: faults.Fault, code: str, calls: int) -> None:
    result, server, spent = await over_http(lambda call: fault)
    assert result.code == code
    assert (server.calls, spent) == (calls, server.billed)


async def test_the_mock_is_asked_like_any_other_model() -> None:
    cards = some_cards(3)
    question = stories.question(EPIC, cards, Mode.DETAILED)
    drafts = await ask(
        MockModel("claude-sonnet-5-5", 0),
        question,
        lambda answer: stories.interpret(EPIC, cards, Mode.DETAILED, answer),
        lambda reply: json.loads(reply.text),
    )
    assert 8 <= len(drafts) <= 12
