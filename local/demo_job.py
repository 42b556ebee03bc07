"""The main job as any client carries it through: over HTTP only, cards to subtasks, one run after the other."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

type Json = dict[str, Any]

STEPS = {
    "ANALYZE_CARDS": "Analyse cards",
    "GENERATE_EPICS": "Generate epics",
    "GENERATE_STORIES": "Generate stories",
    "GENERATE_SUBTASKS": "Generate subtasks",
}
MEDIA = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".json": "application/json",
}
OPTIONS = {"mode": "compact", "pacing": "fast"}
"""Small, as a real model's answers are paid for; fast, as that finds a model's rate limits by itself."""
_ACTIVE = ("QUEUED", "RUNNING")
_AGAIN = (429, 502, 503, 504)
_TRIES = 5
GIVE_UP_S = 1_800.0
"""A run that has not ended by then never will; whoever waits for the exit status must get one."""


class JobFailed(Exception):
    """The API answered with an error, or a run does not end; the message says which."""


class Stopped(Exception):
    """The user ended the demo before the job was done."""


class Screen(Protocol):
    """Where the job shows how it stands."""

    def note(self, text: str) -> None: ...

    def show(self, name: str, progress: Json) -> None: ...


@dataclass(slots=True)
class Outcome:
    """What came of the job: the project at its end, and the last progress of every run that was started."""

    project: Json
    runs: list[Json] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        return [run["type"] for run in self.runs if run["status"] == "SUCCEEDED"] == list(STEPS)


class Job:
    """`wait` sleeps for so many seconds and says whether the user wants to stop."""

    def __init__(self, http: httpx.Client, screen: Screen, wait: Callable[[float], bool]) -> None:
        self._http, self._screen, self._wait = http, screen, wait

    def carry_out(self, name: str, files: Sequence[Path]) -> Outcome:
        """Raises JobFailed, and Stopped; a run that fails ends the job, and the outcome says so."""
        project = self._call("POST", "/api/projects", json={"name": name})
        for file in files:
            self._import(project["id"], file)
        outcome = Outcome(project)
        for type_ in STEPS:
            outcome.runs.append(self._run(project["id"], type_))
            if outcome.runs[-1]["status"] not in ("SUCCEEDED", "PARTIAL"):
                break
        outcome.project = self._call("GET", f"/api/projects/{project['id']}")
        return outcome

    def _import(self, project_id: str, file: Path) -> None:
        media = {"Content-Type": MEDIA[file.suffix.lower()]}
        made = self._call("POST", f"/api/projects/{project_id}/cards", content=file.read_bytes(), headers=media)
        left_out = [f"duplicates left out: {made['duplicates']}"] if made["duplicates"] else []
        left_out += [f"row {rejected['row']} rejected: {rejected['reason']}" for rejected in made["rejected"][:3]]
        if len(made["rejected"]) > 3:
            left_out.append(f"{len(made['rejected']) - 3} more rows rejected")
        self._screen.note(f"Imported {file.name}: " + ", ".join([f"{made['created']} cards", *left_out]))

    def _run(self, project_id: str, type_: str) -> Json:
        body = {"type": type_, "options": OPTIONS}
        run_id = self._call("POST", f"/api/projects/{project_id}/runs", json=body)["runId"]
        ends = time.monotonic() + GIVE_UP_S
        while time.monotonic() < ends:
            progress = self._call("GET", f"/api/runs/{run_id}/progress")
            self._screen.show(STEPS[type_], progress)
            if progress["status"] not in _ACTIVE:
                return progress
            self._pause(progress["pollAfterMs"] / 1000)
        raise JobFailed(f"{run_id} has not ended after {GIVE_UP_S:.0f} s")

    def _call(self, method: str, path: str, **request: Any) -> Json:
        """Reads are asked again while the API is short of breath; a write might be done twice, so it is not."""
        for left in reversed(range(_TRIES if method == "GET" else 1)):
            answer = self._http.request(method, path, **request)
            if answer.is_success:
                found: Json = answer.json()
                return found
            if not left or answer.status_code not in _AGAIN:
                break
            self._pause(float(answer.headers.get("Retry-After", "1")))
        raise JobFailed(f"{method} {path}: {answer.status_code} {_said(answer)}")

    def _pause(self, seconds: float) -> None:
        if self._wait(seconds):
            raise Stopped


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
