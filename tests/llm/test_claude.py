"""The Anthropic adapter through the real SDK, against a fake API server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from anthropic import Timeout

from groundwork.generation import analyze_cards
from groundwork.llm.claude import ClaudeModel, anthropic_api, bedrock
from groundwork.llm.mock import model as mock
from groundwork.llm.port import Misconfigured, ModelError, Overloaded, RateLimited, Repair, Stop, Unavailable, Usage
from tests.anthropic_server import faults
from tests.anthropic_server.faults import Fault, on_calls
from tests.anthropic_server.server import AnthropicServer
from tests.llm.questions import cards, every_question

QUESTION = analyze_cards.question(cards("It crashes.", "Great!"))
PATIENT = Timeout(120.0)


@asynccontextmanager
async def claude(
    server: AnthropicServer, model_id: str = "claude-sonnet-5-5", patience: Timeout = PATIENT
) -> AsyncIterator[ClaudeModel]:
    model = anthropic_api(model_id, "key-of-a-test", server.url, patience)
    try:
        yield model
    finally:
        await model.close()


async def fails_with(fault: Fault, patience: Timeout = PATIENT) -> ModelError:
    with AnthropicServer(on_calls({1: fault})) as server:
        async with claude(server, patience=patience) as model:
            with pytest.raises(ModelError) as caught:
                await model.reply(QUESTION)
        # an impatient client may be gone before the server has read its request
        assert await asyncio.to_thread(server.first_call.wait, 60)
        assert server.calls == 1, "the SDK must not try again by itself: our pacing decides"
        assert server.billed == Usage()
        return caught.value


@pytest.mark.parametrize("position", range(5))
async def test_every_kind_of_question_is_accepted_and_answered(position: int) -> None:
    question = every_question()[position]
    with AnthropicServer() as server:
        async with claude(server) as model:
            reply = await model.reply(question)
    assert reply.stop is Stop.END
    assert json.loads(reply.text) == mock.answer(question)
    question.answer.model_validate_json(reply.text)


async def test_usage_is_what_the_server_bills_and_the_fixed_part_is_cached() -> None:
    with AnthropicServer() as server:
        async with claude(server) as model:
            first = await model.reply(QUESTION)
            second = await model.reply(analyze_cards.question(cards("Another text")))
        assert first.usage + second.usage == server.billed
    assert first.usage.cache_write > 500
    assert first.usage.cache_read == 0
    assert second.usage.cache_read == first.usage.cache_write


async def test_the_request_has_the_fixed_part_apart_and_no_sampling_parameters() -> None:
    with AnthropicServer() as server:
        async with claude(server) as model:
            await model.reply(QUESTION)
        body = server.requests[0]
    assert body["system"] == [
        {"type": "text", "text": QUESTION.instructions, "cache_control": {"type": "ephemeral"}},
    ]
    assert set(body) == {"model", "max_tokens", "system", "messages", "output_config"}
    assert body["max_tokens"] > QUESTION.max_tokens, "thinking counts as output and needs room of its own"


async def test_effort_is_sent_only_to_models_that_take_it() -> None:
    with AnthropicServer() as server:
        for model_id in ("claude-sonnet-5-5", "claude-haiku-4-5-20251001"):
            async with claude(server, model_id) as model:
                await model.reply(QUESTION)
        efforts = [body["output_config"].get("effort") for body in server.requests]
    assert efforts == ["low", None]


@pytest.mark.parametrize(
    ("fault", "stop"), [(faults.truncated(), Stop.TRUNCATED), (faults.refused(), Stop.REFUSED)], ids=["cut", "refused"]
)
async def test_truncation_and_refusal_are_told_apart_and_billed(fault: Fault, stop: Stop) -> None:
    with AnthropicServer(on_calls({1: fault})) as server:
        async with claude(server) as model:
            reply = await model.reply(QUESTION)
        assert reply.stop is stop
        assert reply.usage == server.billed
        assert reply.usage.input > 0


async def test_a_refusal_says_of_what_kind_it_is() -> None:
    with AnthropicServer(on_calls({1: faults.refused()})) as server:
        async with claude(server) as model:
            assert (await model.reply(QUESTION)).detail == "general_harms"


async def test_what_the_content_filter_blocks_is_one_refusal_and_no_wrong_setting() -> None:
    with AnthropicServer(on_calls({1: faults.filtered()})) as server:
        async with claude(server) as model:
            reply = await model.reply(QUESTION)
    assert (reply.stop, reply.usage) == (Stop.REFUSED, Usage(calls=1))


async def test_a_rate_limit_tells_when_to_come_back_and_what_the_limits_are() -> None:
    error = await fails_with(faults.rate_limited(retry_after=600))
    assert type(error) is RateLimited
    assert error.retry_after == 600
    assert (error.limits.requests_limit, error.limits.requests_remaining) == (50, 0)
    assert error.limits.requests_reset == pytest.approx(600, abs=120)


async def test_an_overload_is_a_rate_limit_without_a_time() -> None:
    error = await fails_with(faults.overloaded())
    assert isinstance(error, Overloaded)
    assert error.retry_after is None


@pytest.mark.parametrize(
    "fault",
    [
        faults.failed(500),
        faults.failed(503),
        faults.failed(408),
        faults.dropped(),
        faults.cut(),
        faults.unreadable(),
    ],
    ids=["500", "503", "408", "dropped", "cut", "unreadable"],
)
async def test_what_may_pass_is_unavailable(fault: Fault) -> None:
    error = await fails_with(fault)
    assert type(error) is Unavailable
    assert error.__cause__ is not None, "the cause is kept for the log"


async def test_an_answer_that_does_not_come_is_unavailable() -> None:
    error = await fails_with(faults.hanging(300), Timeout(120.0, read=0.5))
    assert type(error) is Unavailable
    assert error.__cause__ is not None, "the cause is kept for the log"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
async def test_what_will_not_pass_is_misconfigured(status: int) -> None:
    error = await fails_with(faults.failed(status))
    assert type(error) is Misconfigured
    assert str(status) in str(error)


async def test_no_error_holds_the_key_or_the_material() -> None:
    for fault in (faults.failed(401), faults.failed(500), faults.rate_limited(), faults.dropped()):
        said = str(await fails_with(fault))
        assert "key-of-a-test" not in said
        assert "crashes" not in said


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with AnthropicServer() as server:
        url = server.url
    model = anthropic_api("claude-sonnet-5-5", "key", url)
    with pytest.raises(Unavailable, match="ConnectError"):
        await model.reply(QUESTION)
    await model.close()


async def test_headers_of_a_good_answer_say_how_much_is_left() -> None:
    with AnthropicServer(requests_a_minute=1, burst=2) as server:
        async with claude(server) as model:
            reply = await model.reply(QUESTION)
            await model.reply(QUESTION)
            with pytest.raises(RateLimited) as caught:
                await model.reply(QUESTION)
    assert reply.limits.requests_limit == 1
    assert reply.limits.requests_remaining == 1
    assert 0 < (caught.value.retry_after or 0) <= 60


async def test_a_call_can_be_given_up() -> None:
    with AnthropicServer(on_calls({1: faults.hanging(300)})) as server:
        async with claude(server) as model:
            call = asyncio.create_task(model.reply(QUESTION))
            assert await asyncio.to_thread(server.first_call.wait, 60)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await model.reply(QUESTION)).stop is Stop.END


async def test_a_repair_shows_the_model_its_answer_and_the_fault() -> None:
    repaired = replace(QUESTION, repair=Repair('{"cards": []}', "no card <b>has</b> an analysis"))
    with AnthropicServer() as server:
        async with claude(server) as model:
            await model.reply(repaired)
        first, answer, request = server.requests[0]["messages"]
    assert "It crashes." in first["content"]
    assert (answer["role"], answer["content"]) == ("assistant", '{"cards": []}')
    assert "\\u003cb\\u003e" in request["content"], "what is wrong may quote the material, so it is fenced too"


async def test_a_repair_after_truncation_sends_no_empty_answer() -> None:
    with AnthropicServer() as server:
        async with claude(server) as model:
            await model.reply(replace(QUESTION, repair=Repair("", "it was cut off")))
        messages = server.requests[0]["messages"]
    assert [message["role"] for message in messages] == ["user", "user"]
    assert all(message["content"] for message in messages)


async def test_bedrock_asks_the_same_under_its_own_model_name_and_signed() -> None:
    with AnthropicServer() as server:
        model = bedrock("claude-sonnet-5-5", "eu-west-1", f"{server.url}/anthropic")
        reply = await model.reply(QUESTION)
        await model.close()
        body = server.requests[0]
    assert reply.stop is Stop.END
    assert reply.model == "claude-sonnet-5-5"
    assert body["model"] == "anthropic.claude-sonnet-5-5"
    assert "AWS4-HMAC-SHA256" in server.authorizations[0]


async def test_bedrock_without_credentials_is_misconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with AnthropicServer() as server:
        model = bedrock("claude-opus-5-5", "eu-west-2", f"{server.url}/anthropic")
        with pytest.raises(Misconfigured, match="credentials"):
            await model.reply(QUESTION)
        await model.close()
