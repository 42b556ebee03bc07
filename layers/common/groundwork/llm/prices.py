"""The models we know and what they cost: list prices kept as data, with their date and source, in models.json."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from groundwork.llm.port import Usage

_DATE = re.compile(r"-20\d{6}$")


@cache
def model_table() -> dict[str, Any]:
    """What models.json says: `default`, `models` with their prices, `unpriced`, `deprecated` with their last day."""
    data: dict[str, Any] = json.loads(files("groundwork.llm").joinpath("models.json").read_text())
    return data


def base_model_id(model_id: str) -> str:
    """The id as the Anthropic API writes it; Bedrock puts `anthropic.` before it."""
    return model_id.removeprefix("anthropic.")


def price_of(model_id: str) -> dict[str, Any]:
    """Dollars per million tokens. A dated id costs what its family costs. Raises KeyError for an unknown one."""
    models: dict[str, dict[str, Any]] = model_table()["models"]
    return models[_DATE.sub("", base_model_id(model_id))]


def cost_micro_usd(model_id: str, usage: Usage) -> int:
    """Millionths of a US dollar for one call, rounded; dollars a million tokens are millionths a token.

    One call at a time: a model may charge long prompts more, and a sum of calls looks like one.
    """
    price = price_of(model_id)
    longer = price.get("long_prompt")
    if longer and usage.input + usage.cache_read + usage.cache_write > longer["above"]:
        price = longer
    cost: float = (
        usage.input * price["input"]
        + usage.output * price["output"]
        + usage.cache_read * price["cache_read"]
        + usage.cache_write * price["cache_write"]
    )
    return round(cost)
