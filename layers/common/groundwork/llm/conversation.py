"""A conversation with tools: what a session asks of a model, one turn at a time, and what it gets back.

Messages hold content blocks as the Messages API writes them. They are plain JSON, kept and sent back unchanged: a
model's thinking is only taken back in the form in which it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from groundwork.llm.port import RateLimits, Usage

type Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the model sees it; `schema` is the JSON schema of its input."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["user", "assistant"]
    content: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """`instructions` and `tools` are ours and the same for every session; all that is data is in the messages."""

    instructions: str
    tools: tuple[Tool, ...]
    messages: Sequence[Message]
    max_tokens: int


class TurnEnd(StrEnum):
    """Why the model stopped."""

    CALLS = "calls"
    SAID = "said"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Turn:
    """What came back, unexamined: look at `end` before any call is carried out."""

    content: tuple[Block, ...]
    end: TurnEnd
    usage: Usage
    model: str
    limits: RateLimits = field(default_factory=RateLimits)
    detail: str = ""

    @property
    def calls(self) -> tuple[Block, ...]:
        return tuple(block for block in self.content if block.get("type") == "tool_use")

    @property
    def text(self) -> str:
        return "\n".join(str(block.get("text", "")) for block in self.content if block.get("type") == "text").strip()


class ConversationModel(Protocol):
    """A model that can hold a conversation; no retries of its own."""

    name: str
    model_id: str

    async def turn(self, conversation: Conversation) -> Turn:
        """Raises RateLimited, Overloaded, Unavailable (all may be tried again) or Misconfigured (may not)."""
        ...

    async def close(self) -> None: ...
