"""Claude through the Anthropic SDK, by the Anthropic API or by Amazon Bedrock: one code path, two clients."""

from __future__ import annotations

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
"""Room for the thinking that current models do before they write; it counts as output."""

MAX_TOKENS = 21_000
"""About what can be written before the call's time is up."""

API_URL = "https://api.anthropic.com"

_STOPS = {"end_turn": Stop.END, "stop_sequence": Stop.END, "refusal": Stop.REFUSED}
"""All others (max_tokens, model_context_window_exceeded, what is yet to come) leave an answer that is not whole."""


def anthropic_api(model_id: str, key: str, base_url: str = "", timeout: Timeout = TIMEOUT) -> ClaudeModel:
    # no retries in the SDK: 429 and 529 must reach our pacing, which slows all calls down and not this one alone
    # said here, because the SDK takes a declared but empty ANTHROPIC_BASE_URL for an address
    client = AsyncAnthropic(api_key=key, base_url=base_url or API_URL, max_retries=0, timeout=timeout)
    return ClaudeModel("anthropic", model_id, client)


def bedrock(model_id: str, region: str, base_url: str | None = None) -> ClaudeModel:
    """The region's own endpoint unless an address is given; credentials are found as boto3 finds them."""
    client = AsyncAnthropicBedrockMantle(aws_region=region, base_url=base_url, max_retries=0, timeout=TIMEOUT)
    return ClaudeModel("bedrock", model_id, client)


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
    """What we use of the API's answer. The SDK's own type is filled in unchecked; this one is not."""

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
    """A content filter has refused what was sent: answered without a bill, but a call all the same."""

    def __init__(self, limits: RateLimits) -> None:
        super().__init__()
        self.limits = limits


class ClaudeModel:
    """Claude behind the port; `client` is one of the SDK's async clients."""

    def __init__(self, name: str, model_id: str, client: AsyncAnthropic | AsyncAnthropicBedrockMantle) -> None:
        self.name, self.model_id, self._client = name, model_id, client

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
        config = {"output_config": {"effort": "medium"}} if price_of(self.model_id)["effort"] else {}
        try:
            request = {"model": self._api_id, **claude_turns.request(conversation), **config}
            message, limits = await self._send(request, _TurnMessage)
        except _ContentFiltered as refusal:
            return Turn((), TurnEnd.REFUSED, Usage(calls=1), self.model_id, refusal.limits, "content filter")
        stop, usage = message.stop_reason or "", message.usage.to_usage()
        return claude_turns.turn(message.content, stop, usage, self.model_id, limits, message.detail)

    async def _send[T: _Answer](self, request: dict[str, Any], shape: type[T]) -> tuple[T, RateLimits]:
        """The answer, and what it says of limits. Raises _Filtered and what the port says."""
        try:
            raw = await self._client.messages.with_raw_response.create(**request)
            return shape.model_validate_json(await raw.read()), limits_of(raw.headers)
        except anthropic.APIStatusError as exc:
            if not _is_content_filter(exc):
                raise _error_of(exc) from exc
            raise _ContentFiltered(limits_of(exc.response.headers)) from exc
        except anthropic.APIConnectionError as exc:
            raise Unavailable(f"The model could not be reached: {type(exc.__cause__ or exc).__name__}") from exc
        except (anthropic.AnthropicError, ValidationError) as exc:
            raise Unavailable(f"The model's answer could not be read: {type(exc).__name__}") from exc
        except RuntimeError as exc:
            # how the SDK says that it found nothing to sign a call to Bedrock with
            raise Misconfigured("There are no AWS credentials for Bedrock.") from exc

    @property
    def _api_id(self) -> str:
        name = base_model_id(self.model_id)
        return f"anthropic.{name}" if self.name == "bedrock" else name

    def _request(self, question: Question) -> dict[str, Any]:
        config: dict[str, Any] = {"format": {"type": "json_schema", "schema": prompt.schema(question.answer)}}
        if price_of(self.model_id)["effort"]:
            # these are tasks of reading and ordering: more thinking costs more than it brings
            config["effort"] = "low"
        return {
            "model": self._api_id,
            "max_tokens": min(question.max_tokens + THINKING_TOKENS, MAX_TOKENS),
            "system": [{"type": "text", "text": question.instructions, "cache_control": {"type": "ephemeral"}}],
            "messages": prompt.messages(question),
            "output_config": config,
        }

    async def close(self) -> None:
        await self._client.close()


def _is_content_filter(exc: anthropic.APIStatusError) -> bool:
    """A filter that looks at the material answers 400 too; that is one item's refusal, not a wrong setting."""
    return exc.status_code == 400 and "content filter" in _error_field(exc, "message").lower()


def _error_of(exc: anthropic.APIStatusError) -> RateLimited | Unavailable | Misconfigured:
    limits, status = limits_of(exc.response.headers), exc.status_code
    if status in (429, 529):
        kind = RateLimited if status == 429 else Overloaded
        return kind(f"The provider answered {status}.", _parse_seconds(exc.response.headers.get("retry-after")), limits)
    if status in (408, 409) or status >= 500:
        return Unavailable(f"The provider answered {status}.")
    # its message is left out: it may quote what was sent
    said = _error_field(exc, "type") or "error"
    return Misconfigured(f"The provider refuses the call ({status} {said}); look at the key and the model.")


def _error_field(exc: anthropic.APIStatusError, part: str) -> str:
    """The `type` or `message` of the provider's error, or nothing."""
    body = exc.body if isinstance(exc.body, dict) else {}
    inner = body.get("error", body)
    return str(inner.get(part, "")) if isinstance(inner, dict) else ""


def limits_of(headers: Any) -> RateLimits:
    """The limits with the least room, as the provider's headers state them."""

    def whole(name: str) -> int | None:
        value = headers.get(f"anthropic-ratelimit-{name}")
        return int(value) if value and value.isdigit() else None

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
    """Seconds from now to an RFC 3339 time."""
    if not time:
        return None
    try:
        return max(0.0, (datetime.fromisoformat(time) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _parse_seconds(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        return None
