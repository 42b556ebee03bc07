"""A session: what a model was asked, said and did for one attempt at a task. A value, whole after every turn.

Kept as JSON it goes on in another process: the same messages, the same changes put on a checkout of the same commit.
"""

import zlib
from typing import Any, Literal

from pydantic import Field

from groundwork.ai.conversation import Message
from groundwork.ai.port import Usage
from groundwork.backlog import Value
from groundwork.sessions.commits import Marks
from groundwork.sessions.stacking import Under


class Earlier(Value):
    """An attempt at this task that came to nothing, and why."""

    attempt: int
    reason: str


class Before(Value):
    """A task that this one builds on, and what was done there."""

    key: str
    title: str
    summary: str = ""
    files: tuple[str, ...] = ()


class Brief(Value):
    """What is asked of a session. Texts are other people's: they reach the model as fenced data."""

    plan_id: str
    task_id: str
    attempt: int
    plan_title: str
    key: str
    title: str
    description: str = ""
    acceptance_criteria: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    change_asked: bool = True
    layout: tuple[str, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    before: tuple[Before, ...] = ()

    @property
    def marks(self) -> Marks:
        return Marks(self.plan_id, self.task_id, self.attempt)


class Limits(Value):
    """What one attempt may take. Tokens are those sent and written, cached ones included; seconds are of work.

    `conversation_tokens` is how long all that was said may get: a longer one than the model takes is an error there.
    """

    turns: int = 60
    conversation_tokens: int = 150_000
    tokens: int = 4_000_000
    cost_micro_usd: int = 3_000_000
    seconds: int = 2_400


class Criterion(Value):
    number: int
    met: bool
    evidence: str


Outcome = Literal["DONE", "UNMET", "NOTHING_CHANGED", "NOT_FINISHED", "REFUSED", "REPEATS", "LIMIT", "SECRET"]


class Ended(Value):
    """How a session has ended. Only DONE is a success; `reason` says what an attempt after it should know."""

    outcome: Outcome
    reason: str = ""
    summary: str = ""
    subject: str = ""
    criteria: tuple[Criterion, ...] = ()

    @property
    def success(self) -> bool:
        return self.outcome == "DONE"


class Spent(Value):
    """Tokens as the provider bills them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    calls: int = 0

    def plus(self, usage: Usage) -> "Spent":
        total = Usage(self.input, self.output, self.cache_read, self.cache_write, self.calls) + usage
        return Spent(
            input=total.input,
            output=total.output,
            cache_read=total.cache_read,
            cache_write=total.cache_write,
            calls=total.calls,
        )

    @property
    def tokens(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


class Said(Value):
    """One message of the conversation, in the form in which it is kept."""

    role: Literal["user", "assistant"]
    content: tuple[dict[str, Any], ...]

    def message(self) -> Message:
        return Message(self.role, self.content)


class Session(Value):
    """`changes` is what `changes.as_json` makes of the files that differ from the commit `base`.

    Where the plan makes no commits, `under` are the patches that lie on `base`, and `changes` are to both together.
    `prints` tell turns apart that did the same to the same effect; `warnings` counts reminders that were given.
    """

    brief: Brief
    base: str
    under: tuple[Under, ...] = ()
    limits: Limits = Limits()
    said: tuple[Said, ...] = ()
    changes: dict[str, Any] = Field(default_factory=dict)
    spent: Spent = Spent()
    cost_micro_usd: int = 0
    turns: int = 0
    conversation_tokens: int = 0
    worked_ms: int = 0
    prints: tuple[str, ...] = ()
    warnings: int = 0
    ended: Ended | None = None

    def changed(self, **fields: Any) -> "Session":
        return self.model_copy(update=fields)

    def heard(self, role: Literal["user", "assistant"], *blocks: dict[str, Any]) -> "Session":
        return self.changed(said=(*self.said, Said(role=role, content=blocks)))

    def told(self, text: str) -> "Session":
        """With a message of ours."""
        return self.heard("user", {"type": "text", "text": text})

    def end(self, outcome: Outcome, reason: str, **fields: Any) -> "Session":
        return self.changed(ended=Ended(outcome=outcome, reason=reason, **fields))

    def packed(self) -> bytes:
        """As it is kept: some tens of kilobytes, a few hundred at the limits of conversation and changes."""
        return zlib.compress(self.model_dump_json(by_alias=True).encode())

    @classmethod
    def unpacked(cls, data: bytes) -> "Session":
        return cls.model_validate_json(zlib.decompress(data))

    def over_limit(self) -> str | None:
        """Which limit has been reached, in words."""
        reached = {
            f"{self.limits.turns} turns": self.turns >= self.limits.turns,
            f"{self.limits.conversation_tokens:,} tokens in one conversation": self.conversation_tokens
            >= self.limits.conversation_tokens,
            f"{self.limits.tokens:,} tokens": self.spent.tokens >= self.limits.tokens,
            f"{self.limits.cost_micro_usd / 1e6:.2f} USD": self.cost_micro_usd >= self.limits.cost_micro_usd,
            f"{self.limits.seconds} seconds of work": self.worked_ms >= self.limits.seconds * 1_000,
        }
        return next((what for what, over in reached.items() if over), None)
