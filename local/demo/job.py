"""The main job: cards to subtasks, one run after the other, then a plan for one story, carried out on a repository."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from local.demo.api import GIVE_UP_S, Api, JobFailed, Json

STEPS = {
    "ANALYZE_CARDS": "Analyse cards",
    "GENERATE_EPICS": "Generate epics",
    "GENERATE_STORIES": "Generate stories",
    "GENERATE_SUBTASKS": "Generate subtasks",
}
PLAN_STEPS = {"GENERATE_PLAN": "Generate plan", "EXECUTE_PLAN": "Carry out plan"}
MEDIA = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".json": "application/json",
}
OPTIONS = {"mode": "compact", "pacing": "fast"}
"""Small, as a real model's answers are paid for; fast, as that finds a model's rate limits by itself."""
_ACTIVE = ("QUEUED", "RUNNING")
_UNDER_WAY = ("RUNNING", "PAUSING")
_PRIORITIES = ("critical", "high", "medium", "low")


class Screen(Protocol):
    """Where the job shows how it stands."""

    def note(self, text: str) -> None: ...

    def show(self, name: str, progress: Json) -> None:
        """`progress` of a run."""
        ...

    def show_plan(self, name: str, progress: Json) -> None:
        """`progress` of a plan that is carried out."""
        ...


@dataclass(slots=True)
class Outcome:
    """What came of the job: the project at its end, the last progress of every run that was started, and the plan's."""

    project: Json
    runs: list[Json] = field(default_factory=list)
    plan: Json | None = None

    @property
    def succeeded(self) -> bool:
        wanted = [*STEPS, "GENERATE_PLAN"]
        runs = [run["type"] for run in self.runs if run["status"] == "SUCCEEDED"]
        return runs == wanted and self.plan is not None and self.plan["status"] == "COMPLETED"


class Job:
    """Everything by HTTP; `screen` is told how it stands."""

    def __init__(self, api: Api, screen: Screen) -> None:
        self._api, self._screen = api, screen

    def carry_out(self, name: str, files: Sequence[Path], repository: Path) -> Outcome:
        """Raises JobFailed, and Stopped; a run that fails ends the job, and the outcome says so."""
        outcome = Outcome(self._api.call("POST", "/api/projects", json={"name": name}))
        project_id = outcome.project["id"]
        for file in files:
            self._import(project_id, file)
        if self._backlog(outcome) and (story := self._story(project_id)):
            self._plan(outcome, story, repository)
        outcome.project = self._api.call("GET", f"/api/projects/{project_id}")
        return outcome

    def _import(self, project_id: str, file: Path) -> None:
        media = {"Content-Type": MEDIA[file.suffix.lower()]}
        made = self._api.call("POST", f"/api/projects/{project_id}/cards", content=file.read_bytes(), headers=media)
        left_out = [f"duplicates left out: {made['duplicates']}"] if made["duplicates"] else []
        left_out += [f"row {rejected['row']} rejected: {rejected['reason']}" for rejected in made["rejected"][:3]]
        if len(made["rejected"]) > 3:
            left_out.append(f"{len(made['rejected']) - 3} more rows rejected")
        self._screen.note(f"Imported {file.name}: " + ", ".join([f"{made['created']} cards", *left_out]))

    # the backlog

    def _backlog(self, outcome: Outcome) -> bool:
        for type_ in STEPS:
            body = {"type": type_, "options": OPTIONS}
            run_id = self._api.call("POST", f"/api/projects/{outcome.project['id']}/runs", json=body)["runId"]
            outcome.runs.append(self._followed(run_id, STEPS[type_]))
            if outcome.runs[-1]["status"] not in ("SUCCEEDED", "PARTIAL"):
                return False
        return True

    def _followed(self, run_id: str, name: str) -> Json:
        ends = time.monotonic() + GIVE_UP_S
        while time.monotonic() < ends:
            progress = self._api.call("GET", f"/api/runs/{run_id}/progress")
            self._screen.show(name, progress)
            if progress["status"] not in _ACTIVE:
                return progress
            self._api.pause(progress["pollAfterMs"] / 1000)
        raise JobFailed(f"{run_id} has not ended after {GIVE_UP_S:.0f} s")

    # the plan

    def _story(self, project_id: str) -> Json | None:
        """The first of those that matter most."""
        stories = self._api.call("GET", f"/api/projects/{project_id}/stories", params={"limit": 200})["items"]
        return min(stories, key=lambda story: _PRIORITIES.index(story["priority"]), default=None)

    def _plan(self, outcome: Outcome, story: Json, repository: Path) -> None:
        made = self._api.call("POST", "/api/repositories", json={"name": "Cycling app", "url": str(repository)})
        body = {"repositoryId": made["id"], "title": story["title"], "storyIds": [story["id"]]}
        self._screen.note(f"A plan for the story {story['code']}: {story['title']}")
        accepted = self._api.call("POST", "/api/plans/generate", json=body)
        outcome.runs.append(self._followed(accepted["runId"], PLAN_STEPS["GENERATE_PLAN"]))
        if outcome.runs[-1]["status"] == "SUCCEEDED":
            self._api.call("POST", f"/api/plans/{accepted['planId']}/execute")
            outcome.plan = self._carried_out(accepted["planId"])

    def _carried_out(self, plan_id: str) -> Json:
        """Until it has ended, or waits for somebody who knows what to do about a failed task."""
        ends = time.monotonic() + GIVE_UP_S
        while time.monotonic() < ends:
            progress = self._api.call("GET", f"/api/plans/{plan_id}/progress")
            self._screen.show_plan(PLAN_STEPS["EXECUTE_PLAN"], progress)
            if progress["status"] not in _UNDER_WAY and not self._resumed(progress):
                return progress
            self._approve(progress)
            self._api.pause((progress["pollAfterMs"] or 500) / 1000)
        raise JobFailed(f"The plan {plan_id} has not ended after {GIVE_UP_S:.0f} s")

    def _resumed(self, progress: Json) -> bool:
        """A plan may ask to be looked at between two phases: the demo's user is looking."""
        if (progress["status"], progress["cause"]) != ("PAUSED", "phase"):
            return False
        self._screen.note("Between two phases: resumed")
        self._api.call("POST", f"/api/plans/{progress['planId']}/resume")
        return True

    def _approve(self, progress: Json) -> None:
        for task in progress["tasks"]:
            if task["status"] == "AWAITING_APPROVAL":
                self._screen.note(f"Approved: {task['title']}")
                self._api.call("POST", f"/api/plan-tasks/{task['id']}/approve")


def commits_of(plan: Json) -> list[tuple[str, Any]]:
    """The commit of each task of a plan's progress, and its title, as they were made."""
    landed = [task for task in plan["tasks"] if task["commitSha"]]
    landed.sort(key=lambda task: task["completedAt"])
    return [(task["commitSha"], task["title"]) for task in landed]
