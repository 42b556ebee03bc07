"""Choice of AI and model from the settings. Imports no SDK, to keep the functions light."""

import logging
from collections.abc import Callable
from functools import cache
from typing import Protocol

from groundwork.errors import Invalid
from groundwork.llm.conversation import ConversationModel
from groundwork.llm.port import Misconfigured, Model
from groundwork.llm.prices import base_model_id, model_table, price_of
from groundwork.settings import Settings

KINDS = ("mock", "anthropic", "bedrock")
logger = logging.getLogger(__name__)


def configured_ai(settings: Settings) -> str:
    """Return mock, anthropic or bedrock.

    The setting, else anthropic with a key, else the mock with a warning.
    """
    if settings.ai:
        if settings.ai not in KINDS:
            raise Misconfigured(f"GROUNDWORK_AI must be one of {', '.join(KINDS)}, not {settings.ai!r}")
        return settings.ai
    if settings.anthropic_api_key or settings.anthropic_secret:
        return "anthropic"
    _warn_of_mock()
    return "mock"


@cache
def _warn_of_mock() -> None:
    """Warn only once per process: the choice is made for every request."""
    logger.warning("No GROUNDWORK_AI and no Anthropic key: answers come from the MOCK model")


def ai_and_model(settings: Settings, asked: str | None) -> tuple[str, str]:
    """Return (AI, model id) for a run.

    Raises Invalid with the field options.model or the setting at fault.
    """
    model_id = asked or settings.model or model_table()["default"]
    field = "options.model" if asked else "GROUNDWORK_MODEL"
    if last_day := model_table()["deprecated"].get(base_model_id(model_id)):
        raise Invalid.field(
            field, f"{model_id} is retired or retires soon ({last_day}); use {model_table()['default']}"
        )
    # a model without a price could not be held to a run's cost limit
    try:
        price_of(model_id)
    except KeyError:
        raise Invalid.field(field, f"{model_id} is not a known model; use {model_table()['default']}") from None
    try:
        ai = configured_ai(settings)
        _check_key(settings, ai)
    except Misconfigured as exc:
        # a refused start names the setting; a started run would only fail at its first call
        raise Invalid.field("GROUNDWORK_AI", str(exc)) from exc
    return ai, model_id


def _check_key(settings: Settings, ai: str) -> None:
    if ai == "anthropic" and not (settings.anthropic_api_key or settings.anthropic_secret):
        raise Misconfigured(
            "GROUNDWORK_AI is anthropic, but there is neither an ANTHROPIC_API_KEY nor a GROUNDWORK_ANTHROPIC_SECRET"
        )


class ModelChoice(Model, ConversationModel, Protocol):
    """Answers questions and holds conversations."""


def _mock(model_id: str, settings: Settings) -> ModelChoice:
    from groundwork.llm.mock.model import MockModel
    from groundwork.llm.mock.written import unpack

    try:
        written = unpack(settings.mock_answers)
    except ValueError as fault:
        raise Misconfigured(f"GROUNDWORK_MOCK_ANSWERS {fault}") from fault
    return MockModel(model_id, settings.mock_latency_ms, written=written)


def choose(settings: Settings, secret: Callable[[str], str]) -> ModelChoice:
    """Return the configured model.

    Raises Misconfigured for invalid settings, Transient from `secret`.
    """
    ai, model_id = configured_ai(settings), settings.model or model_table()["default"]
    # adapters are imported on use: the SDK alone is some 3,000 modules
    if ai == "mock":
        return _mock(model_id, settings)
    if ai == "bedrock":
        from groundwork.llm.claude import bedrock

        return bedrock(model_id, settings.region)
    _check_key(settings, ai)
    # a pasted secret often ends with a line break
    key = settings.anthropic_api_key or secret(settings.anthropic_secret).strip()
    if not key:
        raise Misconfigured("The secret named by GROUNDWORK_ANTHROPIC_SECRET is empty")
    from groundwork.llm.claude import anthropic_api

    return anthropic_api(model_id, key, settings.anthropic_base_url)
