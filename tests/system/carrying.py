"""A front end that has plans carried out."""

import time
from collections.abc import Callable
from typing import Any

from tests.system.client import PATIENCE_S, Client


class Executor:
    """`path` is a git repository on this machine."""

    def __init__(self, client: Client, path: str) -> None:
        self.client, self.http = client, client.http
        body = {"name": "Downloads", "url": path}
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
            time.sleep(0.1)
        raise AssertionError(f"that has not come: {plan}")

    def ended(self, plan_id: str) -> dict[str, Any]:
        return self.until(plan_id, lambda plan: plan["status"] not in ("RUNNING", "PAUSING"))


def task(key: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "title": f"Do {key}", "dependsOn": list(depends_on)} | fields


def phase(title: str, *tasks: dict[str, Any], mode: str = "sequential", **fields: Any) -> dict[str, Any]:
    return {"title": title, "mode": mode, "tasks": list(tasks)} | fields
