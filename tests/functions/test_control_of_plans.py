"""Control of plans through the API: commands, edits of running plans, schedules."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.plan_executor import app as executor
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.clock import now_ms
from groundwork.execution.coordinator import ExecutionCoordinator
from tests.events import Context
from tests.fakes.executions import MemoryMachine
from tests.fakes.timer import MemoryTimer
from tests.functions.plan_calls import Plans, id_of, phase, plans_on, task
from tests.functions.services import services_on


@dataclass
class Clicks:
    """A user, and the gates of tasks."""

    plans: Plans
    tables: Tables
    timer: MemoryTimer = field(default_factory=MemoryTimer)
    machine: MemoryMachine = field(default_factory=MemoryMachine)

    def ask(self, path: str, body: Any = None, status: int = 202) -> Any:
        answer = self.plans.call("POST", path, body)
        assert answer.status == status, answer.body
        return answer.json

    def conductor(self) -> ExecutionCoordinator:
        return ExecutionCoordinator(self.tables.executions, self.machine, now_ms)

    def gate(self, plan: Any, key: str, number: int = 1) -> str:
        self.conductor().register_gate(plan["id"], number, id_of(plan, key), f"token of {key}")
        return f"token of {key}"

    def progress(self, plan: Any) -> Any:
        return self.plans.get(f"/api/plans/{plan['id']}/progress")

    def wake(self, plan: Any, time: str, expression: str | None = None) -> str:
        """Send the scheduler's event for a time, and return the status of the answer."""
        said = expression or self.timer.set_to[plan["id"]].expression
        event = {"do": "SCHEDULED", "planId": plan["id"], "expression": said, "time": time}
        return str(executor.handler(event, Context())["status"])

    def end(self, plan: Any) -> None:
        self.ask(f"/api/plans/{plan['id']}/cancel")

    def statuses(self, plan: Any) -> dict[str, str]:
        return {one["key"]: one["status"] for one in self.progress(plan)["tasks"]}


@pytest.fixture
def clicks(moto_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Clicks:
    machine, timer = MemoryMachine(), MemoryTimer()
    plans = plans_on(moto_tables, monkeypatch, machine=machine, timer=timer)
    clicks = Clicks(plans, moto_tables, timer, machine)
    monkeypatch.setattr(executor, "services", lambda: services_on(moto_tables, machine=machine, timer=timer))
    return clicks


def test_a_task_that_no_longer_depends_on_what_is_under_way_begins_at_once(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a"), task("b", "a"), mode="parallel"))
    clicks.ask(f"/api/plans/{plan['id']}/execute")
    tokens = [clicks.gate(plan, key) for key in "ab"]
    assert clicks.statuses(plan) == {"a": "RUNNING", "b": "WAITING"}
    assert clicks.plans.call("PATCH", f"/api/plan-tasks/{id_of(plan, 'b')}", {"dependsOn": []}).status == 200
    assert clicks.statuses(plan) == {"a": "RUNNING", "b": "RUNNING"}
    assert [clicks.machine.opened.get(token) for token in tokens] == ["WORK", "WORK"]


def test_a_task_deleted_while_it_comes_to_its_gate_does_not_hold_up_its_phase(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a"), task("b"), mode="parallel"))
    clicks.ask(f"/api/plans/{plan['id']}/execute")
    # the gate has been looked at, and its token is written after the edit
    assert clicks.plans.call("DELETE", f"/api/plan-tasks/{id_of(plan, 'b')}").status == 204
    clicks.tables.executions.save_pending_token(plan["id"], id_of(plan, "b"), 1, "late")
    clicks.conductor().change(plan["id"], lambda execution_state: execution_state)
    assert clicks.machine.opened == {"late": "DONE"}


def test_a_plan_that_waited_for_room_and_is_gone_is_nobodys_error(clicks: Clicks) -> None:
    clicks.tables.executions.limit = 1
    first, second = (clicks.plans.plan(phase("One", task("a"))) for _ in range(2))
    for plan in (first, second):
        clicks.ask(f"/api/plans/{plan['id']}/execute")
        clicks.gate(plan, "a")
    assert clicks.statuses(second) == {"a": "WAITING"}
    # as it is when it is deleted between two looks
    clicks.ask(f"/api/plans/{second['id']}/cancel")
    assert clicks.plans.call("DELETE", f"/api/plans/{second['id']}").status == 204
    clicks.tables.executions.mark_waiting_for_capacity(second["id"])
    assert clicks.ask(f"/api/plans/{first['id']}/cancel")["status"] == "CANCELLED"


def test_a_plan_that_is_to_be_begun_once_is_begun_once_however_often_that_is_told(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a")))
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"at": "2099-01-01T00:00:00Z"})
    assert clicks.wake(plan, "2099-01-01T00:00:00Z") == "RUNNING"
    assert clicks.progress(plan)["schedule"] is None
    clicks.end(plan)
    assert clicks.wake(plan, "2099-01-01T00:00:00Z") == "refused"
    assert clicks.progress(plan)["execution"] == 1


def test_a_plan_with_a_cron_is_begun_once_at_each_of_its_times(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a")))
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "0 9 ? * MON *"})
    assert clicks.wake(plan, "2026-11-23T09:00:00Z") == "RUNNING"
    assert clicks.wake(plan, "2026-11-30T09:00:00Z") == "passed over"
    clicks.end(plan)
    # a repeated event starts nothing, neither for a handled time nor for a skipped one
    for time in ("2026-11-23T09:00:00Z", "2026-11-30T09:00:00Z"):
        assert clicks.wake(plan, time) == "refused"
    assert clicks.wake(plan, "2026-12-07T09:00:00Z") == "RUNNING"
    assert clicks.wake(plan, "2026-11-30T09:00:00Z") == "refused"
    assert clicks.progress(plan)["execution"] == 2


def test_a_time_that_is_passed_over_is_told_with_the_reason(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a")))
    assert clicks.progress(plan)["passedOver"] is None
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "0 9 ? * MON *"})
    clicks.ask(f"/api/plans/{plan['id']}/execute")
    clicks.wake(plan, "2026-11-30T09:00:00Z")
    said = clicks.progress(plan)
    assert (said["passedOver"]["time"], said["status"]) == ("2026-11-30T09:00:00Z", "RUNNING")
    assert "Cannot execute the plan: the plan is RUNNING" in said["passedOver"]["reason"]
    event = said["events"][0]
    assert (event["what"], event["who"]) == ("PASSED_OVER", "schedule")
    assert "2026-11-30T09:00:00Z" in event["reason"]
    assert "RUNNING" in event["reason"]
    clicks.end(plan)
    # another schedule has passed over nothing yet
    answer = clicks.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "0 9 ? * TUE *"})
    assert answer["passedOver"] is None


def test_a_single_time_that_is_passed_over_is_over(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a")))
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"at": "2099-01-01T00:00:00Z"})
    clicks.ask(f"/api/plans/{plan['id']}/execute")
    assert clicks.wake(plan, "2099-01-01T00:00:00Z") == "passed over"
    said = clicks.progress(plan)
    assert (said["schedule"], said["passedOver"]["time"]) == (None, "2099-01-01T00:00:00Z")


def test_every_event_has_a_number_of_its_own_and_later_ones_have_greater_ones(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a"), task("b"), mode="parallel"))
    clicks.ask(f"/api/plans/{plan['id']}/execute")
    for key in "ab":
        clicks.gate(plan, key)
    first = clicks.progress(plan)["events"]
    clicks.end(plan)
    events = clicks.progress(plan)["events"]
    numbers = [event["seq"] for event in events]
    assert len(numbers) >= 6
    assert numbers == sorted(set(numbers), reverse=True)
    # the earlier event keeps its number
    assert events[-len(first) :] == first


def test_a_timer_that_is_left_over_begins_nothing(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a")))
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "0 9 ? * MON *"})
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "0 9 ? * TUE *"})
    assert clicks.wake(plan, "2026-11-23T09:00:00Z", "cron(0 9 ? * MON *)") == "refused"
    clicks.plans.call("DELETE", f"/api/plans/{plan['id']}/schedule")
    assert clicks.wake(plan, "2026-11-24T09:00:00Z", "cron(0 9 ? * TUE *)") == "refused"
    assert clicks.progress(plan)["status"] == "DRAFT"


def test_a_timing_that_is_refused_is_not_kept(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a")))
    clicks.timer.refused = ("cron(99 9 ? * MON *)",)
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "99 9 ? * MON *"}, status=422)
    assert clicks.progress(plan)["schedule"] is None
    clicks.ask(f"/api/plans/{plan['id']}/execute")
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "0 9 ? * MON *"}, status=409)
    assert clicks.timer.set_to == {}


def test_the_timer_of_a_plan_that_is_deleted_goes_with_it(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a")))
    clicks.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "0 9 ? * MON *"})
    left = dict(clicks.timer.set_to)
    assert clicks.plans.call("DELETE", f"/api/plans/{plan['id']}").status == 204
    assert clicks.timer.set_to == {}
    # a timer without a plan removes itself
    clicks.timer.set_to = left
    assert clicks.wake(plan, "2026-11-23T09:00:00Z") == "gone"
    assert clicks.timer.set_to == {}


def test_an_execution_that_somebody_has_started_by_hand_is_none_of_a_plans(clicks: Clicks) -> None:
    for name in ("6f0c2d3e-0b7e-4a57-9d6d-5f3f0b1f2a11", "a try"):
        event = {"source": "aws.states", "detail": {"name": name, "status": "FAILED"}}
        assert executor.handler(event, Context()) == {"status": "another"}


def test_the_rollback_of_a_plan_that_is_gone_is_over(clicks: Clicks) -> None:
    plan = clicks.plans.plan(phase("One", task("a")))
    assert clicks.plans.call("DELETE", f"/api/plans/{plan['id']}").status == 204
    assert executor.handler({"do": "UNDO", "planId": plan["id"]}, Context()) == {"status": "gone"}
