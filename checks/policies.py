"""Policies of the functions: no wildcard action, no wildcard resource."""

import sys
from collections.abc import Iterator
from typing import Any

from checks.sam import MANAGED_POLICIES, Template, listed, resources, statements, translated

LISTS = ["lambda:ListMicrovms"]
"""Actions without a resource to name: they only list."""


def problems(template: Template) -> Iterator[str]:
    """Yield the faults of the roles of a translated template, a line each."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement, _ in statements(role):
            yield from (f"{name}: {problem}" for problem in _problems_of(statement))
        for managed in role.get("ManagedPolicyArns", []):
            if managed not in MANAGED_POLICIES.values():
                yield f"{name}: a managed policy, {managed}, says what it may do"


def _problems_of(statement: Any) -> Iterator[str]:
    where = statement.get("Sid", "a statement without Sid")
    # NotAction and NotResource allow all but a list
    if statement["Effect"] != "Allow" or {"NotAction", "NotResource"} & statement.keys():
        yield f"{where} is not a plain Allow"
    for action in listed(statement.get("Action", [])):
        if "*" in action:
            yield f"{where} allows {action}"
    if listed(statement.get("Action")) == LISTS:
        return
    for resource in listed(statement.get("Resource", "*")):
        # a function may reach any of a table's items, but never any table
        if isinstance(resource, str) and (resource == "*" or resource.endswith((":*", ":table/*", ":function:*"))):
            yield f"{where} reaches {resource}"


def main() -> int:
    """1 if there is a problem."""
    found = list(problems(translated()))
    print("\n".join(found) or "Policies: no wildcards")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
