"""What Groundwork asks of a language model, and what it can get back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from groundwork.errors import GroundworkError


class Task(StrEnum):
    """What a question is about; the mock answers by it, logs and prices are kept by it."""

    ANALYZE_CARDS = "analyze_cards"
    PROPOSE_EPICS = "propose_epics"
    MERGE_EPICS = "merge_epics"
    WRITE_STORIES = "write_stories"
    WRITE_SUBTASKS = "write_subtasks"
    WRITE_PLAN = "write_plan"
    REFINE_TASKS = "refine_tasks"
    ADD_TASKS = "add_tasks"
    ORDER_TASKS = "order_tasks"
    SPLIT_TASKS = "split_tasks"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more calls, as the provider bills them; `input` excludes what a cache read or wrote."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    calls: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.calls + other.calls,
        )


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What the provider said of its limits with an answer; None where it said nothing. Resets in seconds from now."""

    requests_limit: int | None = None
    requests_remaining: int | None = None
    requests_reset: float | None = None
    tokens_limit: int | None = None
    tokens_remaining: int | None = None
    tokens_reset: float | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """The one second chance: what the model answered, and what was wrong with it."""

    answer: str
    error: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    `instructions` is ours, the same for every question of a task and options, and so the cached part.
    `material` is data from users and earlier answers: untrusted, sent as fenced JSON, never as instructions.
    `answer` is the Pydantic model the answer must validate as; its JSON schema is sent along.
    """

    task: Task
    instructions: str
    material: Mapping[str, Any]
    answer: type[BaseModel]
    max_tokens: int
    repair: Repair | None = None


class Stop(StrEnum):
    """Why the model stopped writing."""

    END = "end"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back of one call, unexamined: look at `stop` before parsing `text`."""

    text: str
    stop: Stop
    usage: Usage
    model: str
    limits: RateLimits = field(default_factory=RateLimits)
    detail: str = ""


class Model(Protocol):
    """One call to a language model; no retries of its own beyond the connection."""

    name: str
    model_id: str

    async def reply(self, question: Question) -> Reply:
        """Raises RateLimited, Overloaded, Unavailable (all may be tried again) or Misconfigured (may not)."""
        ...

    async def close(self) -> None: ...


class ModelError(GroundworkError):
    """The model could not be asked."""


class RateLimited(ModelError):
    """The provider asks us to slow down (429)."""

    def __init__(
        self, message: str | None = None, retry_after: float | None = None, limits: RateLimits | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.limits = limits or RateLimits()


class Overloaded(RateLimited):
    """The provider is overloaded (529)."""


class Unavailable(ModelError):
    """The provider could not be reached, broke off, or answered with an error of its own (5xx, timeouts)."""


class Misconfigured(ModelError):
    """The provider refuses every such call (bad key, unknown model, request not valid): trying again cannot help."""
