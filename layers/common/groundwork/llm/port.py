"""Port of language models: questions, replies, usage and errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from groundwork.errors import GroundworkError


class ModelTask(StrEnum):
    """Task of a question: the key for mock answers, logs and prices."""

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
    """Tokens of one or more calls, as billed by the provider.

    `input` excludes cache reads and writes.
    """

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
    """Rate limits from the headers of an answer; None if not stated.

    Resets are in seconds from now.
    """

    requests_limit: int | None = None
    requests_remaining: int | None = None
    requests_reset: float | None = None
    tokens_limit: int | None = None
    tokens_remaining: int | None = None
    tokens_reset: float | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """The rejected answer of a first call and its fault, for the one correction."""

    answer: str
    error: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    `instructions` are fixed for a task and its options, so they are cached.
    `material` is data from users and earlier answers: untrusted, sent as fenced JSON, never as instructions.
    `answer` is the Pydantic model of the answer; its JSON schema is sent along.
    """

    task: ModelTask
    instructions: str
    material: Mapping[str, Any]
    answer: type[BaseModel]
    max_tokens: int
    repair: Repair | None = None


class Stop(StrEnum):
    """Reason for the end of a reply."""

    END = "end"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """Unvalidated result of one call. Check `stop` before parsing `text`."""

    text: str
    stop: Stop
    usage: Usage
    model: str
    limits: RateLimits = field(default_factory=RateLimits)
    detail: str = ""


class Model(Protocol):
    """A language model. A call is one request, without retries."""

    name: str
    model_id: str

    async def reply(self, question: Question) -> Reply:
        """Raises RateLimited, Overloaded, Unavailable (all retryable) or Misconfigured (not)."""
        ...

    async def close(self) -> None: ...


class ModelError(GroundworkError):
    """The call to the model failed."""


class RateLimited(ModelError):
    """The provider limits the rate of calls (429)."""

    def __init__(
        self, message: str | None = None, retry_after: float | None = None, limits: RateLimits | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.limits = limits or RateLimits()


# a RateLimited, so that pacing slows down for it too
class Overloaded(RateLimited):
    """The provider is overloaded (529)."""


class Unavailable(ModelError):
    """The provider was unreachable, broke off, or answered with a server error (5xx, timeout)."""


class Misconfigured(ModelError):
    """The provider rejects all such calls: bad key, unknown model or invalid request."""


class NoModel:
    """The model of runs without questions."""

    name = "none"
    model_id = ""

    async def reply(self, question: Question) -> Reply:
        raise Misconfigured("This run has no model.")

    async def close(self) -> None:
        return None
