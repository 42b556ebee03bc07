"""A session: the conversation and changes of one attempt at a task.

A value, complete after every turn.

Saved as JSON, it continues in another process with the same messages, and the same changes on the same commit.
"""

import zlib
from typing import Annotated, Any, Literal

from pydantic import Field

from groundwork.agent.check_state import CheckState
from groundwork.agent.commit_message import Marks
from groundwork.agent.landing import Landing
from groundwork.agent.patches import PatchRef
from groundwork.llm.conversation import Message
from groundwork.llm.port import Usage
from groundwork.values import Stored, stored_as


class FailedAttempt(Stored):
    """Failed attempt at this task, with its reason."""

    attempt: Annotated[int, stored_as("attempt")]
    reason: Annotated[str, stored_as("reason")]


class DependencySummary(Stored):
    """Result of a task this one depends on."""

    key: Annotated[str, stored_as("key")]
    title: Annotated[str, stored_as("title")]
    summary: Annotated[str, stored_as("summary")] = ""
    files: Annotated[tuple[str, ...], stored_as("files")] = ()


class TaskBrief(Stored):
    """Brief of a session. Its texts are untrusted and reach the model as fenced data."""

    plan_id: Annotated[str, stored_as("planId")]
    task_id: Annotated[str, stored_as("taskId")]
    attempt: Annotated[int, stored_as("attempt")]
    plan_title: Annotated[str, stored_as("planTitle")]
    key: Annotated[str, stored_as("key")]
    title: Annotated[str, stored_as("title")]
    description: Annotated[str, stored_as("description")] = ""
    acceptance_criteria: Annotated[tuple[str, ...], stored_as("acceptanceCriteria")] = ()
    files: Annotated[tuple[str, ...], stored_as("files")] = ()
    change_asked: Annotated[bool, stored_as("changeAsked")] = True
    layout: Annotated[tuple[str, ...], stored_as("layout")] = ()
    earlier: Annotated[tuple[FailedAttempt, ...], stored_as("earlier")] = ()
    dependencies: Annotated[tuple[DependencySummary, ...], stored_as("before")] = ()

    @property
    def marks(self) -> Marks:
        return Marks(self.plan_id, self.task_id, self.attempt)


class AttemptLimits(Stored):
    """Limits of one attempt. Tokens include input, output and cache; seconds are working time.

    `conversation_tokens` limits the length of the conversation; the model fails on longer ones.
    """

    turns: Annotated[int, stored_as("turns")] = 60
    # a window of 200,000 tokens then has room for one more answer (16,000) and its results (some 30,000)
    conversation_tokens: Annotated[int, stored_as("conversationTokens")] = 150_000
    tokens: Annotated[int, stored_as("tokens")] = 4_000_000
    cost_micro_usd: Annotated[int, stored_as("costMicroUsd")] = 3_000_000
    seconds: Annotated[int, stored_as("seconds")] = 2_400


class Criterion(Stored):
    number: Annotated[int, stored_as("number")]
    met: Annotated[bool, stored_as("met")]
    evidence: Annotated[str, stored_as("evidence")]


SessionOutcome = Literal["DONE", "UNMET", "NOTHING_CHANGED", "NOT_FINISHED", "REFUSED", "REPEATS", "LIMIT", "SECRET"]


class SessionEnd(Stored):
    """End of a session. Only DONE is a success; `reason` informs the next attempt."""

    outcome: Annotated[SessionOutcome, stored_as("outcome")]
    reason: Annotated[str, stored_as("reason")] = ""
    summary: Annotated[str, stored_as("summary")] = ""
    subject: Annotated[str, stored_as("subject")] = ""
    criteria: Annotated[tuple[Criterion, ...], stored_as("criteria")] = ()

    @property
    def success(self) -> bool:
        return self.outcome == "DONE"


class SessionUsage(Stored):
    """Stored form of `Usage`, a plain dataclass without stored names for use in every call."""

    input: Annotated[int, stored_as("input")] = 0
    output: Annotated[int, stored_as("output")] = 0
    cache_read: Annotated[int, stored_as("cacheRead")] = 0
    cache_write: Annotated[int, stored_as("cacheWrite")] = 0
    calls: Annotated[int, stored_as("calls")] = 0

    def plus(self, usage: Usage) -> "SessionUsage":
        total = Usage(self.input, self.output, self.cache_read, self.cache_write, self.calls) + usage
        fields = {
            "input": total.input,
            "output": total.output,
            "cache_read": total.cache_read,
            "cache_write": total.cache_write,
            "calls": total.calls,
        }
        return self.model_copy(update=fields)

    @property
    def tokens(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


class SavedMessage(Stored):
    """Message of the conversation, as stored."""

    role: Annotated[Literal["user", "assistant"], stored_as("role")]
    content: Annotated[tuple[dict[str, Any], ...], stored_as("content")]

    def message(self) -> Message:
        return Message(self.role, self.content)


def _is_none(value: object) -> bool:
    return value is None


class Session(Stored):
    """State of a session.

    `changes` has the form of `changes.as_json`, relative to commit `base`.

    In a plan without commits, `changes` are relative to `base` plus `base_patches`. `fingerprints` identify turns with
    the same calls and results. `warnings` counts reminders given to the model. `landing` follows the session's end.
    `checks` is None if the repository has no checks. Without both, an older release still reads the session.
    """

    brief: Annotated[TaskBrief, stored_as("brief")]
    base: Annotated[str, stored_as("base")]
    base_patches: Annotated[tuple[PatchRef, ...], stored_as("under")] = ()
    limits: Annotated[AttemptLimits, stored_as("limits")] = AttemptLimits()
    messages: Annotated[tuple[SavedMessage, ...], stored_as("said")] = ()
    changes: Annotated[dict[str, Any], stored_as("changes")] = Field(default_factory=dict)
    usage: Annotated[SessionUsage, stored_as("spent")] = SessionUsage()
    cost_micro_usd: Annotated[int, stored_as("costMicroUsd")] = 0
    turns: Annotated[int, stored_as("turns")] = 0
    conversation_tokens: Annotated[int, stored_as("conversationTokens")] = 0
    worked_ms: Annotated[int, stored_as("workedMs")] = 0
    fingerprints: Annotated[tuple[str, ...], stored_as("prints")] = ()
    warnings: Annotated[int, stored_as("warnings")] = 0
    ended: Annotated[SessionEnd | None, stored_as("ended")] = None
    checks: Annotated[CheckState | None, stored_as("checks"), Field(exclude_if=_is_none)] = None
    landing: Annotated[Landing | None, stored_as("landing"), Field(exclude_if=_is_none)] = None

    def changed(self, **fields: Any) -> "Session":
        return self.model_copy(update=fields)

    def with_message(self, role: Literal["user", "assistant"], *blocks: dict[str, Any]) -> "Session":
        return self.changed(messages=(*self.messages, SavedMessage(role=role, content=blocks)))

    def with_text(self, text: str) -> "Session":
        """Append a text message from us."""
        return self.with_message("user", {"type": "text", "text": text})

    def end(self, outcome: SessionOutcome, reason: str, **fields: Any) -> "Session":
        return self.changed(ended=SessionEnd(outcome=outcome, reason=reason, **fields))

    def compress(self) -> bytes:
        """Compress for storage: tens of kilobytes, up to a few hundred at the limits."""
        return zlib.compress(self.stored_json().encode())

    @classmethod
    def decompress(cls, data: bytes) -> "Session":
        return cls.read_json(zlib.decompress(data))

    def with_checks(self, **fields: Any) -> "Session":
        """Change the state of the checks; only for a session with checks."""
        assert self.checks is not None
        return self.changed(checks=self.checks.model_copy(update=fields))

    @property
    def unfinished_turn(self) -> bool:
        """True if the last turn waits for the result of a command."""
        return self.checks is not None and self.checks.pending is not None

    @property
    def total_cost_micro_usd(self) -> int:
        """Cost of the model and of the sandbox."""
        return self.cost_micro_usd + (self.checks.cost_micro_usd if self.checks else 0)

    def over_limit(self) -> str | None:
        """Describe the limit reached, or None."""
        reached = {
            f"{self.limits.turns} turns": self.turns >= self.limits.turns,
            f"{self.limits.conversation_tokens:,} tokens in one conversation": self.conversation_tokens
            >= self.limits.conversation_tokens,
            f"{self.limits.tokens:,} tokens": self.usage.tokens >= self.limits.tokens,
            f"{self.limits.cost_micro_usd / 1e6:.2f} USD": self.total_cost_micro_usd >= self.limits.cost_micro_usd,
            f"{self.limits.seconds} seconds of work": self.worked_ms >= self.limits.seconds * 1_000,
        }
        return next((what for what, over in reached.items() if over), None)
