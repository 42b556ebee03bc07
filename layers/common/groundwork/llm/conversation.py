"""Port of conversations with tools, one turn at a time.

Messages hold content blocks in the form of the Messages API. They are plain JSON, stored and sent back unchanged: the
API accepts a model's thinking only in its original form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from groundwork.llm.port import RateLimits, Usage

type Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool offered to the model; `schema` is the JSON schema of its input."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["user", "assistant"]
    content: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation. `instructions` and `tools` are fixed for all sessions.

    Data is in the messages only.
    """

    instructions: str
    tools: tuple[Tool, ...]
    messages: Sequence[Message]
    max_tokens: int


class TurnEnd(StrEnum):
    """Reason for the end of a turn."""

    CALLS = "calls"
    SAID = "said"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Turn:
    """Unvalidated result of a turn. Check `end` before executing any tool call."""

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
    """A model for conversations, without retries of its own."""

    name: str
    model_id: str

    async def turn(self, conversation: Conversation) -> Turn:
        """Raises RateLimited, Overloaded, Unavailable (all retryable) or Misconfigured (not)."""
        ...

    async def close(self) -> None: ...
