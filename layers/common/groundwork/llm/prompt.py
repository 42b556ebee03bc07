"""Messages for Claude: the material, fenced as data and apart from the instructions."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from groundwork.llm.port import Question, Repair
from groundwork.text import clean

# structured outputs do not support these: they go into descriptions, and Pydantic checks them afterwards
_LIMITS = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "pattern"}
)
_NOISE = frozenset({"title", "default"})
# as JSON escapes they keep their meaning, and no text can open or close a tag
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def messages(question: Question) -> list[dict[str, Any]]:
    """Return the messages: the material; for a repair also the rejected answer and its fault."""
    turns = [{"role": "user", "content": fence("material", question.material)}]
    return turns + _repair(question.repair) if question.repair else turns


def fence(tag: str, data: Any) -> str:
    """Return the data as JSON between tags.

    `<` and `>` inside are escaped, so nothing can close the tag.
    """
    body = json.dumps(_clean_strings(data), ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return f"<{tag}>\n{body}\n</{tag}>"


def _repair(repair: Repair) -> list[dict[str, Any]]:
    # the error may quote the answer, and the answer the material: fenced like data
    fault = fence("fault", repair.error)
    # the API refuses an empty message of the assistant
    if not repair.answer.strip():
        ask = f"Your last answer to this could not be used; what was wrong with it:\n{fault}\nAnswer the whole task."
        return [{"role": "user", "content": ask}]
    ask = f"This answer cannot be used; what is wrong with it:\n{fault}\nWrite the whole answer again, corrected."
    return [{"role": "assistant", "content": clean(repair.answer)}, {"role": "user", "content": ask}]


def _clean_strings(data: Any) -> Any:
    if isinstance(data, str):
        return clean(data)
    if isinstance(data, Mapping):
        return {name: _clean_strings(value) for name, value in data.items()}
    return [_clean_strings(part) for part in data] if isinstance(data, list | tuple) else data


def schema(answer: type[BaseModel]) -> dict[str, Any]:
    """Return the answer's JSON schema for structured outputs.

    Closed objects, limits in descriptions.
    """
    plain: dict[str, Any] = _plain(answer.model_json_schema())
    return plain


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _part(name, value) for name, value in node.items() if name not in _LIMITS | _NOISE}
    if limits := ", ".join(f"{name} {value}" for name, value in node.items() if name in _LIMITS):
        plain["description"] = f"{plain['description']} ({limits})" if "description" in plain else limits
    if plain.get("type") == "object":
        # structured outputs take closed objects only, and optional fields would be left out
        plain |= {"additionalProperties": False, "required": list(plain.get("properties", {}))}
    return plain


def _part(name: str, value: Any) -> Any:
    # keys below these are field names, even if one is called title
    if name in ("properties", "$defs"):
        return {key: _plain(part) for key, part in value.items()}
    return _plain(value)
