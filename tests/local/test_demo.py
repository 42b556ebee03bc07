"""`python -m local.demo` as a user runs it, and its job and screens on an API that answers as it is told."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from local.demo import cards_in, environment
from local.demo_job import STEPS, Job, JobFailed, Outcome, Stopped
from local.demo_screen import Lines, duration, screen_of, show_summary, show_where, usd

ROOT = Path(__file__).parents[2]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        shell = {
            name: value for name, value in os.environ.items() if not name.startswith(("GROUNDWORK_", "ANTHROPIC_"))
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "local.demo", *arguments],
            cwd=ROOT,
            env={**shell, "PORT": "0", "GROUNDWORK_MOCK_LATENCY_MS": "1", "EXIT": "", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.communicate()


def test_it_carries_the_examples_to_subtasks_and_ends_well(start: Start) -> None:
    process = start(EXIT="1")
    output, errors = process.communicate(timeout=240)
    assert (process.returncode, errors) == (0, "")
    for name in STEPS.values():
        assert re.search(rf"^{name}: SUCCEEDED 100%", output, re.MULTILINE)
    assert re.search(r"Now there are 63 cards, [1-9]\d* epics, [1-9]\d* stories, [1-9]\d* subtasks", output)
    assert "MOCK AI" in output


def test_it_serves_cards_of_ones_own_until_a_signal_ends_it(start: Start, tmp_path: Path) -> None:
    own = tmp_path / "mine.ndjson"
    own.write_text('{"text": "The export is broken"}\n{"text": "Please add a dark mode"}\n{"text": ""}\n')
    process = start("--cards", str(own))
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "Ctrl-C" in line:
            break
    url = next(word for line in seen for word in line.split() if word.startswith("http")).rstrip(".")
    headers = {"Authorization": "Bearer local-admin-token"}
    [project] = httpx.get(f"{url}/api/projects", headers=headers, timeout=120).json()["items"]
    assert (project["name"], project["counts"]["cards"]) == ("mine", 2)
    assert any("row 3 rejected: text: must be" in line for line in seen)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")


def test_a_taken_port_is_said(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(PORT=str(taken.getsockname()[1]))
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert errors.endswith("PORT=3001 make demo\n")
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "shell", "message"),
    [
        (["--cards", "no-such.csv"], {}, "There is no file no-such.csv"),
        (["--cards", "pyproject.toml"], {}, "cards are read from .csv, .ndjson, .jsonl, .json"),
        ([], {"HOST": "0.0.0.0"}, "set GROUNDWORK_TOKEN"),
        ([], {"PORT": "three"}, "invalid int value: 'three'"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(
    start: Start, arguments: list[str], shell: dict[str, str], message: str
) -> None:
    process = start(*arguments, **shell)
    output, errors = process.communicate(timeout=120)
    assert process.returncode != 0
    assert (output, "Traceback" in errors) == ("", False)
    assert message in errors


def test_the_mock_is_quick_unless_the_user_chose() -> None:
    assert environment({})["GROUNDWORK_MOCK_LATENCY_MS"] == "200"
    assert environment({"GROUNDWORK_MOCK_LATENCY_MS": "5", "A": "b"}) == {"GROUNDWORK_MOCK_LATENCY_MS": "5", "A": "b"}


def test_the_examples_are_what_is_imported_by_default() -> None:
    assert [file.name for file in cards_in(None)] == ["feedback.csv", "interviews.ndjson"]


# the job, on an API that answers as it is told


class Api:
    """The few endpoints the job uses. Each run answers with its `scripts` one progress after the other."""

    def __init__(self, **scripts: list[dict[str, Any]]) -> None:
        self.scripts = {type_: list(scripts.get(type_, [progress(type_, "SUCCEEDED")])) for type_ in STEPS}
        self.started: list[str] = []
        self.breathless = 0
        self.broken: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in self.broken:
            return httpx.Response(500, json={"error": {"code": "INTERNAL", "message": "It broke."}})
        if path.endswith("/cards"):
            return httpx.Response(200, json={"created": 1, "duplicates": 1, "rejected": []})
        if path.endswith("/runs"):
            return self._start(request)
        if path.endswith("/progress"):
            return self._progress()
        return httpx.Response(200, json={"id": "p", "counts": {"cards": 1, "epics": 2, "stories": 3, "subtasks": 4}})

    def _start(self, request: httpx.Request) -> httpx.Response:
        body = httpx.Response(200, content=request.content).json()
        self.started.append(body["type"])
        return httpx.Response(202, json={"runId": body["type"]})

    def _progress(self) -> httpx.Response:
        if self.breathless:
            self.breathless -= 1
            return httpx.Response(503, json={"error": {"message": "Try again."}}, headers={"Retry-After": "2"})
        script = self.scripts[self.started[-1]]
        return httpx.Response(200, json=script.pop(0) if len(script) > 1 else script[0])


def progress(type_: str, status: str, percent: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "runId": type_,
        "type": type_,
        "status": status,
        "phase": "GENERATING",
        "phaseDetail": "Under way",
        "progress": percent,
        "totalItems": 10,
        "completedItems": percent // 10,
        "failedItems": 0,
        "skippedItems": 0,
        "activeItems": 0,
        "artifactsCreated": 3,
        "tokens": {"input": 900, "output": 90, "cacheRead": 9, "cacheWrite": 1},
        "costUsd": 0.0123,
        "elapsedMs": 61_000,
        "estimatedRemainingMs": 5_000,
        "errorMessage": None,
        "pollAfterMs": 1_500,
        "ai": "mock",
        "model": "a-model",
        **more,
    }


class Waits:
    """Waits for no time at all, notes how long it should have, and stops when it has waited often enough."""

    def __init__(self, most: int = 100) -> None:
        self.seconds: list[float] = []
        self._most = most

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return len(self.seconds) > self._most


def carried_out(api: Api, waits: Waits, tmp_path: Path) -> tuple[Outcome, str]:
    cards = tmp_path / "cards.csv"
    cards.write_text("text\nSlow\n")
    out = io.StringIO()
    with httpx.Client(transport=httpx.MockTransport(api.answer), base_url="http://api") as http:
        outcome = Job(http, Lines(Console(file=out, width=200)), waits).carry_out("Mine", [cards])
    return outcome, out.getvalue()


def test_the_runs_follow_each_other_and_are_polled_as_they_ask_to_be(tmp_path: Path) -> None:
    active = [progress("GENERATE_EPICS", "QUEUED", 0), progress("GENERATE_EPICS", "RUNNING", 50)]
    api, waits = Api(GENERATE_EPICS=[*active, progress("GENERATE_EPICS", "SUCCEEDED")]), Waits()
    outcome, _ = carried_out(api, waits, tmp_path)
    assert api.started == list(STEPS)
    assert waits.seconds == [1.5, 1.5]
    assert outcome.succeeded


def test_a_partial_run_is_followed_by_the_next_but_is_no_success(tmp_path: Path) -> None:
    outcome, _ = carried_out(Api(GENERATE_EPICS=[progress("GENERATE_EPICS", "PARTIAL")]), Waits(), tmp_path)
    assert len(outcome.runs) == 4
    assert not outcome.succeeded


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_run_that_came_to_nothing_ends_the_job(tmp_path: Path, status: str) -> None:
    api = Api(GENERATE_EPICS=[progress("GENERATE_EPICS", status, errorMessage="No key")])
    outcome, _ = carried_out(api, Waits(), tmp_path)
    assert api.started == ["ANALYZE_CARDS", "GENERATE_EPICS"]
    assert not outcome.succeeded


def test_an_api_short_of_breath_is_asked_again_when_it_said(tmp_path: Path) -> None:
    api, waits = Api(), Waits()
    api.breathless = 2
    assert carried_out(api, waits, tmp_path)[0].succeeded
    assert waits.seconds == [2.0, 2.0]


def test_an_error_of_the_api_is_told_in_its_own_words(tmp_path: Path) -> None:
    api = Api()
    api.broken.add("/api/projects/p/runs")
    with pytest.raises(JobFailed, match=re.escape("POST /api/projects/p/runs: 500 It broke.")):
        carried_out(api, Waits(), tmp_path)


def test_the_user_can_stop_it_at_any_poll(tmp_path: Path) -> None:
    api = Api(ANALYZE_CARDS=[progress("ANALYZE_CARDS", "RUNNING", 10)])
    with pytest.raises(Stopped):
        carried_out(api, Waits(most=3), tmp_path)


def test_without_a_terminal_a_line_is_printed_only_where_something_changed(tmp_path: Path) -> None:
    steps = [progress("ANALYZE_CARDS", "RUNNING", percent) for percent in (0, 3, 9, 10, 19, 40)]
    _, out = carried_out(Api(ANALYZE_CARDS=[*steps, progress("ANALYZE_CARDS", "SUCCEEDED")]), Waits(), tmp_path)
    lines = [line for line in out.splitlines() if line.startswith("Analyse cards")]
    assert [line.split()[3] for line in lines] == ["0%", "10%", "40%", "100%"]
    assert "duplicates left out: 1" in out


def test_a_terminal_gets_a_bar_for_each_run() -> None:
    out = io.StringIO()
    with screen_of(Console(file=out, force_terminal=True, width=120)) as screen:
        screen.show("Analyse cards", progress("ANALYZE_CARDS", "SUCCEEDED"))
        screen.show("Generate epics", progress("GENERATE_EPICS", "RUNNING", 50, failedItems=2, activeItems=3))
    shown = Console(file=io.StringIO()).render_str(out.getvalue()).plain
    assert "10/10 · 1,000 tokens · $0.0123 · 1 min 1 s" in shown
    assert "5/10 2 failed 3 active · 1,000 tokens · $0.0123 · 5.0 s left" in shown


def summary_of(*runs: dict[str, Any]) -> str:
    out = io.StringIO()
    counts = {"cards": 9, "epics": 3, "stories": 2, "subtasks": 1}
    show_summary(Console(file=out, width=80), Outcome({"id": "p", "counts": counts}, list(runs)))
    return out.getvalue()


def test_the_summary_says_what_it_took_and_that_a_mock_did_it() -> None:
    text = summary_of(*(progress(type_, "SUCCEEDED") for type_ in STEPS))
    assert "Generate subtasks  SUCCEEDED  10/10" in text
    assert re.search(r"All +4 min 4 s +4,000 +\$0\.0492", text)
    assert "Now there are 9 cards, 3 epics, 2 stories, 1 subtasks" in text
    assert "MOCK AI" in text


def test_the_summary_of_thousands_of_cards_fits_into_a_narrow_terminal() -> None:
    many: dict[str, Any] = {
        "totalItems": 12_000,
        "completedItems": 11_000,
        "failedItems": 1_000,
        "errorMessage": "1000 of 12000 items failed.",
    }
    text = summary_of(progress("GENERATE_SUBTASKS", "PARTIAL", **many))
    assert re.search(r"PARTIAL +11000/12000 +3 +1 min 1 s +1,000 +\$0\.0123", text)
    assert "Generate subtasks: 1000 of 12000 items failed." in text
    assert "…" not in text.split("MOCK")[0]


def test_the_summary_of_a_real_model_names_it_and_why_a_run_failed() -> None:
    text = summary_of(progress("ANALYZE_CARDS", "FAILED", ai="anthropic", errorMessage="[no] key"))
    assert "AI: anthropic, a-model" in text
    assert "MOCK" not in text
    assert "Analyse cards: [no] key" in text


def test_the_commands_to_copy_are_whole_lines() -> None:
    out = io.StringIO()
    show_where(Console(file=out, width=40), "http://127.0.0.1:3000", "t", Outcome({"id": "p"}))
    commands = [line for line in out.getvalue().splitlines() if line.startswith("  curl")]
    assert (
        '  curl -H "Authorization: Bearer t" "http://127.0.0.1:3000/api/projects/p/export?format=markdown"' in commands
    )


def test_durations_and_sums_are_written_for_people() -> None:
    assert [duration(ms) for ms in (0, 840, 59_940, 75_000)] == ["0.0 s", "0.8 s", "59.9 s", "1 min 15 s"]
    assert [usd(dollars) for dollars in (0, 0.01234, 12.345)] == ["$0.0000", "$0.0123", "$12.35"]
