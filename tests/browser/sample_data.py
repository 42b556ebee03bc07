"""A local system with sample data of every kind, for tests and screenshots of every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.demo.repository import create_repository
from local.system import LocalSystem
from tests.anthropic_server.faults import hanging, never, on_text, refused
from tests.anthropic_server.server import AnthropicServer
from tests.browser.system import ROOT, serving
from tests.system.client import Client
from tests.system.executor import Executor, phase, task
from tests.system.planner import Planner, tasks_of

EXAMPLES = ROOT / "examples"
STEPS = ("ANALYZE_CARDS", "GENERATE_EPICS", "GENERATE_STORIES", "GENERATE_SUBTASKS")
PUBLIC = "https://github.com/example/cycling-app"
SLOW_S = 900.0
"""Seconds of a model call; no viewer waits so long."""
PAGES = (
    "projects",
    "project",
    "epics",
    "run",
    "run-partial",
    "plans",
    "plan",
    "plan-graph",
    "plan-reviews",
    "plan-history",
    "execution",
    "execution-failed",
    "execution-done",
    "templates",
    "repositories",
)


@dataclass(frozen=True, slots=True)
class SampleData:
    """`pages`: the paths of the dashboard's PAGES."""

    system: LocalSystem
    client: Client
    pages: dict[str, str]


@contextmanager
def sample_data(folder: Path, *, quiet: bool = False) -> Iterator[SampleData]:
    """Sample data; `folder` holds the plans' repository, `quiet` hides the functions' output."""
    with (
        AnthropicServer() as model,
        serving(quiet=quiet, GROUNDWORK_AI="anthropic", ANTHROPIC_API_KEY="test-key", ANTHROPIC_BASE_URL=model.url) as (
            system,
            client,
        ),
    ):
        repository = create_repository(EXAMPLES / "cycling-app", folder / "cycling-app")
        backlog = _Backlog(client, model)
        plans = _Plans(client, model, str(repository)).pages(backlog.stories()[0])
        for one in client.every("/api/repositories"):
            # none of them works any more: from here on they are only looked at, and this is how people have them
            client.ok(
                client.http.patch(f"/api/repositories/{one['id']}", json={"url": PUBLIC, "credentialsSecret": None})
            )
        # last: from then on the model is slow
        yield SampleData(system, client, {"projects": "/", **backlog.pages(), **plans})


class _Backlog:
    """Create a complete project with a partly failed run, and another with an active run."""

    def __init__(self, client: Client, model: AnthropicServer) -> None:
        self._client, self._model = client, model
        self.project = self._made("Cycling app", "Reviews, mails and interviews of this autumn")
        for step in STEPS[:3]:
            client.run(self.project, step)
        unlucky = self.stories()[1]["title"]
        model.faults = on_text({unlucky: refused()})
        self.partial = client.run(self.project, STEPS[3])["runId"]
        model.faults = never

    def _made(self, name: str, description: str) -> str:
        http = self._client.http
        project: str = self._client.ok(http.post("/api/projects", json={"name": name, "description": description}))[
            "id"
        ]
        for file, kind in (("feedback.csv", "text/csv"), ("interviews.ndjson", "application/x-ndjson")):
            content = (EXAMPLES / file).read_bytes()
            self._client.ok(
                http.post(f"/api/projects/{project}/cards", content=content, headers={"Content-Type": kind})
            )
        return project

    def stories(self) -> list[dict[str, Any]]:
        return self._client.every(f"/api/projects/{self.project}/stories")

    def pages(self) -> dict[str, str]:
        before = self._model.calls
        self._model.faults = lambda call: hanging(SLOW_S) if call.number > before + 14 else None
        live = self._client.start(self.project, STEPS[3], existingBehavior="replace", mode="detailed")
        self._client.until(live, lambda progress: progress["completedItems"] >= 10)
        return {
            "project": f"/projects/{self.project}",
            "epics": f"/projects/{self.project}?section=epics",
            "run": f"/projects/{self.project}/runs/{live}",
            "run-partial": f"/projects/{self.project}/runs/{self.partial}",
        }


class _Plans:
    """Create plans: completed, waiting for approval, with a failed task, with a reviewed draft."""

    def __init__(self, client: Client, model: AnthropicServer, repository: str) -> None:
        self._client, self._model = client, model
        self._executor = Executor(client, repository, "Cycling app")
        self._planner = Planner(client, repository, name="Cycling app, archive")

    def pages(self, story: dict[str, Any]) -> dict[str, str]:
        done = self._planner.generated(title=story["title"], description="", storyIds=[story["id"]])["id"]
        template = {"name": "A story, built carefully", "description": "Survey, build, release", "planId": done}
        self._client.ok(self._client.http.post("/api/plan-templates", json=template), 201)
        self._carry_out(done)
        draft = self._planner.generated(
            title="Rides survive a lost connection",
            description="A ride recorded offline is kept. It is sent when the phone is online. The list shows it.",
        )["id"]
        self._planner.reviewed(draft, "refine_descriptions")
        return {
            "plans": "/plans",
            "plan": f"/plans/{draft}",
            "plan-graph": f"/plans/{draft}?view=graph",
            "plan-reviews": f"/plans/{draft}/reviews",
            "plan-history": f"/plans/{draft}/history",
            "execution": f"/plans/{self._waiting()}/execution",
            "execution-failed": f"/plans/{self._failed()}/execution",
            "execution-done": f"/plans/{done}/execution",
            "templates": "/plan-templates",
            "repositories": "/repositories",
        }

    def _carry_out(self, plan_id: str) -> None:
        """Approve tasks and resume the plan at every pause."""
        self._executor.ask(f"/api/plans/{plan_id}/execute")
        while (plan := self._executor.until(plan_id, _wants_somebody))["status"] != "COMPLETED":
            waiting = [one for one in tasks_of(plan) if one["status"] == "AWAITING_APPROVAL"]
            for one in waiting:
                self._executor.ask(f"/api/plan-tasks/{one['id']}/approve")
            if not waiting:
                self._executor.ask(f"/api/plans/{plan_id}/resume")

    def _waiting(self) -> str:
        plan = self._executor.plan(
            phase(
                "Understand",
                task("survey", title="Find what the export touches"),
                task("net", "survey", title="Test what must not change"),
            ),
            phase(
                "Release",
                task("flag", title="Switch it on for ten users"),
                task("all", "flag", title="Switch it on for everybody"),
                mode="manual",
            ),
            title="GPX export, step by step",
        )
        self._executor.ask(f"/api/plans/{plan['id']}/execute")
        self._executor.until_task(plan["id"], "flag", "AWAITING_APPROVAL")
        return str(plan["id"])

    def _failed(self) -> str:
        unlucky = "Keep routes that were planned offline"
        plan = self._executor.plan(
            phase("Prepare", task("survey", title="Find what the planner touches")),
            phase(
                "Build",
                task("rules", "survey", title="Build the rules of the planner"),
                task("storage", "survey", title=unlucky),
                task("interface", "rules", "storage", title="Show routes in the list"),
                mode="parallel",
            ),
            title="The route planner works offline",
        )
        self._model.faults = on_text({unlucky: refused()})
        self._executor.ask(f"/api/plans/{plan['id']}/execute")
        self._executor.until(plan["id"], lambda plan: plan["status"] == "PAUSED")
        self._model.faults = never
        return str(plan["id"])


def _wants_somebody(plan: dict[str, Any]) -> bool:
    asked = any(one["status"] == "AWAITING_APPROVAL" for one in tasks_of(plan))
    return asked or plan["status"] not in ("RUNNING", "PAUSING")
