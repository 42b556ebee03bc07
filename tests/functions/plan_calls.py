"""manage_plans, and manage_backlog beside it, on API Gateway's events."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.manage_backlog import app as backlog
from functions.manage_plans import app
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.plans.model import PlanStatus
from tests.events import Answer, Context, answer_of, api_event
from tests.functions.services import services_on


@dataclass
class Plans:
    """A client of the plans. `triggered`: runs with a requested first hop."""

    tables: Tables
    triggered: list[str] = field(default_factory=list)

    def call(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        function = backlog if path.startswith(("/api/projects", "/api/epics", "/api/stories")) else app
        event = api_event(method, path, body, query, **headers)
        return answer_of(function.handler(event, Context()), event)

    def made(self, path: str, **body: Any) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status == 201, answer.body
        return answer.json

    def get(self, path: str, **query: str) -> Any:
        answer = self.call("GET", path, query=query)
        assert answer.status == 200, answer.body
        return answer.json

    def every(self, path: str, limit: int) -> list[Any]:
        """Read a list page by page, each of at most `limit` items."""
        found: list[Any] = []
        query = {"limit": str(limit)}
        while True:
            page = self.get(path, **query)
            assert len(page["items"]) <= limit
            found += page["items"]
            if page["nextToken"] is None:
                return found
            query["nextToken"] = page["nextToken"]

    def repository(self, **body: Any) -> str:
        made = self.made("/api/repositories", **{"name": "Shop", "url": "https://example.com/shop.git"} | body)
        return str(made["id"])

    def plan(self, *phases: Any, **body: Any) -> Any:
        return self.made(
            "/api/plans", **{"repositoryId": self.repository(), "title": "A plan", "phases": phases} | body
        )

    def story(self, *subtasks: str, **fields: Any) -> str:
        """With its project and its epic."""
        project = self.made("/api/projects", name="Shop")["id"]
        epic = self.made(f"/api/projects/{project}/epics", title="Pay")["id"]
        story = self.made(f"/api/epics/{epic}/stories", **{"title": "Pay by card"} | fields)["id"]
        for title in subtasks:
            self.made(f"/api/stories/{story}/subtasks", title=title, description=f"{title}, well", effort="S")
        return str(story)


def plans_on(tables: Tables, patch: pytest.MonkeyPatch, **changes: Any) -> Plans:
    """`changes` replace fields of the functions' services."""
    plans = Plans(tables)
    services = services_on(tables, invoke=plans.triggered.append, **changes)
    patch.setattr(app, "services", lambda: services)
    patch.setattr(backlog, "services", lambda: services)
    return plans


def task(key: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "title": f"Do {key}", "dependsOn": list(depends_on)} | fields


def phase(title: str, *tasks: Any, **fields: Any) -> dict[str, Any]:
    return {"title": title, "tasks": list(tasks)} | fields


def id_of(plan: Any, key: str) -> str:
    return next(str(one["id"]) for part in plan["phases"] for one in part["tasks"] if one["key"] == key)


def keys(plan: Any) -> list[list[str]]:
    return [[one["key"] for one in part["tasks"]] for part in plan["phases"]]


def error(answer: Answer, status: int, code: str) -> Any:
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.body
    return answer.json["error"]["details"]


def set_status(plan: Any, status: PlanStatus) -> None:
    PlanRow(plan["id"]).update(actions=[PlanRow.status.set(status.value)])
