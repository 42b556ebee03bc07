"""DynamoDB's expressions, as far as Groundwork uses them.

Conditions and updates of top-level attributes:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

type Item = Mapping[str, Any]
"""Attributes in wire format: {"sk": {"S": "R#000001"}}."""

type Test = Callable[[Item, "Names"], bool]

LAST_CHARACTER = chr(sys.maxunicode)

_TOKEN = re.compile(r"\s*(#\w+|:\w+|<>|<=|>=|[=<>(),]|\w+)")


@dataclass(frozen=True, slots=True)
class Names:
    """Values of the placeholders of one request."""

    names: Mapping[str, str]
    values: Mapping[str, Any]


def holds(expression: str | None, item: Item | None, names: Names) -> bool:
    """Return True if a condition holds; a missing item has no attributes."""
    return expression is None or _condition(expression)(item or {}, names)


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The rows that a key condition asks for: one partition, and an interval of its sort keys."""

    names: tuple[str, str]
    partition: str
    low: str = ""
    high: str | None = None
    without_low: bool = False
    without_high: bool = False

    def slice(self, sort_keys: list[str]) -> list[str]:
        """Return the sorted keys in the interval. Code points and UTF-8 bytes have the same order."""
        first = (bisect_right if self.without_low else bisect_left)(sort_keys, self.low)
        if self.high is None:
            return sort_keys[first:]
        return sort_keys[first : (bisect_left if self.without_high else bisect_right)(sort_keys, self.high)]


def key_range(expression: str, names: Names) -> KeyRange:
    """Return what a condition on string keys asks for. Raises NotImplementedError for others."""
    match [token for token in _TOKEN.findall(expression) if token not in ("(", ")", ",")]:
        case [pk, "=", value]:
            return KeyRange((names.names[pk], "sk"), names.values[value]["S"])
        case [pk, "=", value, "AND", *condition]:
            partition = names.values[value]["S"]
            texts = [names.values[token]["S"] for token in condition if token.startswith(":")]
            words = [token for token in condition if not token.startswith((":", "#"))]
            (sk,) = (token for token in condition if token.startswith("#"))
            keys = names.names[pk], names.names[sk]
            match words, texts:
                case ["begins_with"], [start]:
                    return KeyRange(keys, partition, start, start + LAST_CHARACTER)
                case ["BETWEEN", "AND"], [low, high]:
                    return KeyRange(keys, partition, low, high)
                case ["="], [text]:
                    return KeyRange(keys, partition, text, text)
                case [(">" | ">=") as operator], [low]:
                    return KeyRange(keys, partition, low, without_low=operator == ">")
                case [("<" | "<=") as operator], [high]:
                    return KeyRange(keys, partition, high=high, without_high=operator == "<")
    raise NotImplementedError(f"the key condition {expression!r}")


def updated(expression: str, item: Item, names: Names) -> dict[str, Any]:
    """Return the item after SET, REMOVE, ADD (numbers, string sets) and DELETE (string sets)."""
    after = dict(item)
    for act, name, value in _actions(expression):
        _apply(after, act, names.names[name], names.values.get(value))
    return after


def _apply(item: dict[str, Any], act: str, name: str, value: Any) -> None:
    if act == "SET":
        item[name] = value
    elif act == "REMOVE":
        item.pop(name, None)
    elif "N" in value:
        item[name] = {"N": str(Decimal(item.get(name, {"N": "0"})["N"]) + Decimal(value["N"]))}
    else:
        before = set(item.get(name, {"SS": []})["SS"])
        both = before | set(value["SS"]) if act == "ADD" else before - set(value["SS"])
        # a set is never empty: its attribute goes with its last member
        item.pop(name, None)
        if both:
            item[name] = {"SS": sorted(both)}


@lru_cache(maxsize=4096)
def _actions(expression: str) -> tuple[tuple[str, str, str], ...]:
    found: list[tuple[str, str, str]] = []
    for part in re.split(r"\b(?=SET |REMOVE |ADD |DELETE )", expression):
        act, _, rest = part.strip().partition(" ")
        for action in rest.split(",") if act else ():
            name, _, value = action.replace("=", " ").strip().partition(" ")
            if not re.fullmatch(r"#\w+", name) or not re.fullmatch(r"(:\w+)?", value.strip()):
                raise NotImplementedError(f"the update {action!r}")
            found.append((act, name, value.strip()))
    return tuple(found)


@lru_cache(maxsize=4096)
def _condition(expression: str) -> Test:
    tokens = _TOKEN.findall(expression)
    test, rest = _either(tokens)
    if rest:
        raise NotImplementedError(f"the condition {expression!r}")
    return test


def _either(tokens: list[str]) -> tuple[Test, list[str]]:
    left, rest = _both(tokens)
    while rest and rest[0] == "OR":
        right, rest = _both(rest[1:])
        left = _or(left, right)
    return left, rest


def _both(tokens: list[str]) -> tuple[Test, list[str]]:
    left, rest = _one(tokens)
    while rest and rest[0] == "AND":
        right, rest = _one(rest[1:])
        left = _and(left, right)
    return left, rest


def _or(left: Test, right: Test) -> Test:
    return lambda item, names: left(item, names) or right(item, names)


def _and(left: Test, right: Test) -> Test:
    return lambda item, names: left(item, names) and right(item, names)


def _one(tokens: list[str]) -> tuple[Test, list[str]]:
    if tokens[0] == "(":
        test, rest = _either(tokens[1:])
        return test, rest[1:]
    if tokens[0] == "NOT":
        inner, rest = _one(tokens[1:])
        return lambda item, names: not inner(item, names), rest
    if tokens[0] in ("attribute_exists", "attribute_not_exists"):
        name, wanted = tokens[2], tokens[0] == "attribute_exists"
        return lambda item, names: (names.names[name] in item) == wanted, tokens[4:]
    if tokens[0] == "begins_with":
        name, value = tokens[2], tokens[4]
        return lambda item, names: _string(item, names, name).startswith(names.values[value]["S"]), tokens[6:]
    return _comparison(tokens)


def _comparison(tokens: list[str]) -> tuple[Test, list[str]]:
    name, operator, rest = tokens[0], tokens[1], tokens[2:]
    if operator == "BETWEEN":
        low, high = rest[0], rest[2]
        return _and(_compared(name, ">=", low), _compared(name, "<=", high)), rest[3:]
    if operator == "IN":
        end = rest.index(")")
        values = [token for token in rest[1:end] if token != ","]
        tests = [_compared(name, "=", value) for value in values]
        return lambda item, names: any(test(item, names) for test in tests), rest[end + 1 :]
    return _compared(name, operator, rest[0]), rest[1:]


def _string(item: Item, names: Names, name: str) -> str:
    return str(item.get(names.names[name], {}).get("S", ""))


def _compared(name: str, operator: str, value: str) -> Test:
    compare: Callable[[Any, Any], bool] = {
        "=": lambda a, b: a == b,
        "<>": lambda a, b: a != b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }[operator]

    def test(item: Item, names: Names) -> bool:
        mine, other = item.get(names.names[name]), names.values[value]
        # a missing attribute, or one of another type, is unequal to everything and below nothing
        if mine is None or mine.keys() != other.keys():
            return operator == "<>"
        return compare(_ordered(mine), _ordered(other))

    return test


def _ordered(value: Mapping[str, Any]) -> Any:
    ((type_, raw),) = value.items()
    if type_ == "N":
        return Decimal(raw)
    # strings are ordered by their UTF-8 bytes
    return raw.encode() if type_ == "S" else raw
