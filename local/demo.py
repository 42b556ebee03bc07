"""`make demo`: the local system, the examples carried from cards to subtasks over HTTP, with live progress.

Everything it does goes through the API, as a front end would do it.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from local import logs
from local.system import LocalSystem

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = (("feedback.csv", "text/csv"), ("interviews.ndjson", "application/x-ndjson"))
STEPS = (
    ("ANALYZE_CARDS", "Cards analysed"),
    ("GENERATE_EPICS", "Epics"),
    ("GENERATE_STORIES", "Stories"),
    ("GENERATE_SUBTASKS", "Subtasks"),
)
DEMO_LATENCY_MS = "200"
GIVE_UP_S = 1_800


class DemoFailed(Exception):
    """The demo did not come to its end."""


@dataclass
class Api:
    client: httpx.Client

    def get(self, path: str) -> Any:
        return self._answer(self.client.get(path))

    def post(self, path: str, body: Any) -> Any:
        return self._answer(self.client.post(path, json=body))

    def upload(self, path: str, content: bytes, content_type: str) -> Any:
        return self._answer(self.client.post(path, content=content, headers={"content-type": content_type}))

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise DemoFailed(f"{response.request.method} {response.request.url.path}: {response.text[:500]}")
        return response.json()


def carry_through(api: Api, console: Console, cards: Path | None) -> tuple[str, list[dict[str, Any]]]:
    """Creates a project, imports the cards and does the four runs. Returns the project's id and the ended runs."""
    project = api.post("/api/projects", {"name": cards.stem if cards else "Example: a cycling app"})
    for path, content_type in [(cards, "text/csv")] if cards else [(ROOT / "examples" / n, t) for n, t in EXAMPLES]:
        assert path is not None
        answer = api.upload(f"/api/projects/{project['id']}/cards", path.read_bytes(), content_type)
        console.print(f"{path.name}: {answer['created']} cards, {len(answer['rejected'])} rows rejected")
    with _bars(console) as bars:
        return project["id"], [_run(api, bars, project["id"], type_, label) for type_, label in STEPS]


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description:<15}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console) as bars:
        yield bars


def _run(api: Api, bars: Progress, project_id: str, type_: str, label: str) -> dict[str, Any]:
    bar = bars.add_task(label, total=100, detail="")
    request = {"type": type_, "options": {"mode": "compact", "pacing": "fast"}}
    run_id = api.post(f"/api/projects/{project_id}/runs", request)["runId"]
    ends = time.monotonic() + GIVE_UP_S
    while time.monotonic() < ends:
        run: dict[str, Any] = api.get(f"/api/runs/{run_id}/progress")
        _show(bars, bar, run)
        if run["status"] not in ("QUEUED", "RUNNING"):
            return run
        time.sleep(min(0.5, run["pollAfterMs"] / 1000))
    raise DemoFailed(f"{type_} has not ended after {GIVE_UP_S} s")


def _show(bars: Progress, bar: TaskID, run: dict[str, Any]) -> None:
    failed = f", [red]{run['failedItems']} failed[/red]" if run["failedItems"] else ""
    detail = f"{run['phaseDetail']}{failed} · {run['tokens']['output']} tokens out · ${run['costUsd']:.3f}"
    bars.update(bar, completed=run["progress"], detail=detail)


def summary(console: Console, project: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    table = Table(title="What came of it")
    for column in ("run", "status", "items", "made", "seconds", "tokens in / out", "cost"):
        table.add_column(column, justify="left" if column in ("run", "status") else "right")
    for run in runs:
        tokens = f"{run['tokens']['input']} / {run['tokens']['output']}"
        made = str(run["artifactsCreated"] or run["completedItems"])
        seconds = f"{run['elapsedMs'] / 1000:.1f}"
        table.add_row(
            run["type"], run["status"], str(run["totalItems"]), made, seconds, tokens, f"${run['costUsd']:.3f}"
        )
    console.print(table)
    counts = project["counts"]
    parts = ", ".join(f"{counts[name]} {name}" for name in ("cards", "epics", "stories", "subtasks"))
    cost, seconds = sum(run["costUsd"] for run in runs), sum(run["elapsedMs"] for run in runs) / 1000
    verb = "would have cost" if runs[0]["ai"] == "mock" else "cost"
    console.print(f"{parts} in {seconds:.0f} s; with {runs[0]['model']} it {verb} about ${cost:.2f}.")
    if runs[0]["ai"] == "mock":
        console.print("[bold yellow]The answers come from the MOCK model: set ANTHROPIC_API_KEY to use Claude.[/]")


def where_to_look(console: Console, system: LocalSystem, project_id: str) -> None:
    auth = f'-H "Authorization: Bearer {system.token}"'
    for path in (f"projects/{project_id}/epics", f"projects/{project_id}/export?format=markdown", "openapi.json"):
        console.print(f'curl {auth} "{system.url}/api/{path}"', soft_wrap=True, highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--cards", type=Path, help="a CSV of your own with a `text` column")
    arguments = parser.parse_args()
    exits = os.environ.get("EXIT") == "1"
    console = Console()
    env = {"GROUNDWORK_MOCK_LATENCY_MS": DEMO_LATENCY_MS} | dict(os.environ)
    host, port = os.environ.get("HOST") or "127.0.0.1", int(os.environ.get("PORT") or 3000)
    try:
        with LocalSystem(ROOT / "template.yaml", host=host, port=port, env=env, log=_only_warnings) as system:
            headers = {"Authorization": f"Bearer {system.token}"}
            with httpx.Client(base_url=system.url, headers=headers, timeout=60) as client:
                api = Api(client)
                project_id, runs = carry_through(api, console, arguments.cards)
                summary(console, api.get(f"/api/projects/{project_id}"), runs)
            where_to_look(console, system, project_id)
            if not exits:
                console.print(f"Groundwork goes on serving at {system.url}; Ctrl-C ends it.")
                _until_interrupted()
    except (DemoFailed, OSError) as fault:
        console.print(f"[red]{fault}[/red]")
        return 1
    return 0 if all(run["status"] == "SUCCEEDED" for run in runs) else 1


def _only_warnings(name: str, line: str) -> None:
    """A function's lines would tear the progress bars; what went wrong is shown all the same."""
    if '"level":"INFO"' not in line and "INFO" not in line.split("\t")[0]:
        logs.show(name, line)


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    sys.exit(main())
