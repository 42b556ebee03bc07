"""The models we know and what they cost: list prices kept as data, with their date and source, in models.json."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from groundwork.ai.port import Usage


@cache
def known() -> dict[str, Any]:
    """What models.json says: `default`, `models` with their prices, `deprecated` with their last day."""
    data: dict[str, Any] = json.loads(files("groundwork.ai").joinpath("models.json").read_text())
    return data


def price_of(model_id: str) -> dict[str, Any]:
    """Dollars per million tokens. A dated id costs what its family costs. Raises KeyError for an unknown one."""
    models: dict[str, dict[str, Any]] = known()["models"]
    plain = model_id.removeprefix("anthropic.")
    return models[plain] if plain in models else models[plain.rpartition("-")[0]]


def cost_micro_usd(model_id: str, usage: Usage) -> int:
    """Millionths of a US dollar for one call, rounded; dollars a million tokens are millionths a token."""
    price = price_of(model_id)
    longer = price.get("long_prompt")
    if longer and usage.input + usage.cache_read + usage.cache_write > longer["above"]:
        price = longer
    return round(
        usage.input * price["input"]
        + usage.output * price["output"]
        + usage.cache_read * price["cache_read"]
        + usage.cache_write * price["cache_write"]
    )
