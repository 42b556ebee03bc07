"""The demo's job on a scripted API."""

import io
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from local.demo.api import Api as Asking
from local.demo.api import JobFailed, Stopped
from local.demo.job import STEPS, Job, JobResult, commits_of
from local.demo.screen import Lines
from tests.local.demo.progress import of_plan, progress, task

RUNS = (*STEPS, "GENERATE_PLAN")
DONE = of_plan("COMPLETED", task(1, "COMPLETED"))


class Api:
    """The endpoints used by the job.

    Each run, and the `plan`, returns its scripted progress in turn.
    """

    def __init__(self, plan: list[dict[str, Any]] | None = None, **runs: list[dict[str, Any]]) -> None:
        self.scripts = {type_: list(runs.get(type_, [progress(type_, "SUCCEEDED")])) for type_ in RUNS}
        self.scripts["plan"] = list(plan or [DONE])
        self.stories: list[dict[str, Any]] = [story("S1", "low"), story("S2", "high"), story("S3", "high")]
        self.started: list[str] = []
        self.asked: list[str] = []
        self.generated: dict[str, Any] = {}
        self.breathless = 0
        self.broken: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, last = request.url.path, request.url.path.rsplit("/", 1)[-1]
        if path in self.broken:
            return httpx.Response(500, json={"error": {"code": "INTERNAL", "message": "It broke."}})
        if last == "progress":
            return self._progress(path.split("/")[3])
        if last in ("execute", "resume", "approve"):
            self.asked.append(path)
            return httpx.Response(202, json={})
        return httpx.Response(200, json=self._made(last, httpx.Response(200, content=request.content)))

    def _made(self, last: str, body: httpx.Response) -> dict[str, Any]:
        if last == "runs":
            self.started.append(body.json()["type"])
            return {"runId": self.started[-1]}
        if last == "generate":
            self.started.append("GENERATE_PLAN")
            self.generated = body.json()
            return {"runId": "GENERATE_PLAN", "planId": "plan"}
        answers: dict[str, dict[str, Any]] = {
            "cards": {"created": 1, "duplicates": 1, "rejected": []},
            "stories": {"items": self.stories},
            "repositories": {"id": "r"},
        }
        return answers.get(last, {"id": "p", "counts": {"cards": 1, "epics": 2, "stories": 3, "subtasks": 4}})

    def _progress(self, id_: str) -> httpx.Response:
        if self.breathless:
            self.breathless -= 1
            return httpx.Response(503, json={"error": {"message": "Try again."}}, headers={"Retry-After": "2"})
        script = self.scripts[id_]
        return httpx.Response(200, json=script.pop(0) if len(script) > 1 else script[0])


def story(code: str, priority: str) -> dict[str, Any]:
    return {"id": code, "code": code, "title": f"Story {code}", "priority": priority}


class Waits:
    """Records the waits without sleeping, and stops after a number of them."""

    def __init__(self, most: int = 100) -> None:
        self.seconds: list[float] = []
        self._most = most

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return len(self.seconds) > self._most


def carried_out(api: Api, waits: Waits, tmp_path: Path) -> tuple[JobResult, str]:
    cards = tmp_path / "cards.csv"
    cards.write_text("text\nSlow\n")
    out = io.StringIO()
    with httpx.Client(transport=httpx.MockTransport(api.answer), base_url="http://api") as http:
        outcome = Job(Asking(http, waits), Lines(Console(file=out, width=200))).run("Mine", [cards], Path("code"))
    return outcome, out.getvalue()


def test_runs_follow_each_other_at_their_poll_interval(tmp_path: Path) -> None:
    active = [progress("GENERATE_EPICS", "QUEUED", 0), progress("GENERATE_EPICS", "RUNNING", 50)]
    api, waits = Api(GENERATE_EPICS=[*active, progress("GENERATE_EPICS", "SUCCEEDED")]), Waits()
    outcome, _ = carried_out(api, waits, tmp_path)
    assert api.started == list(RUNS)
    assert waits.seconds == [1.5, 1.5]
    assert outcome.succeeded


def test_a_partial_run_continues_the_job_but_fails_it(tmp_path: Path) -> None:
    outcome, _ = carried_out(Api(GENERATE_EPICS=[progress("GENERATE_EPICS", "PARTIAL")]), Waits(), tmp_path)
    assert [run["type"] for run in outcome.runs] == list(RUNS)
    assert not outcome.succeeded


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_failed_or_cancelled_run_ends_the_job(tmp_path: Path, status: str) -> None:
    api = Api(GENERATE_EPICS=[progress("GENERATE_EPICS", status, errorMessage="No key")])
    outcome, _ = carried_out(api, Waits(), tmp_path)
    assert api.started == ["ANALYZE_CARDS", "GENERATE_EPICS"]
    assert not outcome.succeeded


def test_an_overloaded_api_is_retried_after_its_delay(tmp_path: Path) -> None:
    api, waits = Api(), Waits()
    api.breathless = 2
    assert carried_out(api, waits, tmp_path)[0].succeeded
    assert waits.seconds == [2.0, 2.0]


def test_an_api_error_is_shown_verbatim(tmp_path: Path) -> None:
    api = Api()
    api.broken.add("/api/projects/p/runs")
    with pytest.raises(JobFailed, match=re.escape("POST /api/projects/p/runs: 500 It broke.")):
        carried_out(api, Waits(), tmp_path)


def test_the_user_can_stop_it_at_any_poll(tmp_path: Path) -> None:
    api = Api(ANALYZE_CARDS=[progress("ANALYZE_CARDS", "RUNNING", 10)])
    with pytest.raises(Stopped):
        carried_out(api, Waits(most=3), tmp_path)


def test_without_a_terminal_only_changes_are_printed(tmp_path: Path) -> None:
    steps = [progress("ANALYZE_CARDS", "RUNNING", percent) for percent in (0, 3, 9, 10, 19, 40)]
    _, out = carried_out(Api(ANALYZE_CARDS=[*steps, progress("ANALYZE_CARDS", "SUCCEEDED")]), Waits(), tmp_path)
    lines = [line for line in out.splitlines() if line.startswith("Analyze cards")]
    assert [line.split()[3] for line in lines] == ["0%", "10%", "40%", "100%"]
    assert "1 duplicates skipped" in out


# the plan


def test_the_plan_is_of_the_first_story_that_matters_most(tmp_path: Path) -> None:
    api = Api()
    outcome, out = carried_out(api, Waits(), tmp_path)
    assert api.generated == {"repositoryId": "r", "title": "Story S2", "storyIds": ["S2"]}
    assert api.asked == ["/api/plans/plan/execute"]
    assert outcome.plan == DONE
    assert outcome.succeeded
    assert "Run plan: COMPLETED 100% 1/1 · 1,000 tokens · $0.0123 · 1 min 1 s" in out


def test_a_project_without_stories_gets_no_plan_and_fails(tmp_path: Path) -> None:
    api = Api()
    api.stories = []
    outcome, _ = carried_out(api, Waits(), tmp_path)
    assert (outcome.plan, outcome.succeeded) == (None, False)
    assert api.asked == []


def test_a_plan_that_could_not_be_written_is_not_carried_out(tmp_path: Path) -> None:
    api = Api(GENERATE_PLAN=[progress("GENERATE_PLAN", "FAILED", errorMessage="No key")])
    outcome, _ = carried_out(api, Waits(), tmp_path)
    assert api.asked == []
    assert not outcome.succeeded


def test_what_waits_for_a_person_is_approved_and_resumed(tmp_path: Path) -> None:
    course = [
        of_plan("RUNNING", task(1, "RUNNING"), task(2, "RUNNING"), task(3, "PENDING")),
        of_plan("PAUSED", task(1, "COMPLETED"), task(2, "COMPLETED"), task(3, "PENDING"), cause="phase"),
        of_plan("RUNNING", task(1, "COMPLETED"), task(2, "COMPLETED"), task(3, "AWAITING_APPROVAL")),
        of_plan("COMPLETED", task(1, "COMPLETED"), task(2, "COMPLETED"), task(3, "COMPLETED")),
    ]
    api, waits = Api(course), Waits()
    outcome, out = carried_out(api, waits, tmp_path)
    assert api.asked == ["/api/plans/plan/execute", "/api/plans/plan/resume", "/api/plan-tasks/t3/approve"]
    assert waits.seconds == [2.0, 2.0, 2.0]
    assert outcome.succeeded
    assert "Run plan: RUNNING 0% 0/3 · 1,000 tokens · $0.0123 · 5.0 s left · Do 1 and 1 more" in out
    assert "Approved: Do 3" in out


def test_a_plan_with_a_failed_task_is_left_to_a_person(tmp_path: Path) -> None:
    api = Api([of_plan("PAUSED", task(1, "FAILED"), cause="failure", reason="It came to nothing")])
    outcome, _ = carried_out(api, Waits(), tmp_path)
    assert api.asked == ["/api/plans/plan/execute"]
    assert not outcome.succeeded


def test_commits_are_told_in_the_order_in_which_they_were_made() -> None:
    late = task(1, "COMPLETED", completedAt="2026-01-01T00:00:09.000Z")
    assert commits_of(of_plan("RUNNING", late, task(2, "COMPLETED"), task(3, "FAILED"))) == [
        ("2" * 40, "Do 2"),
        ("1" * 40, "Do 1"),
    ]
