"""The demo's output."""

import io
import re
from pathlib import Path
from typing import Any

from rich.console import Console

from local.demo.job import STEPS, JobResult
from local.demo.screen import duration, open_screen, print_next_steps, print_summary, usd
from tests.local.demo.progress import of_plan, progress, task


def test_a_terminal_gets_a_bar_for_each_run() -> None:
    out = io.StringIO()
    with open_screen(Console(file=out, force_terminal=True, width=120)) as screen:
        screen.show("Analyze cards", progress("ANALYZE_CARDS", "SUCCEEDED"))
        screen.show("Generate epics", progress("GENERATE_EPICS", "RUNNING", 50, failedItems=2, activeItems=3))
        screen.show_plan("Run plan", of_plan("COMPLETED", task(1, "COMPLETED"), task(2, "SKIPPED")))
    shown = Console(file=io.StringIO()).render_str(out.getvalue()).plain
    assert "10/10 · 1,000 tokens · $0.0123 · 1 min 1 s" in shown
    assert "2/2 · 1,000 tokens · $0.0123 · 1 min 1 s" in shown
    assert "5/10 2 failed 3 active · 1,000 tokens · $0.0123 · 5.0 s left" in shown


def summary_of(*runs: dict[str, Any], plan: dict[str, Any] | None = None) -> str:
    out = io.StringIO()
    counts = {"cards": 9, "epics": 3, "stories": 2, "subtasks": 1}
    print_summary(Console(file=out, width=80), JobResult({"id": "p", "counts": counts}, list(runs), plan))
    return out.getvalue()


def test_the_summary_shows_costs_and_the_mock() -> None:
    text = summary_of(*(progress(type_, "SUCCEEDED") for type_ in STEPS))
    assert "Generate subtasks  SUCCEEDED  10/10" in text
    assert re.search(r"Total +4 min 4 s +4,000 +\$0\.0492", text)
    assert "The project has 9 cards, 3 epics, 2 stories, 1 subtasks" in text
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
    assert "Analyze cards: [no] key" in text


def test_the_summary_of_a_plan_names_its_commits_or_why_it_stopped() -> None:
    text = summary_of(plan=of_plan("PAUSED", task(1, "COMPLETED"), task(2, "FAILED"), reason="[no] push"))
    assert re.search(r"Run plan +PAUSED +1/2 +1 +1 min 1 s +1,000 +\$0\.0123", text)
    assert "Commits on groundwork/plan:\n  1111111 Do 1\n" in text
    assert "Run plan: [no] push" in text


def test_the_commands_to_copy_are_whole_lines() -> None:
    out = io.StringIO()
    outcome = JobResult({"id": "p"}, [], of_plan("COMPLETED", task(1, "COMPLETED")))
    print_next_steps(Console(file=out, width=40), "http://127.0.0.1:3000", "t", outcome, Path("build/demo/code"))
    assert "  git -C build/demo/code log --stat groundwork/plan\n" in out.getvalue()
    commands = [line for line in out.getvalue().splitlines() if line.startswith("  curl")]
    assert (
        '  curl -H "Authorization: Bearer t" "http://127.0.0.1:3000/api/projects/p/export?format=markdown"' in commands
    )


def test_durations_and_sums_are_written_for_people() -> None:
    assert [duration(ms) for ms in (0, 840, 59_940, 75_000)] == ["0.0 s", "0.8 s", "59.9 s", "1 min 15 s"]
    assert [usd(dollars) for dollars in (0, 0.01234, 12.345)] == ["$0.0000", "$0.0123", "$12.35"]
