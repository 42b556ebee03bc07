"""Resource policies fit Lambda's limit, in every stack and during an upgrade."""

import re
from dataclasses import replace

import pytest

from checks.resource_policies import LIMIT, MAX_STACK_NAME, Place, longest_place, policies, size
from checks.sam import ROOT, Template, resources, translated
from tests.deployed.recorded import translated_with_events

UPGRADING = ROOT / "docs" / "how-to" / "upgrade.md"
OMITTED_FIRST = ("ListTemplates", "CreateTemplate", "GetTemplate", "DeleteTemplate")
"""Events to leave out of the first of two deployments."""


@pytest.fixture(scope="module")
def now() -> Template:
    return translated()


@pytest.fixture(scope="module")
def before() -> Template:
    return translated_with_events()


LONGEST = longest_place()
NAME_LENGTHS = range(1, MAX_STACK_NAME + 1)


def named(length: int) -> Place:
    return replace(LONGEST, stack="s" * length)


def during(before: Template, now: Template, place: Place) -> dict[str, int]:
    """Bytes while both permissions are there: CloudFormation removes the old ones last."""
    old, new = policies(before, place), policies(now, place)
    return {
        function: size({one["Sid"]: one for one in [*old.get(function, []), *statements]}.values())
        for function, statements in new.items()
    }


def test_no_policy_takes_half_of_what_lambda_allows(now: Template) -> None:
    sizes = {function: size(statements) for function, statements in policies(now, LONGEST).items()}
    assert {function: bytes_ for function, bytes_ in sizes.items() if bytes_ > 10_000} == {}


def test_every_permission_is_counted(now: Template) -> None:
    counted = [statement for statements in policies(now, LONGEST).values() for statement in statements]
    assert len(counted) == len(resources(now, "AWS::Lambda::Permission"))


def test_the_longest_place_is_longer_than_any_commercial_region() -> None:
    place = LONGEST
    assert len(place.region) >= len("ap-southeast-1")
    assert len(place.stack) == MAX_STACK_NAME


def test_a_permission_a_route_did_not_fit(before: Template) -> None:
    assert size(policies(before, LONGEST)["ManagePlansFunction"]) > LIMIT


def test_a_stack_with_a_short_name_is_upgraded_in_one_deployment(before: Template, now: Template) -> None:
    stated = re.search(r"at most (\d+) characters", UPGRADING.read_text())
    assert stated
    fitting = [length for length in NAME_LENGTHS if max(during(before, now, named(length)).values()) <= LIMIT]
    assert int(stated[1]) == fitting[-1] == len(fitting)


def test_any_other_stack_is_upgraded_in_two(before: Template, now: Template) -> None:
    text = UPGRADING.read_text()
    assert all(f"`{event}`" in text for event in OMITTED_FIRST)
    first = translated_with_events(without=OMITTED_FIRST)
    for length in NAME_LENGTHS:
        place = named(length)
        if max(size(statements) for statements in policies(before, place).values()) <= LIMIT:
            assert max(during(first, now, place).values()) <= LIMIT, length
