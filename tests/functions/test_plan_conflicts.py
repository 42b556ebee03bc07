"""Writes of a plan with a lost answer, or with another edit in between."""

from collections.abc import Callable
from typing import Any

import pytest

from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.plans import DynamoPlans
from groundwork.errors import Transient
from groundwork.plans.draft import PhaseDraft
from groundwork.plans.editor import Editor
from groundwork.plans.operations import AddPhase, Operation, UpdateTask
from tests.functions.plan_calls import Plans, id_of, phase, task


@pytest.fixture
def plan(plans: Plans) -> Any:
    return plans.plan(phase("First", task("a"), task("b", "a")), phase("Second", task("c", "b"), mode="parallel"))


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


def loses_the_next_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    commit, left = Transaction.commit, [1]

    def lost(self: Transaction) -> None:
        commit(self)
        if left:
            left.pop()
            raise Transient("The answer was lost.")

    monkeypatch.setattr(Transaction, "commit", lost)


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
