"""The main job: build a backlog run by run, then generate and run a plan for one story."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from local.demo.api import MAX_WAIT_S, Api, JobFailed, Json

STEPS = {
    "ANALYZE_CARDS": "Analyze cards",
    "GENERATE_EPICS": "Generate epics",
    "GENERATE_STORIES": "Generate stories",
    "GENERATE_SUBTASKS": "Generate subtasks",
}
PLAN_STEPS = {"GENERATE_PLAN": "Generate plan", "EXECUTE_PLAN": "Run plan"}
MEDIA = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".json": "application/json",
}
OPTIONS = {"mode": "compact", "pacing": "fast"}
"""Compact, as output of a real model costs money; fast, as this pace adapts to rate limits."""
_ACTIVE = ("QUEUED", "RUNNING")
_RUNNING = ("RUNNING", "PAUSING")
_PRIORITIES = ("critical", "high", "medium", "low")


class Screen(Protocol):
    """Display of the job's progress."""

    def note(self, text: str) -> None: ...

    def show(self, name: str, progress: Json) -> None:
        """Show the progress of a run."""
        ...

    def show_plan(self, name: str, progress: Json) -> None:
        """Show the progress of a running plan."""
        ...


@dataclass(slots=True)
class JobResult:
    """Result of the job: the project, the last progress of each started run, and of the plan."""

    project: Json
    runs: list[Json] = field(default_factory=list)
    plan: Json | None = None

    @property
    def succeeded(self) -> bool:
        wanted = [*STEPS, "GENERATE_PLAN"]
        runs = [run["type"] for run in self.runs if run["status"] == "SUCCEEDED"]
        return runs == wanted and self.plan is not None and self.plan["status"] == "COMPLETED"


class Job:
    """The steps of the demo over HTTP, with progress on `screen`."""

    def __init__(self, api: Api, screen: Screen) -> None:
        self._api, self._screen = api, screen

    def run(self, name: str, files: Sequence[Path], repository: Path) -> JobResult:
        """Run all steps. A failed run ends the job and shows in the result.

        Raises JobFailed, Stopped.
        """
        result = JobResult(self._api.call("POST", "/api/projects", json={"name": name}))
        project_id = result.project["id"]
        for file in files:
            self._import(project_id, file)
        if self._build_backlog(result) and (story := self._pick_story(project_id)):
            self._plan(result, story, repository)
        result.project = self._api.call("GET", f"/api/projects/{project_id}")
        return result

    def _import(self, project_id: str, file: Path) -> None:
        media = {"Content-Type": MEDIA[file.suffix.lower()]}
        created = self._api.call("POST", f"/api/projects/{project_id}/cards", content=file.read_bytes(), headers=media)
        notes = [f"{created['duplicates']} duplicates skipped"] if created["duplicates"] else []
        notes += [f"row {rejected['row']} rejected: {rejected['reason']}" for rejected in created["rejected"][:3]]
        if len(created["rejected"]) > 3:
            notes.append(f"{len(created['rejected']) - 3} more rows rejected")
        self._screen.note(f"Imported {file.name}: " + ", ".join([f"{created['created']} cards", *notes]))

    # --- The backlog ---

    def _build_backlog(self, result: JobResult) -> bool:
        for type_ in STEPS:
            body = {"type": type_, "options": OPTIONS}
            run_id = self._api.call("POST", f"/api/projects/{result.project['id']}/runs", json=body)["runId"]
            result.runs.append(self._follow_run(run_id, STEPS[type_]))
            if result.runs[-1]["status"] not in ("SUCCEEDED", "PARTIAL"):
                return False
        return True

    def _follow_run(self, run_id: str, name: str) -> Json:
        ends = time.monotonic() + MAX_WAIT_S
        while time.monotonic() < ends:
            progress = self._api.call("GET", f"/api/runs/{run_id}/progress")
            self._screen.show(name, progress)
            if progress["status"] not in _ACTIVE:
                return progress
            self._api.pause(progress["pollAfterMs"] / 1000)
        raise JobFailed(f"Run {run_id} did not end within {MAX_WAIT_S:.0f} s")

    # --- The plan ---

    def _pick_story(self, project_id: str) -> Json | None:
        """Return the first story of the highest priority."""
        stories = self._api.call("GET", f"/api/projects/{project_id}/stories", params={"limit": 200})["items"]
        return min(stories, key=lambda story: _PRIORITIES.index(story["priority"]), default=None)

    def _plan(self, result: JobResult, story: Json, repository: Path) -> None:
        created = self._api.call("POST", "/api/repositories", json={"name": "Cycling app", "url": str(repository)})
        body = {"repositoryId": created["id"], "title": story["title"], "storyIds": [story["id"]]}
        self._screen.note(f"Generating a plan for story {story['code']}: {story['title']}")
        accepted = self._api.call("POST", "/api/plans/generate", json=body)
        result.runs.append(self._follow_run(accepted["runId"], PLAN_STEPS["GENERATE_PLAN"]))
        if result.runs[-1]["status"] == "SUCCEEDED":
            self._api.call("POST", f"/api/plans/{accepted['planId']}/execute")
            result.plan = self._follow_plan(accepted["planId"])

    def _follow_plan(self, plan_id: str) -> Json:
        """Follow the plan until it ends or waits for a decision on a failed task."""
        ends = time.monotonic() + MAX_WAIT_S
        while time.monotonic() < ends:
            progress = self._api.call("GET", f"/api/plans/{plan_id}/progress")
            self._screen.show_plan(PLAN_STEPS["EXECUTE_PLAN"], progress)
            if progress["status"] not in _RUNNING and not self._resume_after_phase(progress):
                return progress
            self._approve(progress)
            self._api.pause((progress["pollAfterMs"] or 500) / 1000)
        raise JobFailed(f"Plan {plan_id} did not end within {MAX_WAIT_S:.0f} s")

    def _resume_after_phase(self, progress: Json) -> bool:
        """Resume a plan paused between two phases for inspection: the demo's user is watching."""
        if (progress["status"], progress["cause"]) != ("PAUSED", "phase"):
            return False
        self._screen.note("Resumed the plan after a phase")
        self._api.call("POST", f"/api/plans/{progress['planId']}/resume")
        return True

    def _approve(self, progress: Json) -> None:
        for task in progress["tasks"]:
            if task["status"] == "AWAITING_APPROVAL":
                self._screen.note(f"Approved: {task['title']}")
                self._api.call("POST", f"/api/plan-tasks/{task['id']}/approve")


def commits_of(plan: Json) -> list[tuple[str, Any]]:
    """Return commit SHA and title of each landed task of a plan's progress, in commit order."""
    landed = [task for task in plan["tasks"] if task["commitSha"]]
    landed.sort(key=lambda task: task["completedAt"])
    return [(task["commitSha"], task["title"]) for task in landed]
