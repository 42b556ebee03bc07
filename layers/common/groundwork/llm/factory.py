"""Which AI and which model a deployment uses. Imports no SDK: what only starts runs stays light."""

import logging
from collections.abc import Callable
from typing import Protocol

from groundwork.errors import Invalid
from groundwork.llm.conversation import ConversationModel
from groundwork.llm.port import Misconfigured, Model
from groundwork.llm.prices import base_model_id, model_table, price_of
from groundwork.settings import Settings

KINDS = ("mock", "anthropic", "bedrock")
logger = logging.getLogger(__name__)


def configured_ai(settings: Settings) -> str:
    """mock, anthropic or bedrock: as set, else anthropic where a key is to be had, else the mock, said loudly."""
    if settings.ai:
        if settings.ai not in KINDS:
            raise Misconfigured(f"GROUNDWORK_AI must be one of {', '.join(KINDS)}, not {settings.ai!r}")
        return settings.ai
    if settings.anthropic_api_key or settings.anthropic_secret:
        return "anthropic"
    logger.warning("No GROUNDWORK_AI and no Anthropic key: answers come from the MOCK model and mean nothing")
    return "mock"


def ai_and_model(settings: Settings, asked: str | None) -> tuple[str, str]:
    """The AI and the model id a run will use. Raises Invalid, naming options.model or the setting that will not do."""
    model_id = asked or settings.model or model_table()["default"]
    field = "options.model" if asked else "GROUNDWORK_MODEL"
    if last_day := model_table()["deprecated"].get(base_model_id(model_id)):
        raise Invalid.field(field, f"{model_id} is retired or about to be ({last_day}); use {model_table()['default']}")
    try:
        price_of(model_id)
    except KeyError:
        raise Invalid.field(field, f"{model_id} is no model known here; use {model_table()['default']}") from None
    try:
        ai = configured_ai(settings)
        _check_key(settings, ai)
    except Misconfigured as exc:
        raise Invalid.field("GROUNDWORK_AI", str(exc)) from exc
    return ai, model_id


def _check_key(settings: Settings, ai: str) -> None:
    if ai == "anthropic" and not (settings.anthropic_api_key or settings.anthropic_secret):
        raise Misconfigured(
            "GROUNDWORK_AI is anthropic, but there is neither an ANTHROPIC_API_KEY nor a GROUNDWORK_ANTHROPIC_SECRET"
        )


class ModelChoice(Model, ConversationModel, Protocol):
    """Answers questions and holds conversations."""


def choose(settings: Settings, secret: Callable[[str], str]) -> ModelChoice:
    """The model behind its port. Raises Misconfigured where the settings cannot work, Transient from `secret`."""
    ai, model_id = configured_ai(settings), settings.model or model_table()["default"]
    # each adapter is imported only where it is used: the SDK alone is some 3,000 modules
    if ai == "mock":
        from groundwork.llm.mock.model import MockModel

        return MockModel(model_id, settings.mock_latency_ms)
    if ai == "bedrock":
        from groundwork.llm.claude import bedrock

        return bedrock(model_id, settings.region)
    _check_key(settings, ai)
    key = settings.anthropic_api_key or secret(settings.anthropic_secret).strip()
    if not key:
        raise Misconfigured("The secret that GROUNDWORK_ANTHROPIC_SECRET names is empty")
    from groundwork.llm.claude import anthropic_api

    return anthropic_api(model_id, key, settings.anthropic_base_url)
