"""How a question is put to Claude: our instructions first and apart, the material after, fenced as data."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from groundwork.llm.port import Question, Repair
from groundwork.text import clean

# what structured outputs do not take; the model is told in words, and Pydantic holds it to them afterwards
_LIMITS = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "pattern"}
)
_NOISE = frozenset({"title", "default"})
# as JSON escapes these mean the same and no text can open or close a tag
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def messages(question: Question) -> list[dict[str, Any]]:
    """The material, and where an answer is to be repaired, that answer with what was wrong with it."""
    turns = [{"role": "user", "content": fence("material", question.material)}]
    return turns + _repair(question.repair) if question.repair else turns


def fence(tag: str, data: Any) -> str:
    """The data as JSON between tags that nothing in it can close: `<` and `>` are escaped inside."""
    body = json.dumps(_clean_strings(data), ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return f"<{tag}>\n{body}\n</{tag}>"


def _repair(repair: Repair) -> list[dict[str, Any]]:
    # the error may quote the answer, and the answer the material: data again
    fault = fence("fault", repair.error)
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
    """The answer's JSON schema as structured outputs take it: closed objects, limits said in descriptions."""
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
        plain |= {"additionalProperties": False, "required": list(plain.get("properties", {}))}
    return plain


def _part(name: str, value: Any) -> Any:
    # below these the keys are names of ours, also where one is called title
    if name in ("properties", "$defs"):
        return {key: _plain(part) for key, part in value.items()}
    return _plain(value)
