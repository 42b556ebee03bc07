"""Claude through the Anthropic SDK, by the Anthropic API or by Amazon Bedrock: one code path, two clients."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anthropic
from anthropic import AsyncAnthropic, AsyncAnthropicBedrockMantle

from groundwork.ai import prompt
from groundwork.ai.port import (
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

TIMEOUT_S = 240.0
THINKING_TOKENS = 4_000
"""Room for the thinking that current models do before they write; it counts as output."""

MOST_TOKENS = 21_000
"""The SDK refuses more in one call that does not stream."""

API_URL = "https://api.anthropic.com"

_STOPS = {"end_turn": Stop.END, "stop_sequence": Stop.END, "refusal": Stop.REFUSED}


def anthropic_api(model_id: str, key: str, base_url: str = "") -> ClaudeModel:
    # no retries in the SDK: 429 and 529 must reach our pacing, which slows all calls down and not this one alone
    # said here, because the SDK takes a declared but empty ANTHROPIC_BASE_URL for an address
    client = AsyncAnthropic(api_key=key, base_url=base_url or API_URL, max_retries=0, timeout=TIMEOUT_S)
    return ClaudeModel("anthropic", model_id, client)


def bedrock(model_id: str, region: str) -> ClaudeModel:
    client = AsyncAnthropicBedrockMantle(aws_region=region, max_retries=0, timeout=TIMEOUT_S)
    return ClaudeModel("bedrock", model_id, client)


class ClaudeModel:
    def __init__(self, name: str, model_id: str, client: Any) -> None:
        self.name, self.model_id, self._client = name, model_id, client

    async def reply(self, question: Question) -> Reply:
        try:
            raw = await self._client.messages.with_raw_response.create(**self._request(question))
            # parsed here: what cannot be parsed is the provider's fault like a broken connection
            message = raw.parse()
        except anthropic.APIStatusError as exc:
            raise _of_status(exc) from exc
        except anthropic.APIConnectionError as exc:
            raise Unavailable(f"The model could not be reached: {type(exc).__name__}") from exc
        except anthropic.AnthropicError as exc:
            raise Unavailable(f"The model's answer could not be read: {type(exc).__name__}") from exc
        text = "".join(block.text for block in message.content if block.type == "text")
        return Reply(
            text=text,
            stop=_STOPS.get(message.stop_reason or "", Stop.TRUNCATED),
            usage=_usage(message.usage),
            model=self.model_id,
            limits=limits_of(raw.headers),
            detail=message.stop_reason or "",
        )

    def _request(self, question: Question) -> dict[str, Any]:
        model = self.model_id
        if self.name == "bedrock" and not model.startswith("anthropic."):
            model = f"anthropic.{model}"
        cached = {"type": "text", "text": prompt.system(question), "cache_control": {"type": "ephemeral"}}
        return {
            "model": model,
            "max_tokens": min(question.max_tokens + THINKING_TOKENS, MOST_TOKENS),
            "system": [cached],
            "messages": prompt.messages(question),
            "output_config": {
                "effort": "low",
                "format": {"type": "json_schema", "schema": prompt.schema(question.answer)},
            },
        }

    async def close(self) -> None:
        await self._client.close()


def _usage(usage: Any) -> Usage:
    return Usage(
        input=usage.input_tokens,
        output=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens or 0,
        cache_write=usage.cache_creation_input_tokens or 0,
        calls=1,
    )


def _of_status(exc: anthropic.APIStatusError) -> RateLimited | Unavailable | Misconfigured:
    limits, status = limits_of(exc.response.headers), exc.status_code
    if status in (429, 529):
        kind = RateLimited if status == 429 else Overloaded
        return kind(f"The provider answered {status}.", _seconds(exc.response.headers.get("retry-after")), limits)
    if status in (408, 409) or status >= 500:
        return Unavailable(f"The provider answered {status}.")
    return Misconfigured(f"The provider refuses the call ({status} {_kind(exc)}); look at the key and the model.")


def _kind(exc: anthropic.APIStatusError) -> str:
    """The provider's word for the error; its message is left out, for it may quote what was sent."""
    body = exc.body if isinstance(exc.body, dict) else {}
    inner = body.get("error", body)
    return str(inner.get("type", "error")) if isinstance(inner, dict) else "error"


def limits_of(headers: Any) -> RateLimits:
    """The limits with the least room, as the provider's headers state them."""

    def whole(name: str) -> int | None:
        value = headers.get(f"anthropic-ratelimit-{name}")
        return int(value) if value and value.isdigit() else None

    tokens = "tokens" if headers.get("anthropic-ratelimit-tokens-limit") else "output-tokens"
    return RateLimits(
        whole("requests-limit"),
        whole("requests-remaining"),
        _until(headers.get("anthropic-ratelimit-requests-reset")),
        whole(f"{tokens}-limit"),
        whole(f"{tokens}-remaining"),
        _until(headers.get(f"anthropic-ratelimit-{tokens}-reset")),
    )


def _until(time: str | None) -> float | None:
    """Seconds from now to an RFC 3339 time."""
    if not time:
        return None
    try:
        return max(0.0, (datetime.fromisoformat(time) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _seconds(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        return None
