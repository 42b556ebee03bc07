"""Faults of the plans' endpoints found by review, a test each."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.plans import DynamoPlans
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import Transient
from groundwork.plans.draft import PhaseDraft
from groundwork.plans.editor import Editor
from groundwork.plans.operations import AddPhase, Operation, UpdateTask
from tests.functions.plan_calls import Plans, id_of, phase, plans_on, task


@pytest.fixture
def plans(moto_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Plans:
    return plans_on(moto_tables, monkeypatch)


@pytest.fixture
def plan(plans: Plans) -> Any:
    return plans.plan(phase("First", task("a"), task("b", "a")), phase("Second", task("c", "b"), mode="parallel"))


@pytest.mark.parametrize("position", ["²", "٣", "99", "-1"])
def test_a_token_that_no_list_has_given_is_refused_or_beyond_its_end(plans: Plans, position: str) -> None:
    token = base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")
    assert plans.call("GET", "/api/plan-templates", query={"nextToken": token}).status in (200, 422)


def commits(monkeypatch: pytest.MonkeyPatch, before: Callable[[Any], None], after: Callable[[Any], None]) -> None:
    """The next commit of a plan's version has something happen before and after it."""
    commit, left = DynamoPlans.commit, [1]

    def disturbed(self: DynamoPlans, *arguments: Any) -> None:
        if not left:
            return commit(self, *arguments)
        left.pop()
        before(self)
        commit(self, *arguments)
        after(self)
        return None

    monkeypatch.setattr(DynamoPlans, "commit", disturbed)


def somebody_else(plans: Plans, plan: Any, operation: Operation) -> Callable[[Any], None]:
    def edits(store: Any) -> None:
        Editor(store, plans.tables.entries, lambda: 1, "other").edit(plan["id"], [operation])

    return edits


def nothing(store: Any) -> None:
    return None


def test_what_was_made_is_answered_though_the_answer_was_lost_and_somebody_edited(
    plans: Plans, plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = somebody_else(plans, plan, AddPhase(phase=PhaseDraft(title="Other")))

    def lost(store: Any) -> None:
        other(store)
        raise Transient("The answer was lost.")

    commits(monkeypatch, nothing, lost)
    made = plans.call("POST", "/api/phases", {"planId": plan["id"], "title": "Mine"})
    assert (made.status, made.json["title"]) == (201, "Mine")
    titles = [one["title"] for one in plans.get(f"/api/plans/{plan['id']}")["phases"]]
    assert titles == ["First", "Second", "Mine", "Other"]


def test_ready_is_said_of_the_version_that_was_seen(plans: Plans, plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    change = UpdateTask(task_id=id_of(plan, "a"), fields={"title": "Drop the database"})
    commits(monkeypatch, somebody_else(plans, plan, change), nothing)
    answer = plans.call("PATCH", f"/api/plans/{plan['id']}", {"status": "READY"})
    assert (answer.status, answer.json["error"]["code"]) == (409, "VERSION_CONFLICT")
    assert plans.get(f"/api/plans/{plan['id']}")["status"] == "DRAFT"


@pytest.mark.full
@pytest.mark.slow(reason="501 subtasks through the API")
def test_a_story_with_more_subtasks_than_a_plan_takes_is_refused(plans: Plans) -> None:
    story = plans.story()
    for number in range(501):
        plans.made(f"/api/stories/{story}/subtasks", title=f"Step {number}")
    answer = plans.call("POST", "/api/plans", {"repositoryId": plans.repository(), "storyIds": [story]})
    assert answer.status == 422
    assert [detail["field"] for detail in answer.json["error"]["details"]] == ["storyIds"]


def test_a_plan_whose_deletion_was_not_heard_of_is_deleted(
    plans: Plans, plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loses_the_next_answer(monkeypatch)
    assert plans.call("DELETE", f"/api/plans/{plan['id']}").status == 204


def test_a_review_whose_start_was_not_heard_of_is_started_once(
    plans: Plans, plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loses_the_next_answer(monkeypatch)
    body = {"reviewType": "add_missing", "scope": "plan"}
    assert plans.call("POST", f"/api/plans/{plan['id']}/review", body).status == 202
    assert len(plans.triggered) == 1


def loses_the_next_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    commit, left = Transaction.commit, [1]

    def lost(self: Transaction) -> None:
        commit(self)
        if left:
            left.pop()
            raise Transient("The answer was lost.")

    monkeypatch.setattr(Transaction, "commit", lost)


def test_credentials_do_not_follow_a_repository_to_another_host_by_themselves(plans: Plans) -> None:
    secret = "groundwork/app"  # the name of one
    made = plans.made("/api/repositories", name="App", url="https://example.com/app", credentialsSecret=secret)
    path = f"/api/repositories/{made['id']}"
    elsewhere = {"url": "https://example.org/app"}
    refused = plans.call("PATCH", path, elsewhere)
    assert refused.status == 422
    assert [detail["field"] for detail in refused.json["error"]["details"]] == ["credentialsSecret"]
    assert plans.call("PATCH", path, {"url": "https://example.com/other"}).status == 200
    assert plans.call("PATCH", path, elsewhere | {"credentialsSecret": None}).json["credentialsSecret"] is None
    assert plans.call("PATCH", path, {"url": "https://example.net/app"}).status == 200


HALF = "\ud800"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/plans", {"repositoryId": "", "title": "T"}, "repositoryId"),
        ("POST", "/api/plans", {"repositoryId": HALF, "title": "T"}, "repositoryId"),
        ("PATCH", "/api/plan-tasks/{task}", {"storyId": HALF}, "storyId"),
        ("PATCH", "/api/plan-tasks/{task}", {"subtaskId": HALF}, "subtaskId"),
        ("PATCH", "/api/plan-tasks/{task}", {"repositoryId": HALF}, "repositoryId"),
        ("POST", "/api/plan-tasks", {"phaseId": "{phase}", "title": "T", "storyId": HALF}, "storyId"),
        ("POST", "/api/plan-tasks", {"phaseId": "{phase}", "title": "T", "repositoryId": HALF}, "repositoryId"),
    ],
)
def test_an_id_that_is_none_is_refused_by_its_field(
    plans: Plans, plan: Any, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    first = plan["phases"][0]
    filled = {name: first["id"] if value == "{phase}" else value for name, value in body.items()}
    answer = plans.call(method, path.replace("{task}", first["tasks"][0]["id"]), filled)
    assert answer.status in (400, 422), answer.body
    if answer.status == 422:
        assert [detail["field"] for detail in answer.json["error"]["details"]] == [field]
