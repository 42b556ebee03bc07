"""Definition of the state machine: required parts of every branch; only ids pass through it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MACHINE = json.loads((Path(__file__).parents[2] / "statemachines" / "plan.asl.json").read_text())
PHASE = MACHINE["States"]["Phases"]["ItemProcessor"]["States"]
BRANCHES = ("Sequential", "Parallel", "Manual", "Many")
ALLOWED = {"planId", "number", "phaseId", "taskId", "token", "entered", "retry", "do", "error"}


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def anonymous(branch: str) -> Any:
    """States of a branch without its name in theirs."""
    processor = PHASE[f"{branch}Tasks"]["ItemProcessor"]
    text = json.dumps({"StartAt": processor["StartAt"], "States": processor["States"]})
    return json.loads(text.replace(f'"{branch}', '"'))


@pytest.mark.parametrize("branch", BRANCHES[1:])
def test_a_task_goes_the_same_way_in_every_branch(branch: str) -> None:
    assert anonymous(branch) == anonymous("Sequential")


def test_each_mode_is_as_wide_as_it_must_be() -> None:
    widths = {branch: PHASE[f"{branch}Tasks"].get("MaxConcurrency") for branch in BRANCHES}
    assert widths == {"Sequential": 1, "Parallel": 40, "Manual": 1, "Many": None}
    assert PHASE["ManyTasks"]["MaxConcurrencyPath"] == "$.phase.width"
    assert PHASE["ManyTasks"]["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert MACHINE["States"]["Phases"]["MaxConcurrency"] == 1


def test_only_ids_are_handed_to_the_function() -> None:
    for name, state in states(MACHINE):
        if state["Type"] == "Task":
            payload = {key.removesuffix(".$") for key in state["Parameters"]["Payload"]}
            assert payload <= ALLOWED, name


def test_what_a_task_or_a_phase_answers_is_not_carried_along() -> None:
    for branch in BRANCHES:
        assert PHASE[f"{branch}Tasks"]["ResultPath"] is None
        assert PHASE[f"{branch}Tasks"]["ItemProcessor"]["States"][f"{branch}TaskDone"]["Result"] == {}
    assert MACHINE["States"]["Phases"]["ResultPath"] is None


def test_whatever_is_asked_of_the_function_is_asked_again_when_it_fails() -> None:
    asked = {name: state for name, state in states(MACHINE) if state["Type"] == "Task"}
    assert len(asked) > 10
    for name, state in asked.items():
        last = state["Retry"][-1]
        assert (last["ErrorEquals"], last["MaxAttempts"] > 3) == (["States.ALL"], True), name


def test_a_worker_knows_whether_the_invocation_before_it_failed() -> None:
    for name, state in states(MACHINE):
        if name.endswith("Work"):
            payload = state["Parameters"]["Payload"]
            assert (payload["entered.$"], payload["retry.$"]) == ("$$.State.EnteredTime", "$$.State.RetryCount"), name


def test_an_account_without_room_for_an_invocation_is_waited_for_longer_than_a_fault() -> None:
    for name, state in states(MACHINE):
        if state["Type"] == "Task":
            throttled, fault = state["Retry"][-2:]
            assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"], name
            assert throttled["MaxAttempts"] > fault["MaxAttempts"]


def test_every_error_is_told_before_the_execution_ends() -> None:
    for name in ("BeginPlan", "Phases"):
        assert MACHINE["States"][name]["Catch"][-1]["Next"] == "TellWhatWentWrong"
    assert MACHINE["States"]["TellWhatWentWrong"]["Catch"][-1]["Next"] == "PlanFailed"


def test_states_have_names_and_words_that_people_understand() -> None:
    for name, state in states(MACHINE):
        assert name.isalnum()
        assert state["Type"] in ("Choice", "Wait", "Pass", "Fail", "Succeed") or state["Comment"], name
