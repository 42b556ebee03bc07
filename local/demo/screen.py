"""The demo's output: progress bars in a terminal, plain lines elsewhere, and the summary."""

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from local.demo.api import Json
from local.demo.job import PLAN_STEPS, STEPS, JobResult, commits_of

_COLOURS = {"SUCCEEDED": "green", "COMPLETED": "green", "PARTIAL": "yellow", "FAILED": "red", "CANCELLED": "red"}
_NAMES = STEPS | PLAN_STEPS
_ENDED = ("COMPLETED", "SKIPPED", "CANCELLED")


class Lines(AbstractContextManager["Lines"]):
    """Output without a terminal: one line for each change of status or phase, and for each 10%."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[str, tuple[Any, ...]] = {}

    def __exit__(self, *_: object) -> None:
        """Do nothing: there is nothing to clean up."""

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show(self, name: str, progress: Json) -> None:
        state = (progress["status"], progress["phase"], progress["progress"] // 10)
        if self._last.get(progress["runId"]) != state:
            self._last[progress["runId"]] = state
            self.note(
                f"{name}: {progress['status']} {progress['progress']}% {_counts(progress)} {run_details(progress)}"
            )

    def show_plan(self, name: str, progress: Json) -> None:
        state = (progress["status"], progress["progress"] // 10)
        if self._last.get(progress["planId"]) != state:
            self._last[progress["planId"]] = state
            self.note(f"{name}: {progress['status']} {progress['progress']}% {plan_details(progress)}")


class Bars(AbstractContextManager["Bars"]):
    """Output in a terminal: one progress bar for each run."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[state]}"),
            TextColumn("{task.description:<17}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            # Each bar stays on one line in a narrow terminal.
            TextColumn("{task.fields[details]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def show(self, name: str, progress: Json) -> None:
        self._move(progress["runId"], name, progress, f"{_counts(progress)} {run_details(progress)}")

    def show_plan(self, name: str, progress: Json) -> None:
        self._move(progress["planId"], name, progress, plan_details(progress))

    def _move(self, id_: str, name: str, progress: Json, run_details: str) -> None:
        if id_ not in self._tasks:
            self._tasks[id_] = self._progress.add_task(name, total=100, state="", details="")
        self._progress.update(
            self._tasks[id_], completed=progress["progress"], state=_mark(progress["status"]), details=run_details
        )


def open_screen(console: Console) -> Lines | Bars:
    return Bars(console) if console.is_terminal else Lines(console)


def _mark(status: str) -> str:
    marks = {"green": "[green]✓[/]", "yellow": "[yellow]![/]", "red": "[red]✗[/]"}
    return marks.get(_COLOURS.get(status, ""), "[cyan]›[/]")


def _counts(progress: Json) -> str:
    """Format the item counts: completed of all, then failed, skipped and active if not zero."""
    parts = [f"{progress['completedItems']}/{progress['totalItems']}"]
    for field, word in (("failedItems", "failed"), ("skippedItems", "skipped"), ("activeItems", "active")):
        if progress[field]:
            parts.append(f"{progress[field]} {word}")
    return " ".join(parts)


def run_details(progress: Json) -> str:
    """Format tokens, cost, and the time left (while running) or taken."""
    parts = [f"{count(_tokens(progress))} tokens", usd(progress["costUsd"])]
    if progress["status"] in ("QUEUED", "RUNNING"):
        left = progress["estimatedRemainingMs"]
        parts += [f"{duration(left)} left"] if left is not None else []
        # In this phase the detail only repeats the counts.
        parts += [progress["phaseDetail"]] if progress["phase"] != "GENERATING" else []
    else:
        parts.append(duration(progress["elapsedMs"]))
    return "· " + " · ".join(parts)


def plan_details(progress: Json) -> str:
    """Format the ended tasks of all, then tokens, cost, time left, and the running task."""
    ended = sum(progress["taskCounts"].get(status, 0) for status in _ENDED)
    parts = [
        f"{ended}/{progress['totalTasks']}",
        "·",
        f"{count(_tokens(progress))} tokens · {usd(progress['costUsd'])}",
    ]
    if progress["status"] == "RUNNING":
        left = progress["estimatedRemainingMs"]
        parts += [f"· {duration(left)} left"] if left is not None else []
        working = [task["title"] for task in progress["tasks"] if task["status"] == "RUNNING"]
        parts += [f"· {working[0]}" + (f" and {len(working) - 1} more" if len(working) > 1 else "")] if working else []
    else:
        parts.append(f"· {duration(progress['elapsedMs'])}")
    return " ".join(parts)


def print_summary(console: Console, result: JobResult) -> None:
    """Print the table of the runs, the project's counts, and the model."""
    table = Table(title="Summary", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("Run", "Status", "Items", "Created", "Time", "Tokens", "Cost"):
        table.add_column(name, justify="left" if name in ("Run", "Status") else "right", no_wrap=True)
    for run in result.runs:
        table.add_row(*_row(run))
    if result.plan:
        table.add_row(*_plan_row(result.plan))
    if done := [*result.runs, *([result.plan] if result.plan else [])]:
        total = sum(one["costUsd"] for one in done)
        took = sum(one["elapsedMs"] for one in done)
        table.add_section()
        tokens = sum(_tokens(one) for one in done)
        table.add_row("Total", "", "", "", duration(took), count(tokens), usd(total))
    console.print()
    console.print(table)
    counts = result.project["counts"]
    console.print("The project has " + ", ".join(f"{counts[name]} {name}" for name in counts), highlight=False)
    for run in result.runs:
        _print_errors_and_coverage(console, run)
    if result.plan:
        _print_commits(console, result.plan)
    _print_model(console, result)


def _row(run: Json) -> list[str]:
    status = run["status"]
    colour = _COLOURS.get(status, "default")
    return [
        _NAMES[run["type"]],
        f"[{colour}]{status}[/]",
        f"{run['completedItems']}/{run['totalItems']}",
        str(run["artifactsCreated"] or "–"),
        duration(run["elapsedMs"]),
        count(_tokens(run)),
        usd(run["costUsd"]),
    ]


def _plan_row(plan: Json) -> list[str]:
    status, commits = plan["status"], len(commits_of(plan))
    return [
        _NAMES["EXECUTE_PLAN"],
        f"[{_COLOURS.get(status, 'yellow')}]{status}[/]",
        f"{plan['taskCounts'].get('COMPLETED', 0)}/{plan['totalTasks']}",
        str(commits or "–"),
        duration(plan["elapsedMs"]),
        count(_tokens(plan)),
        usd(plan["costUsd"]),
    ]


def _print_commits(console: Console, plan: Json) -> None:
    if plan["reason"]:
        console.print(f"[red]{_NAMES['EXECUTE_PLAN']}: {escape(plan['reason'])}[/]", soft_wrap=True)
    console.print(f"Commits on {plan['branch']}:", markup=False, highlight=False)
    for sha, title in commits_of(plan):
        console.print(f"  {sha[:7]} {title}", markup=False, highlight=False, soft_wrap=True)


def _print_errors_and_coverage(console: Console, run: Json) -> None:
    if run["errorMessage"]:
        console.print(f"[red]{_NAMES[run['type']]}: {escape(run['errorMessage'])}[/]", soft_wrap=True)
    if coverage := run.get("coverage"):
        covered, stated = coverage["covered"], coverage["stated"]
        console.print(
            f"{covered} of {stated} actionable cards (bugs and requests) are covered by an epic", highlight=False
        )


def _print_model(console: Console, result: JobResult) -> None:
    if not result.runs:
        return
    ai, model = result.runs[0].get("ai"), result.runs[0].get("model")
    if ai == "mock":
        console.print(
            "[bold black on yellow] MOCK AI [/] No model was called and nothing was charged. Answers to the example "
            "cards were written in advance, all other texts are placeholders; "
            f"the costs are what {model} would have charged for as many tokens.\n"
            "To use the real model: ANTHROPIC_API_KEY=… make demo",
            highlight=False,
            soft_wrap=True,
        )
    else:
        console.print(f"AI: {ai}, {model}", highlight=False)


def print_next_steps(console: Console, url: str, token: str, result: JobResult, repository: Path) -> None:
    """Print the addresses and commands to try next; never wrapped, so they can be copied."""
    project = result.project["id"]
    lines = [
        "",
        f"Dashboard: {url}/ (sign in with {token})",
        "Try the API:",
        f'  curl -H "Authorization: Bearer {token}" {url}/api/projects/{project}/epics',
        f'  curl -H "Authorization: Bearer {token}" "{url}/api/projects/{project}/export?format=markdown"',
        f'  curl -H "Authorization: Bearer {token}" "{url}/api/projects/{project}/export?format=jira" -o backlog.csv',
    ]
    if result.runs:
        run = result.runs[-1]["runId"]
        lines.append(f'  curl -H "Authorization: Bearer {token}" {url}/api/runs/{run}/progress')
    lines.append(f'  curl -H "Authorization: Bearer {token}" {url}/api/openapi.json')
    if result.plan:
        lines += ["See the plan's commits:", f"  git -C {repository} log --stat {result.plan['branch']}"]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _tokens(run: Json) -> int:
    tokens = run["tokens"]
    return int(tokens["input"] + tokens["cacheRead"] + tokens["cacheWrite"] + tokens["output"])


def duration(ms: float) -> str:
    """Format milliseconds: 800 as 0.8 s, 75,000 as 1 min 15 s."""
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def count(number: int) -> str:
    return f"{number:,}"


def usd(dollars: float) -> str:
    """Format dollars; four decimals below one dollar, as small runs cost fractions of a cent."""
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"
