"""An API client generating and reviewing plans."""

import time
from typing import Any

from tests.system.client import PATIENCE_S, POLL_S, Client


class Planner:
    """`url` is a git repository, or the path of one on this machine."""

    def __init__(self, client: Client, url: str, **repository: Any) -> None:
        self.client, self.http = client, client.http
        body = {"name": "Downloads", "url": url} | repository
        self.repository: str = client.ok(self.http.post("/api/repositories", json=body), 201)["id"]

    def asked(self, **fields: Any) -> dict[str, Any]:
        described = "Downloads resume after an interruption. The list shows what was interrupted and why."
        body = {"repositoryId": self.repository, "title": "Resume downloads", "description": described} | fields
        accepted: dict[str, Any] = self.client.ok(self.http.post("/api/plans/generate", json=body), 202)
        return accepted

    def generated(self, **fields: Any) -> dict[str, Any]:
        accepted = self.asked(**fields)
        self.client.ended(accepted["runId"])
        return self.plan(accepted["planId"])

    def plan(self, plan_id: str) -> dict[str, Any]:
        plan: dict[str, Any] = self.client.ok(self.http.get(f"/api/plans/{plan_id}"))
        return plan

    def reviewed(self, plan_id: str, review_type: str, **fields: Any) -> dict[str, Any]:
        body = {"reviewType": review_type, "scope": "plan"} | fields
        accepted = self.client.ok(self.http.post(f"/api/plans/{plan_id}/review", json=body), 202)
        return self.done(plan_id, accepted["iterationId"])

    def done(self, plan_id: str, iteration_id: str) -> dict[str, Any]:
        """The iteration once the model has ended."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            iteration: dict[str, Any] = self.client.ok(self.http.get(f"/api/plans/{plan_id}/iterations/{iteration_id}"))
            if iteration["status"] != "PENDING":
                return iteration
            time.sleep(POLL_S)
        raise AssertionError(f"the review has not ended: {iteration}")

    def applied(self, plan_id: str, iteration_id: str, indices: list[int]) -> Any:
        body = {"iterationId": iteration_id, "suggestionIndices": indices}
        return self.http.post(f"/api/plans/{plan_id}/apply-suggestions", json=body)


def tasks_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [task for phase in plan["phases"] for task in phase["tasks"]]
