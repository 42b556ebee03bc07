"""Size of each function's resource policy. The limit of Lambda is 20,480 bytes.

python -m checks.resource_policies    prints the bytes for the longest stack name in the longest region
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.session import Session

from checks.sam import Template, resources, translated

LIMIT = 20_480
MAX_STACK_NAME = 51
"""Longest stack name with all named functions within Lambda's 64 characters."""
MAX_NAME = 64
MAX_SID = 100
ACCOUNT = "123456789012"
API_ID = "abcdef1234"
_SUFFIX = "-" + "X" * 13
"""Random end of a generated name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Name and place of a stack."""

    stack: str = "dev"
    region: str = "us-east-1"
    partition: str = "aws"


def longest_place(stack: str = "s" * MAX_STACK_NAME) -> Place:
    """The region whose ARNs are longest, as botocore lists them."""
    # botocore's list is on this machine: no request is sent
    session = Session()
    places = [
        Place(stack, region, partition)
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition)
    ]
    # equal lengths are decided by name: the same region on every machine
    return max(places, key=lambda place: (len(place.partition) + len(place.region), place.region))


def policies(template: Template, place: Place) -> dict[str, list[dict[str, Any]]]:
    """Statements of a translated template's permissions, by the function's logical id."""
    names = _Names(template, place)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for logical_id, permission in resources(template, "AWS::Lambda::Permission").items():
        reference = permission["FunctionName"]
        function = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0]
        found[function].append(
            {
                "Sid": f"{place.stack}-{logical_id}{_SUFFIX}"[:MAX_SID],
                "Effect": "Allow",
                "Principal": {"Service": permission["Principal"]},
                "Action": permission["Action"],
                "Resource": names.attribute(function),
                "Condition": {"ArnLike": {"AWS:SourceArn": names.text(permission["SourceArn"])}},
            }
        )
    return found


def size(statements: Iterable[Mapping[str, Any]]) -> int:
    """Bytes of a policy as Lambda keeps it."""
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(statements)}
    return len(json.dumps(policy, separators=(",", ":")).encode())


class _Names:
    """Return generated names and ARNs at their full length."""

    def __init__(self, template: Template, place: Place) -> None:
        self._resources = template["Resources"]
        self._place = place
        self._known = {
            "AWS::Partition": place.partition,
            "AWS::Region": place.region,
            "AWS::AccountId": ACCOUNT,
            "AWS::StackName": place.stack,
            "Api": API_ID,
        }

    def text(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if "Ref" in value:
            return self._known[value["Ref"]]
        if "Fn::GetAtt" in value:
            return self.attribute(value["Fn::GetAtt"][0])
        given = value["Fn::Sub"]
        pattern, own = given if isinstance(given, list) else (given, {})
        known = {**self._known, **{name: self.text(inner) for name, inner in own.items()}}
        return re.sub(r"\$\{([\w:]+)\}", lambda match: known[match[1]], pattern)

    def attribute(self, logical_id: str) -> str:
        """ARN of a function or rule."""
        resource = self._resources[logical_id]
        place = self._place
        service, kind = {
            "AWS::Lambda::Function": ("lambda", "function:"),
            "AWS::Events::Rule": ("events", "rule/"),
        }[resource["Type"]]
        given = resource["Properties"].get("FunctionName")
        name = self.text(given) if given else f"{place.stack}-{logical_id}{_SUFFIX}"
        return f"arn:{place.partition}:{service}:{place.region}:{ACCOUNT}:{kind}{name[:MAX_NAME]}"


def main() -> int:
    """Prints a line for each function."""
    place = longest_place()
    print(f"{place.partition} {place.region}, a stack name of {len(place.stack)} characters, of {LIMIT:,} bytes:")
    for function, statements in policies(translated(), place).items():
        print(f"{function:24} {size(statements):6,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
