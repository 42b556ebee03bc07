"""CloudWatch's view of the functions' log lines: the template's metric filters, applied."""

import json
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from checks.sam import resources, source

_TERM = re.compile(r'\$\.(\w+) (=|!=|>|<) (?:"([^"]*)"|(\d+))')
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def metrics_of(lines: Iterable[tuple[str, str]]) -> Counter[str]:
    """Sum the template's own metrics over (function, line) pairs."""
    template = source()
    functions = resources(template, "AWS::Serverless::Function")
    groups = {function["LoggingConfig"]["LogGroup"]["Ref"]: name for name, function in functions.items()}
    filters = [
        (groups[its["LogGroupName"]["Ref"]], its["FilterPattern"], its["MetricTransformations"][0])
        for its in resources(template, "AWS::Logs::MetricFilter").values()
    ]
    sums = Counter[str]()
    for function, line in lines:
        record = _record(line)
        for watched, pattern, metric in filters:
            if _is(function, watched) and matches(pattern, record):
                sums[metric["MetricName"]] += _value(metric["MetricValue"], record)
    return sums


def matches(pattern: str, record: Mapping[str, Any]) -> bool:
    """Match a line against a CloudWatch JSON filter, as far as the template uses them.

    Raises ValueError for any other filter.
    """
    terms = pattern.strip("{} ").split(" && ")
    found = [_TERM.fullmatch(term) for term in terms]
    if None in found:
        raise ValueError(pattern)
    return all(_holds(term, record) for term in found if term)


def _holds(term: re.Match[str], record: Mapping[str, Any]) -> bool:
    name, comparison, text, number = term.groups()
    wanted: Any = text if number is None else int(number)
    value = record.get(name)
    return type(value) is type(wanted) and bool(_COMPARE[comparison](value, wanted))


def _value(value: str, record: Mapping[str, Any]) -> int:
    return int(record[value.removeprefix("$.")]) if value.startswith("$.") else int(value)


def _record(line: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _is(function: str, logical_id: str) -> bool:
    """process_next has a name of its own, the others have their logical ids."""
    return function == logical_id or (logical_id == "ProcessNextFunction" and function.endswith("-process-next"))
