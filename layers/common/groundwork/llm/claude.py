"""Claude through the Anthropic SDK.

One code path for the Anthropic API and for Amazon Bedrock.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import anthropic
from anthropic import AsyncAnthropic, AsyncAnthropicBedrockMantle, Timeout
from pydantic import BaseModel, ValidationError

from groundwork.llm import claude_turns, prompt
from groundwork.llm.conversation import Conversation, Turn, TurnEnd
from groundwork.llm.port import (
    Misconfigured,
    Overloaded,
    Question,
    RateLimited,
    RateLimits,
    Reply,
    Stop,
    Unavailable,
    Usage,
)
from groundwork.llm.prices import base_model_id, price_of

TIMEOUT = Timeout(240.0, connect=10.0)
THINKING_TOKENS = 4_000
"""Allowance for the model's thinking before the answer; it counts as output."""

MAX_TOKENS = 21_000
"""Approximate limit of output within the timeout of a call."""

API_URL = "https://api.anthropic.com"

_STOPS = {"end_turn": Stop.END, "stop_sequence": Stop.END, "refusal": Stop.REFUSED}
"""All other reasons (max_tokens, context window exceeded, future ones): incomplete answer."""


def anthropic_api(
    model_id: str, key: str, base_url: str = "", timeout: Timeout = TIMEOUT, effort: str | None = None
) -> ClaudeModel:
    # no retries in the SDK: 429 and 529 must reach our pacing, to slow down all calls and not only this one
    # an explicit address, because the SDK would use an empty ANTHROPIC_BASE_URL as one
    client = AsyncAnthropic(api_key=key, base_url=base_url or API_URL, max_retries=0, timeout=timeout)
    return ClaudeModel("anthropic", model_id, client, effort)


def bedrock(model_id: str, region: str, base_url: str | None = None, effort: str | None = None) -> ClaudeModel:
    """Return the model on Bedrock: the region's endpoint, boto3's credential chain."""
    client = AsyncAnthropicBedrockMantle(aws_region=region, base_url=base_url, max_retries=0, timeout=TIMEOUT)
    return ClaudeModel("bedrock", model_id, client, effort)


_SPENT = re.compile(r"credit balance|usage limit|spend(ing)? limit|billing", re.I)
"""Words of the provider for a limit that no wait lifts."""


class _Block(BaseModel):
    type: str
    text: str = ""


class _Usage(BaseModel):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def to_usage(self) -> Usage:
        read, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        return Usage(self.input_tokens, self.output_tokens, read, written, calls=1)


class _StopDetails(BaseModel):
    category: str | None = None


class _Answer(BaseModel):
    """The used part of the API's answer.

    The SDK fills its own type unchecked; this one is validated.
    """

    stop_reason: str | None
    stop_details: _StopDetails | None = None
    usage: _Usage

    @property
    def detail(self) -> str:
        return (self.stop_details and self.stop_details.category) or self.stop_reason or ""


class _Message(_Answer):
    content: list[_Block]

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.content if block.type == "text")


class _TurnMessage(_Answer):
    content: list[dict[str, Any]]


class _ContentFiltered(Exception):
    """A content filter has rejected the request: not billed, but counted as a call."""

    def __init__(self, limits: RateLimits) -> None:
        super().__init__()
        self.limits = limits


class ClaudeModel:
    """Claude as a `Model` and `ConversationModel`; `client` is one of the SDK's async clients.

    `effort` is that of conversations, None for the usual one; models without efforts ignore it.
    """

    def __init__(
        self,
        name: str,
        model_id: str,
        client: AsyncAnthropic | AsyncAnthropicBedrockMantle,
        effort: str | None = None,
    ) -> None:
        self.name, self.model_id, self._client, self._effort = name, model_id, client, effort

    async def reply(self, question: Question) -> Reply:
        try:
            message, limits = await self._send(self._request(question), _Message)
        except _ContentFiltered as refusal:
            return Reply("", Stop.REFUSED, Usage(calls=1), self.model_id, refusal.limits, "content filter")
        return Reply(
            text=message.text,
            stop=_STOPS.get(message.stop_reason or "", Stop.TRUNCATED),
            usage=message.usage.to_usage(),
            model=self.model_id,
            limits=limits,
            detail=message.detail,
        )

    async def turn(self, conversation: Conversation) -> Turn:
        config = {"output_config": {"effort": self._effort or "medium"}} if price_of(self.model_id)["effort"] else {}
        try:
            request = {"model": self._api_id, **claude_turns.request(conversation), **config}
            message, limits = await self._send(request, _TurnMessage)
        except _ContentFiltered as refusal:
            return Turn((), TurnEnd.REFUSED, Usage(calls=1), self.model_id, refusal.limits, "content filter")
        stop, usage = message.stop_reason or "", message.usage.to_usage()
        return claude_turns.turn(message.content, stop, usage, self.model_id, limits, message.detail)

    async def _send[T: _Answer](self, request: dict[str, Any], shape: type[T]) -> tuple[T, RateLimits]:
        """Send a request; return the answer with its rate limits.

        Raises _ContentFiltered and the port's errors.
        """
        try:
            # the raw response has the rate limits; `parse` would raise on a cut-off answer and lose its usage
            raw = await self._client.messages.with_raw_response.create(**request)
            return shape.model_validate_json(await raw.read()), limits_of(raw.headers)
        except anthropic.APIStatusError as exc:
            if not _is_content_filter(exc):
                raise _error_of(exc) from exc
            raise _ContentFiltered(limits_of(exc.response.headers)) from exc
        except anthropic.APIConnectionError as exc:
            # the type only: a message may quote the request
            raise Unavailable(f"The model could not be reached: {type(exc.__cause__ or exc).__name__}") from exc
        except (anthropic.AnthropicError, ValidationError) as exc:
            raise Unavailable(f"The model's answer could not be read: {type(exc).__name__}") from exc
        except RuntimeError as exc:
            # the SDK's error for missing credentials of Bedrock
            raise Misconfigured("There are no AWS credentials for Bedrock.") from exc

    @property
    def _api_id(self) -> str:
        name = base_model_id(self.model_id)
        return f"anthropic.{name}" if self.name == "bedrock" else name

    def _request(self, question: Question) -> dict[str, Any]:
        config: dict[str, Any] = {"format": {"type": "json_schema", "schema": prompt.schema(question.answer)}}
        if price_of(self.model_id)["effort"]:
            # these tasks are reading and sorting: more thinking costs more than it helps
            config["effort"] = "low"
        return {
            "model": self._api_id,
            "max_tokens": min(question.max_tokens + THINKING_TOKENS, MAX_TOKENS),
            # the same for all items of a run: later calls read it from the cache
            "system": [{"type": "text", "text": question.instructions, "cache_control": {"type": "ephemeral"}}],
            "messages": prompt.messages(question),
            "output_config": config,
        }

    async def close(self) -> None:
        await self._client.close()


def _is_content_filter(exc: anthropic.APIStatusError) -> bool:
    """Return True for a rejection by a content filter.

    It is also a 400, but not a wrong setting.
    """
    return exc.status_code == 400 and "content filter" in _error_field(exc, "message").lower()


def _error_of(exc: anthropic.APIStatusError) -> RateLimited | Unavailable | Misconfigured:
    limits, status = limits_of(exc.response.headers), exc.status_code
    if status in (429, 529):
        kind = RateLimited if status == 429 else Overloaded
        return kind(f"The provider answered {status}.", _parse_seconds(exc.response.headers.get("retry-after")), limits)
    # 408 and 409 pass by themselves: the SDK would retry them too
    if status in (408, 409) or status >= 500:
        return Unavailable(f"The provider answered {status}.")
    # the message is omitted: it may quote the request
    said = _error_field(exc, "type") or "error"
    if said == "billing_error" or status == 402 or _SPENT.search(_error_field(exc, "message")):
        return Misconfigured(f"The provider's spend limit is reached, or its account has no credit ({status} {said}).")
    return Misconfigured(f"The provider refused the call ({status} {said}); check the key and the model.")


def _error_field(exc: anthropic.APIStatusError, part: str) -> str:
    """Return the `type` or `message` of the provider's error, or an empty string."""
    body = exc.body if isinstance(exc.body, dict) else {}
    inner = body.get("error", body)
    return str(inner.get(part, "")) if isinstance(inner, dict) else ""


def limits_of(headers: Any) -> RateLimits:
    """Return the rate limits from the provider's headers, of several token limits the tightest."""

    def whole(name: str) -> int | None:
        value = headers.get(f"anthropic-ratelimit-{name}")
        return int(value) if value and value.isdigit() else None

    # `tokens` is the tightest limit in force, but not every answer states it
    tokens = "tokens" if headers.get("anthropic-ratelimit-tokens-limit") else "output-tokens"
    return RateLimits(
        whole("requests-limit"),
        whole("requests-remaining"),
        _seconds_until(headers.get("anthropic-ratelimit-requests-reset")),
        whole(f"{tokens}-limit"),
        whole(f"{tokens}-remaining"),
        _seconds_until(headers.get(f"anthropic-ratelimit-{tokens}-reset")),
    )


def _seconds_until(time: str | None) -> float | None:
    """Return the seconds until an RFC 3339 time, None without a valid one."""
    if not time:
        return None
    try:
        return max(0.0, (datetime.fromisoformat(time) - datetime.now(UTC)).total_seconds())
    # a time without a zone raises TypeError
    except (ValueError, TypeError):
        return None


def _parse_seconds(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    # retry-after may be a date
    except ValueError:
        return None
