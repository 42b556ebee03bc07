"""Conversations with tools through the real SDK, against a fake API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from groundwork.agent import prompts
from groundwork.agent.runner import run_session
from groundwork.agent.session import Session
from groundwork.agent.tools import TOOLS
from groundwork.llm.claude import anthropic_api, bedrock
from groundwork.llm.conversation import Conversation, Message, TurnEnd
from groundwork.llm.port import ModelError, Overloaded, RateLimited, Unavailable, Usage
from tests.agent.world import MODEL, JobContext, brief, workspace
from tests.anthropic_server import faults
from tests.anthropic_server.faults import Fault, on_calls
from tests.anthropic_server.server import AnthropicServer

FILES: dict[str, str | bytes] = {"src/app.py": '"""Downloads."""\n'}
OPENING = Message("user", ({"type": "text", "text": prompts.first_message(brief())},))
CONVERSATION = Conversation(prompts.INSTRUCTIONS, TOOLS, (OPENING,), 16_000)


@pytest.fixture
async def server() -> AsyncIterator[AnthropicServer]:
    with AnthropicServer() as one:
        yield one


async def carried(server: AnthropicServer, folder: Path) -> tuple[Session, JobContext]:
    model = anthropic_api(MODEL, "key-of-a-test", server.url)
    desk = JobContext(model, workspace(folder, FILES))
    try:
        session = (await run_session(Session(brief=brief(), base="0" * 40), desk.means(), desk.watch())).session
    finally:
        await model.close()
    return session, desk


async def test_a_whole_session_is_what_the_api_takes_and_bills(server: AnthropicServer, tmp_path: Path) -> None:
    session, _ = await carried(server, tmp_path)
    assert session.ended
    assert session.ended.success
    spent = session.usage
    assert Usage(spent.input, spent.output, spent.cache_read, spent.cache_write, spent.calls) == server.billed
    assert spent.cache_read > 0
    assert server.calls == session.turns == 4


async def test_thinking_is_sent_back_as_it_came(server: AnthropicServer, tmp_path: Path) -> None:
    await carried(server, tmp_path)
    sent = server.requests[-1]["messages"][1]["content"]
    assert sent[0] == {"type": "thinking", "thinking": "", "signature": "s"}


async def test_the_request_holds_tools_that_are_closed_and_two_marks_for_the_cache(
    server: AnthropicServer, tmp_path: Path
) -> None:
    await carried(server, tmp_path)
    request = server.requests[-1]
    assert {tool["name"] for tool in request["tools"]} == {
        *("read", "write", "edit", "glob", "grep", "list", "delete", "finish")
    }
    assert all(tool["input_schema"]["additionalProperties"] is False for tool in request["tools"])
    assert "cache_control" in request["system"][0]
    assert ["cache_control" in message["content"][-1] for message in request["messages"]][-1:] == [True]
    assert "tool_choice" not in request


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.rate_limited(3.0), RateLimited),
        (faults.overloaded(), Overloaded),
        (faults.failed(500), Unavailable),
        (faults.dropped(), Unavailable),
        (faults.cut(), Unavailable),
        (faults.unreadable(), Unavailable),
    ],
)
async def test_a_fault_of_the_provider_is_raised_and_passes(
    tmp_path: Path, fault: Fault, kind: type[ModelError]
) -> None:
    with AnthropicServer(on_calls({1: fault, 4: fault})) as server:
        model = anthropic_api(MODEL, "key-of-a-test", server.url)
        with pytest.raises(kind):
            await model.turn(CONVERSATION)
        await model.close()
        session, desk = await carried(server, tmp_path)
    assert session.ended
    assert session.ended.success
    assert session.turns == 4
    assert len(desk.slept) == 1


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        (faults.truncated(), TurnEnd.TRUNCATED),
        (faults.malformed(), TurnEnd.TRUNCATED),
        (faults.refused(), TurnEnd.REFUSED),
        (faults.filtered(), TurnEnd.REFUSED),
        (faults.out_of_range(), TurnEnd.SAID),
    ],
)
async def test_why_the_model_stopped_is_told(fault: Fault, end: TurnEnd) -> None:
    with AnthropicServer(on_calls({1: fault})) as server:
        model = anthropic_api(MODEL, "key-of-a-test", server.url)
        turn = await model.turn(CONVERSATION)
        await model.close()
        assert turn.usage.calls == 1
        assert turn.usage in (server.billed, Usage(calls=1))
    assert turn.end is end


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("fault", [faults.truncated(), faults.malformed(), faults.out_of_range()])
async def test_a_bad_answer_in_any_turn_is_got_over(tmp_path: Path, fault: Fault, number: int) -> None:
    with AnthropicServer(on_calls({number: fault})) as server:
        session, _ = await carried(server, tmp_path)
        assert session.usage.calls == server.billed.calls == 5
    assert session.ended
    assert session.ended.success


async def test_bedrock_is_asked_the_same(
    server: AnthropicServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    model = bedrock(MODEL, "us-east-1", server.url)
    turn = await model.turn(CONVERSATION)
    await model.close()
    assert turn.end is TurnEnd.CALLS
    assert server.requests[0]["model"] == f"anthropic.{MODEL}"
