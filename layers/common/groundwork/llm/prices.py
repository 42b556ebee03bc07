"""Known models and their list prices, from models.json.

It also holds date and source of the prices.
"""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from groundwork.llm.port import Usage

_DATE = re.compile(r"-20\d{6}$")


@cache
def model_table() -> dict[str, Any]:
    """Return models.json: `default`, `models` (prices), `unpriced`, `deprecated` (last day)."""
    data: dict[str, Any] = json.loads(files("groundwork.llm").joinpath("models.json").read_text())
    return data


def base_model_id(model_id: str) -> str:
    """Return the id in the Anthropic API's form, without Bedrock's prefix `anthropic.`."""
    return model_id.removeprefix("anthropic.")


def price_of(model_id: str) -> dict[str, Any]:
    """Return dollars per million tokens. A dated id has its family's price.

    Raises KeyError for unknown ids.
    """
    models: dict[str, dict[str, Any]] = model_table()["models"]
    return models[_DATE.sub("", base_model_id(model_id))]


def cost_micro_usd(model_id: str, usage: Usage) -> int:
    """Return the price of one call in millionths of a US dollar.

    Price each call alone: a sum of calls would look like one long prompt, and some models charge more for these.
    """
    price = price_of(model_id)
    longer = price.get("long_prompt")
    if longer and usage.input + usage.cache_read + usage.cache_write > longer["above"]:
        # the higher price holds for all tokens of the call
        price = longer
    # dollars per million tokens are millionths of a dollar per token
    cost: float = (
        usage.input * price["input"]
        + usage.output * price["output"]
        + usage.cache_read * price["cache_read"]
        + usage.cache_write * price["cache_write"]
    )
    return round(cost)
