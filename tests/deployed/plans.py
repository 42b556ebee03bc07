"""The life of plans in the deployed system, through every endpoint of manage_plans."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from checks.routes import routes_of_template
from tests.adapters.git.server import TOKEN, USER, serving_git
from tests.deployed.events import http_event
from tests.deployed.system import Deployed, client
from tests.plans.world import FILES

SECRET = "groundwork/shop"


@cache
def plan_routes() -> set[tuple[str, str]]:
    """(METHOD, /path) of every route of manage_plans."""
    return {(route.method, route.path) for route in routes_of_template() if route.function == "ManagePlansFunction"}


class Planner:
    """A client of manage_plans with a record of its routes."""

    def __init__(self, system: Deployed) -> None:
        self.system = system
        self.used: set[tuple[str, str]] = set()

    def __call__(self, method: str, path: str, expected: int, body: Any = None, **query: str) -> Any:
        # the route with the fewest parameters: /api/plans/generate is no plan's
        fitting = [route for verb, route in plan_routes() if verb == method and re.fullmatch(_pattern(route), path)]
        route = min(fitting, key=lambda found: found.count("{"))
        self.used.add((method, route))
        return self.system.request("ManagePlansFunction", http_event(method, path, route, body, query), expected)

    def until(self, path: str, busy: str, seconds: float = 240) -> Any:
        deadline = time.monotonic() + seconds
        while (now := self("GET", path, 200))["status"] == busy:
            assert time.monotonic() < deadline, (now, self.system.logs("ProcessNextFunction")[-3000:])
            time.sleep(0.3)
        return now

    def until_status(self, path: str, task_id: str, statuses: tuple[str, ...], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while True:
            now = self("GET", f"{path}/progress", 200)
            if next(task["status"] for task in now["tasks"] if task["id"] == task_id) in statuses:
                return
            assert time.monotonic() < deadline, (now, self.system.logs("PlanExecutorFunction")[-3000:])
            time.sleep(0.3)

    def until_rolled_back(self, path: str, seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while (now := self("GET", f"{path}/progress", 200)["rollback"])["status"] == "RUNNING":
            assert time.monotonic() < deadline, (now, self.system.logs("PlanExecutorFunction")[-3000:])
            time.sleep(0.3)
        assert now["status"] == "DONE", now


def _pattern(route: str) -> str:
    return re.sub(r"\{\w+\}", "[^/]+", route)


@contextmanager
def repository(system: Deployed, folder: Path) -> Iterator[str]:
    """The URL of a repository closed without the credentials of the secret."""
    client("secretsmanager", system.endpoint.url).create_secret(Name=SECRET, SecretString=f"{USER}:{TOKEN}")
    with serving_git(folder, FILES) as server:
        yield server.url


def use_every_plan_endpoint(system: Deployed, url: str, story: str) -> set[tuple[str, str]]:
    """Things used, for a test to compare."""
    ask = Planner(system)
    named = {"name": "Shop", "url": url, "credentialsSecret": SECRET}
    repository_id = ask("POST", "/api/repositories", 201, named)["id"]
    ask("GET", "/api/repositories", 200)
    ask("GET", f"/api/repositories/{repository_id}", 200)
    ask("PATCH", f"/api/repositories/{repository_id}", 200, {"name": "The shop"})
    ask("POST", f"/api/repositories/{repository_id}/baseline", 202)
    ask("GET", f"/api/repositories/{repository_id}/baseline", 200)
    by_hand = _edit(ask, repository_id, story)
    carried_out = _carry_out(ask, repository_id)
    written = _write(ask, repository_id)
    for plan_id in (by_hand, written, carried_out):
        ask("DELETE", f"/api/plans/{plan_id}", 204)
    ask("DELETE", f"/api/repositories/{repository_id}", 204)
    return ask.used


def _edit(ask: Planner, repository_id: str, story: str) -> str:
    task = {"key": "a", "title": "A", "storyId": story}
    new = {"repositoryId": repository_id, "title": "By hand", "phases": [{"title": "One", "tasks": [task]}]}
    plan = ask("POST", "/api/plans", 201, new)
    path = f"/api/plans/{plan['id']}"
    ask("GET", "/api/plans", 200, repositoryId=repository_id)
    phase = ask("POST", "/api/phases", 201, {"planId": plan["id"], "title": "Two"})["id"]
    made = ask("POST", "/api/plan-tasks", 201, {"phaseId": phase, "title": "B", "dependsOn": ["a"]})["id"]
    ask("PATCH", path, 200, {"title": "Edited"})
    ask("PATCH", f"/api/phases/{phase}", 200, {"mode": "parallel"})
    ask("PATCH", f"/api/plan-tasks/{made}", 200, {"title": "C"})
    ask("DELETE", f"/api/plan-tasks/{made}", 204)
    ask("DELETE", f"/api/phases/{phase}", 204)
    ask("GET", f"{path}/compare", 200, **{"from": "1"})
    assert ask("POST", f"{path}/restore", 200, {"version": 4})["taskCount"] == 2
    ask("POST", f"{path}/estimate", 200, {})
    iterations = ask("GET", f"{path}/iterations", 200)["items"]
    assert len(iterations) == 9
    ask("GET", f"{path}/iterations/{iterations[0]['id']}", 200)
    saved = ask("POST", "/api/plan-templates", 201, {"name": "Saved", "planId": plan["id"]})["id"]
    ask("GET", "/api/plan-templates", 200)
    ask("GET", f"/api/plan-templates/{saved}", 200)
    ask("DELETE", f"/api/plan-templates/{saved}", 204)
    return str(plan["id"])


def _carry_out(ask: Planner, repository_id: str) -> str:
    """A plan in the hands of people: one of its tasks they let be carried out."""
    tasks = [{"key": key, "title": f"Do {key}", "files": [f"src/{key}.py"]} for key in ("a", "b", "c", "d")]
    phases = [{"title": "By hand", "mode": "manual", "tasks": tasks}]
    plan = ask("POST", "/api/plans", 201, {"repositoryId": repository_id, "title": "Carried out", "phases": phases})
    path, ids = f"/api/plans/{plan['id']}", [task["id"] for task in plan["phases"][0]["tasks"]]

    def until(number: int, *statuses: str) -> None:
        ask.until_status(path, ids[number], statuses)

    ask("POST", f"{path}/schedule", 202, {"cron": "0 9 ? * MON *"})
    ask("POST", f"{path}/schedule", 202, {"at": "2099-01-01T00:00:00Z"})
    ask("DELETE", f"{path}/schedule", 200)
    ask("POST", f"{path}/execute", 202)
    until(0, "AWAITING_APPROVAL")
    ask("POST", f"{path}/pause", 202)
    ask("POST", f"{path}/resume", 202)
    ask("POST", f"/api/plan-tasks/{ids[0]}/approve", 200)
    until(0, "COMPLETED", "FAILED")
    assert ask("GET", f"/api/plan-tasks/{ids[0]}/log", 200)["items"]
    ask("GET", f"/api/plan-tasks/{ids[0]}/checks", 200)
    ask("GET", f"/api/plan-tasks/{ids[0]}/patch", 404)
    until(1, "AWAITING_APPROVAL")
    ask("POST", f"/api/plan-tasks/{ids[1]}/reject", 200)
    ask("POST", f"/api/plan-tasks/{ids[1]}/retry", 200)
    ask("POST", f"/api/plan-tasks/{ids[1]}/complete", 200)
    ask("POST", f"/api/plan-tasks/{ids[2]}/skip", 200)
    until(3, "AWAITING_APPROVAL")
    ask("POST", f"{path}/cancel", 202)
    ask("POST", f"{path}/rollback", 202, {"taskId": ids[0]})
    ask.until_rolled_back(path)
    return str(plan["id"])


def _write(ask: Planner, repository_id: str) -> str:
    asked = {"repositoryId": repository_id, "title": "CSV", "description": "Buyers export their orders as CSV files."}
    plan_id = ask("POST", "/api/plans/generate", 202, asked)["planId"]
    path = f"/api/plans/{plan_id}"
    plan = ask.until(path, "GENERATING")
    assert plan["status"] == "DRAFT", plan["error"]
    review = ask("POST", f"{path}/review", 202, {"reviewType": "refine_descriptions"})["iterationId"]
    done = ask.until(f"{path}/iterations/{review}", "PENDING")
    assert (done["status"], len(done["suggestions"]) > 0) == ("DONE", True), done
    chosen = {"iterationId": review, "suggestionIndices": [0]}
    assert ask("POST", f"{path}/apply-suggestions", 200, chosen)["version"] == 2
    again = ask("POST", f"{path}/review", 202, {"reviewType": "break_down"})
    cancel = http_event("POST", f"/api/runs/{again['runId']}/cancel", "/api/runs/{runId}/cancel")
    # it may have ended before: then it is too late
    ask.system.invoke("StartRunFunction", cancel)
    ask.until(f"{path}/iterations/{again['iterationId']}", "PENDING")
    return str(plan_id)
