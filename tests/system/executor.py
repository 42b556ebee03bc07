"""An API client running plans."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from local.system import LocalSystem
from tests.system.client import PATIENCE_S, POLL_S, Client


class Executor:
    """`path` is a git repository on this machine."""

    def __init__(self, client: Client, path: str, name: str = "Downloads") -> None:
        self.client, self.http, self.path = client, client.http, path
        body = {"name": name, "url": path}
        self.repository: str = client.ok(self.http.post("/api/repositories", json=body), 201)["id"]

    def plan(self, *phases: dict[str, Any], **fields: Any) -> dict[str, Any]:
        body = {"repositoryId": self.repository, "title": "A plan", "phases": list(phases)} | fields
        made: dict[str, Any] = self.client.ok(self.http.post("/api/plans", json=body), 201)
        return made

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.ok(self.http.post(path, json=body or {}))
        return answer

    def of(self, plan_id: str) -> dict[str, Any]:
        plan: dict[str, Any] = self.client.ok(self.http.get(f"/api/plans/{plan_id}"))
        return plan

    def tasks(self, plan_id: str) -> dict[str, dict[str, Any]]:
        return {task["key"]: task for phase in self.of(plan_id)["phases"] for task in phase["tasks"]}

    def until(self, plan_id: str, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            plan = self.of(plan_id)
            if seen(plan):
                return plan
            time.sleep(POLL_S)
        raise AssertionError(f"that has not come: {plan}")

    def refused(self, path: str, body: dict[str, Any] | None = None) -> str:
        """The code of a conflict."""
        answer = self.http.post(path, json=body or {})
        assert answer.status_code == 409, answer.text
        return str(answer.json()["error"]["code"])

    def progress(self, plan_id: str) -> dict[str, Any]:
        progress: dict[str, Any] = self.client.ok(self.http.get(f"/api/plans/{plan_id}/progress"))
        return progress

    def until_execution(self, plan_id: str, number: int) -> None:
        """Until the plan has been begun so often."""
        self.until(plan_id, lambda plan: self.progress(plan_id)["execution"] >= number)

    def approve_last(self, plan_id: str) -> None:
        """Approve the task `last` once it waits."""
        self.until_task(plan_id, "last", "AWAITING_APPROVAL")
        self.ask(f"/api/plan-tasks/{self.tasks(plan_id)['last']['id']}/approve")

    def scheduled_soon(self, plan_id: str) -> dict[str, Any]:
        """Schedule the plan for the next seconds; later if the request itself takes long."""
        for seconds in (2, 10, 60):
            at = datetime.now(UTC) + timedelta(seconds=seconds)
            answer = self.http.post(f"/api/plans/{plan_id}/schedule", json={"at": at.isoformat()})
            if answer.is_success:
                break
        scheduled: dict[str, Any] = self.client.ok(answer, 202)
        return scheduled

    def until_task(self, plan_id: str, key: str, status: str) -> None:
        """Wait until a task has the status or a later one."""

        def come(plan: dict[str, Any]) -> bool:
            tasks = {task["key"]: task["status"] for phase in plan["phases"] for task in phase["tasks"]}
            return tasks[key] in (status, "COMPLETED", "FAILED")

        self.until(plan_id, come)

    def execution_ended(self, system: LocalSystem, plan_id: str) -> str:
        """How the state machine's execution has ended, once it has."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            status = str(_execution(system, plan_id)["status"])
            if status != "RUNNING":
                return status
            time.sleep(POLL_S)
        raise AssertionError("the execution has not ended")

    def events(self, system: LocalSystem, plan_id: str) -> int:
        """Return the number of events of the plan's execution after its end."""
        self.execution_ended(system, plan_id)
        arn = _execution(system, plan_id)["executionArn"]
        pages = system.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return sum(len(page["events"]) for page in pages)

    def stop_execution(self, system: LocalSystem, plan_id: str) -> None:
        system.client("stepfunctions").stop_execution(executionArn=_execution(system, plan_id)["executionArn"])

    def ended(self, plan_id: str) -> dict[str, Any]:
        return self.until(plan_id, lambda plan: plan["status"] not in ("RUNNING", "PAUSING"))


def _execution(system: LocalSystem, plan_id: str) -> dict[str, Any]:
    client = system.client("stepfunctions")
    machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    found: list[dict[str, Any]] = [one for page in pages for one in page["executions"] if plan_id in one["name"]]
    return max(found, key=lambda one: int(one["name"].rpartition("-")[2]))


def task(key: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "title": f"Do {key}", "dependsOn": list(depends_on)} | fields


def phase(title: str, *tasks: dict[str, Any], mode: str = "sequential", **fields: Any) -> dict[str, Any]:
    return {"title": title, "mode": mode, "tasks": list(tasks)} | fields
