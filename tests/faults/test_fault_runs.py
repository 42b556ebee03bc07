"""Four types of run through real processes among faults; `python -m tests.faults` runs more."""

import pytest

from tests.faults.invariants import Violation
from tests.faults.plan import Plan
from tests.faults.scenario import fault_run


@pytest.mark.slow(reason="six phases with 4 s of faults each, and all comes to rest after each")
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("seed", [1, pytest.param(4, marks=pytest.mark.long)])
def test_every_invariant_holds_among_faults(seed: int) -> None:
    outcome = fault_run(seed, faults_s=4.0)
    assert outcome.violations == []
    assert outcome.moments > 0


@pytest.mark.slow(reason="as above, on DynamoDB Local")
@pytest.mark.timeout(1500)
def test_every_invariant_holds_with_real_transactions(dynamodb_local: str) -> None:
    outcome = fault_run(2, faults_s=4.0, dynamodb=dynamodb_local)
    assert outcome.violations == []


def test_a_seed_gives_the_same_plan_again() -> None:
    def drawn(seed: int) -> object:
        plan = Plan(seed)
        plan.on.set()
        return [plan.of_request("dynamodb", True) for _ in range(200)], plan.blows(1, 20.0), plan.severity

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_nothing_goes_wrong_once_the_faults_have_stopped() -> None:
    plan = Plan(3)
    assert {plan.of_request("dynamodb", True)[0] for _ in range(500)} == {None}
    assert not plan.injected


def test_a_violation_says_which_invariant_and_where() -> None:
    assert str(Violation("one_result_an_item", "item 3 ended twice")) == "one_result_an_item: item 3 ended twice"
