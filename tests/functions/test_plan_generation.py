"""Plans of stories and of the model in the API of manage_plans."""

from typing import Any

import pytest

from groundwork.plans import links
from tests.functions.plan_calls import Plans, error, id_of, phase, task

# stories


def test_a_story_becomes_a_phase_and_its_subtasks_become_tasks(plans: Plans) -> None:
    story = plans.story("Build the form", "Check the card", acceptanceCriteria=["Given a card, it is charged."])
    plan = plans.made("/api/plans", repositoryId=plans.repository(), storyIds=[story])
    ((part,), tasks) = (plan["phases"], plan["phases"][0]["tasks"])
    assert (plan["title"], part["title"], plan["storyIds"]) == ("Pay by card", "Pay by card", [story])
    assert [one["title"] for one in tasks] == ["Build the form", "Check the card"]
    assert [one["subtaskId"] for one in tasks] == [f"{story}-ST1", f"{story}-ST2"]
    assert {one["storyId"] for one in tasks} == {story}
    assert [one["acceptanceCriteria"] for one in tasks] == [[], ["Given a card, it is charged."]]
    (shown,) = plans.get(f"/api/stories/{story}")["plans"]
    assert (shown["planId"], shown["counts"], shown["progress"]) == (plan["id"], {"PENDING": 2}, 0)
    assert [(one["id"], one["subtaskId"]) for one in shown["tasks"]] == [(one["id"], one["subtaskId"]) for one in tasks]


def test_a_story_without_subtasks_is_one_task(plans: Plans) -> None:
    story = plans.story(role="a buyer", want="to pay", benefit="I get it")
    plan = plans.made("/api/plans", repositoryId=plans.repository(), storyIds=[story])
    (only,) = plan["phases"][0]["tasks"]
    assert (only["title"], only["storyId"], only["subtaskId"]) == ("Pay by card", story, None)
    assert only["description"] == "As a buyer, I want to pay, so that I get it"


def test_a_task_of_a_subtask_belongs_to_its_story(plans: Plans, plan: Any) -> None:
    story, other = plans.story("One"), plans.story("Two")
    path = f"/api/plan-tasks/{id_of(plan, 'a')}"
    details = error(plans.call("PATCH", path, {"storyId": story, "subtaskId": f"{other}-ST1"}), 422, "INVALID")
    assert details[0]["code"] == "UNKNOWN_STORY"
    assert plans.call("PATCH", path, {"storyId": story, "subtaskId": f"{story}-ST1"}).status == 200
    assert plans.get(f"/api/stories/{story}")["plans"][0]["counts"] == {"PENDING": 1}
    assert plans.get(f"/api/stories/{other}")["plans"] == []


def test_a_story_with_more_subtasks_than_a_plan_takes_is_refused(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_TASKS", 3)
    story = plans.story()
    for number in range(4):
        plans.made(f"/api/stories/{story}/subtasks", title=f"Step {number}")
    answer = plans.call("POST", "/api/plans", {"repositoryId": plans.repository(), "storyIds": [story]})
    assert answer.status == 422
    assert [detail["field"] for detail in answer.json["error"]["details"]] == ["storyIds"]


# the model's part


def test_a_generation_and_a_review_are_accepted_and_triggered(plans: Plans, plan: Any) -> None:
    body = {"repositoryId": plan["repositoryId"], "title": "CSV", "description": "Export invoices as CSV."}
    accepted = plans.call("POST", "/api/plans/generate", body)
    assert accepted.status == 202
    made = accepted.json
    assert made["iterationId"] == f"{made['planId']}-I1"
    generated = plans.get(f"/api/plans/{made['planId']}")
    assert (generated["status"], generated["madeBy"]) == ("GENERATING", "mock")
    assert {one["madeBy"] for one in plans.get("/api/plans")["items"]} == {"person", "mock"}
    error(plans.call("DELETE", f"/api/plans/{made['planId']}"), 409, "PLAN_IN_USE")
    review = {"reviewType": "optimize_order", "scope": "plan"}
    accepted = plans.call("POST", f"/api/plans/{plan['id']}/review", review)
    assert accepted.status == 202
    assert plans.triggered == [f"{made['planId']}-R1", f"{plan['id']}-R2"]
    error(plans.call("POST", f"/api/plans/{plan['id']}/review", review), 409, "RUN_ALREADY_ACTIVE")
    pending = plans.get(f"/api/plans/{plan['id']}/iterations/{accepted.json['iterationId']}")
    assert (pending["status"], pending["suggestions"], pending["madeBy"]) == ("PENDING", [], "mock")
    chosen = {"iterationId": accepted.json["iterationId"], "suggestionIndices": [0]}
    error(plans.call("POST", f"/api/plans/{plan['id']}/apply-suggestions", chosen), 409, "NOTHING_TO_APPLY")


def test_cost_model_effort_and_review_are_those_of_the_plan_unless_a_task_has_its_own(plans: Plans) -> None:
    own = {"maxCostUsd": 5.5, "model": "claude-opus-5-5", "modelEffort": "max", "review": False}
    general = {"maxCostUsd": 40, "model": "claude-sonnet-5-5", "modelEffort": "low", "review": True}
    body = {"title": "Dear", "phases": [phase("One", task("a", **own), task("b"))], **general}
    plan = plans.made("/api/plans", repositoryId=plans.repository(), **body)
    assert {name: plan[name] for name in general} == general
    first, second = plan["phases"][0]["tasks"]
    assert {name: first[name] for name in own} == own
    assert {second[name] for name in own} == {None}
    changed = plans.call("PATCH", f"/api/plans/{plan['id']}", {"maxCostUsd": None, "review": False}, if_match='"1"')
    assert (changed.json["maxCostUsd"], changed.json["review"], changed.json["version"]) == (None, False, 2)


@pytest.mark.parametrize(
    ("field", "value"), [("maxCostUsd", 0), ("maxCostUsd", -1), ("model", "no-such-model"), ("modelEffort", "extreme")]
)
def test_limits_and_models_that_mean_nothing_are_refused_by_name(plans: Plans, field: str, value: Any) -> None:
    body = {"repositoryId": plans.repository(), "title": "Dear", "phases": [], field: value}
    answer = plans.call("POST", "/api/plans", body)
    assert error(answer, 422, "INVALID")[0]["field"] == field
