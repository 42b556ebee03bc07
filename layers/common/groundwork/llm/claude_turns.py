"""Conversion of conversation turns to and from the Messages API."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from groundwork.llm.conversation import Block, Conversation, Message, Turn, TurnEnd
from groundwork.llm.port import RateLimits, Usage

_ENDS = {
    "tool_use": TurnEnd.CALLS,
    "end_turn": TurnEnd.SAID,
    "stop_sequence": TurnEnd.SAID,
    "pause_turn": TurnEnd.SAID,
    "refusal": TurnEnd.REFUSED,
}
"""All other reasons (max_tokens, context window exceeded, future ones): incomplete answer."""

_CACHE_MARK = {"cache_control": {"type": "ephemeral"}}


def request(conversation: Conversation) -> dict[str, Any]:
    """Return the request without model and effort.

    Cache marks follow the instructions, the same for all sessions, and the last message.
    """
    *earlier, last = conversation.messages
    return {
        "max_tokens": conversation.max_tokens,
        "system": [{"type": "text", "text": conversation.instructions} | _CACHE_MARK],
        "tools": [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)}
            for tool in conversation.tools
        ],
        "messages": [*map(_message, earlier), _with_cache_mark(_message(last))],
    }


def turn(content: list[dict[str, Any]], stop: str, usage: Usage, model: str, limits: RateLimits, detail: str) -> Turn:
    """Return the API's answer as a `Turn` of the port."""
    blocks = tuple(map(_as_request_block, content))
    end = _ENDS.get(stop, TurnEnd.TRUNCATED)
    # a call cut off inside its input must not be executed
    if end is TurnEnd.CALLS and not all(map(_is_complete, blocks)):
        end = TurnEnd.TRUNCATED
    # without a call there is no result to send back
    if end is TurnEnd.CALLS and not any(block["type"] == "tool_use" for block in blocks):
        end = TurnEnd.SAID
    return Turn(blocks, end, usage, model, limits, detail)


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": [dict(block) for block in message.content]}


def _with_cache_mark(message: dict[str, Any]) -> dict[str, Any]:
    # each turn repeats all earlier messages: the next one reads them from the cache
    *earlier, last = message["content"]
    return message | {"content": [*earlier, last | _CACHE_MARK]}


class _Call(BaseModel):
    id: str
    name: str
    input: dict[str, Any]


def _as_request_block(block: Mapping[str, Any]) -> Block:
    """Return a block as requests accept it, without fields of answers.

    Thinking must be sent back unchanged.
    """
    if block.get("type") == "text":
        return {"type": "text", "text": str(block.get("text", ""))}
    if block.get("type") == "tool_use":
        return {"type": "tool_use"} | {name: block.get(name) for name in ("id", "name", "input")}
    return dict(block)


def _is_complete(block: Block) -> bool:
    if block["type"] != "tool_use":
        return True
    try:
        _Call.model_validate(block)
    except ValueError:
        return False
    return True
