"""Conversations with tools, as the API takes and answers them; see `server.py`."""

from collections.abc import Callable, Mapping
from typing import Any

from groundwork.llm.conversation import Conversation, Message
from groundwork.llm.mock import agent
from tests.anthropic_server.faults import Kind

type Content = list[dict[str, Any]]
type Body = Mapping[str, Any]


def good(body: Body) -> tuple[Content, str]:
    """The mock's next turn, with the API's extra fields."""
    messages = [Message(message["role"], tuple(message["content"])) for message in body["messages"]]
    blocks, _ = agent.turn(Conversation("", (), messages, 1))
    extras: dict[str, dict[str, Any]] = {"text": {"citations": None}, "tool_use": {"caller": {"type": "direct"}}}
    return [{**block, **extras[block["type"]]} for block in blocks], "tool_use"


def _cut_off(body: Body) -> tuple[Content, str]:
    content, _ = good(body)
    return [*content[:-1], {**content[-1], "input": {}}], "max_tokens"


def _half_a_call(body: Body) -> tuple[Content, str]:
    content, _ = good(body)
    return [*content[:-1], {**content[-1], "input": "{"}], "tool_use"


BAD: dict[Kind, Callable[[Body], tuple[Content, str]]] = {
    Kind.TRUNCATED: _cut_off,
    Kind.REFUSED: lambda body: ([], "refusal"),
    Kind.MALFORMED: _half_a_call,
    Kind.OUT_OF_RANGE: lambda body: ([{"type": "text", "text": "I am done."}], "end_turn"),
}


def fault_of(body: Body) -> str | None:
    """Check messages as the API does: lost results, unknown calls, empty texts, other thinking."""
    messages = body["messages"]
    if messages[0]["role"] != "user":
        return "messages: first message must use the user role"
    marks = str(body["messages"]).count("cache_control") + str(body["system"]).count("cache_control")
    if marks > 4:
        return f"a maximum of 4 blocks with cache_control may be provided, found {marks}"
    for before, message in zip([{"role": "user", "content": []}, *messages], messages, strict=False):
        if fault := _fault_between(before, message):
            return f"messages: {fault}"
    return None


def _fault_between(before: Body, message: Body) -> str | None:
    calls = [block["id"] for block in before["content"] if block["type"] == "tool_use"]
    results = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
    if set(calls) != set(results):
        return "tool_use ids were found without tool_result blocks immediately after"
    kinds = [block["type"] for block in message["content"]]
    if not kinds:
        return "content must not be empty"
    if any(block["type"] == "text" and not block["text"] for block in message["content"]):
        return "text content blocks must be non-empty"
    if message["role"] == "user" and sorted(kinds, key=lambda kind: kind != "tool_result") != kinds:
        return "tool_result blocks must come first"
    extra = {key for block in message["content"] for key in block if key in ("citations", "caller")}
    return f"{sorted(extra)[0]}: Extra inputs are not permitted" if extra else None
