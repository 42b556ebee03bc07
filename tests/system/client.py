"""A front end for the tests, and the local system on the real template for it to talk to."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from local.system import LocalSystem
from tests.faults.quick_clock import Durations, quick_template
from tests.openapi import must_conform

ROOT = Path(__file__).resolve().parents[2]
ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")
PATIENCE_S = 240
POLL_S = 0.25
"""Seconds between two looks; each takes processor time of the system that it waits for."""


class Client:
    """A front end, as far as these tests need one."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def project(self, cards: int) -> str:
        id_: str = self.ok(self.http.post("/api/projects", json={"name": "Test"}))["id"]
        texts = ["The app crashes when I pay", "Please add a dark mode", "Search is slow and finds nothing"]
        body = {"cards": [{"text": f"{texts[n % 3]} ({n})", "externalId": f"x{n}"} for n in range(cards)]}
        assert self.ok(self.http.post(f"/api/projects/{id_}/cards", json=body))["created"] == cards
        return id_

    def start(self, project: str, type_: str, **options: Any) -> str:
        request = {"type": type_, "options": {"pacing": "fast", "mode": "compact"} | options}
        run: str = self.ok(self.http.post(f"/api/projects/{project}/runs", json=request), 202)["runId"]
        return run

    def progress(self, run: str) -> dict[str, Any]:
        progress: dict[str, Any] = self.ok(self.http.get(f"/api/runs/{run}/progress"))
        parts = ("pendingItems", "activeItems", "completedItems", "failedItems", "skippedItems")
        assert sum(progress[part] for part in parts) == progress["totalItems"]
        return progress

    def ended(self, run: str, meanwhile: Callable[[dict[str, Any]], None] = lambda progress: None) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE_S
        last = -1
        while time.monotonic() < ends:
            progress = self.progress(run)
            done = progress["completedItems"] + progress["failedItems"] + progress["skippedItems"]
            assert done >= last, "progress went back"
            last = done
            if progress["status"] in ENDED:
                return progress
            meanwhile(progress)
            time.sleep(POLL_S)
        raise AssertionError(f"the run has not ended: {progress}")

    def until(self, run: str, seen: Callable[[dict[str, Any]], bool]) -> None:
        ends = time.monotonic() + PATIENCE_S
        while not seen(progress := self.progress(run)):
            assert time.monotonic() < ends, f"that has not come: {progress}"
            time.sleep(POLL_S)

    def run(self, project: str, type_: str, **options: Any) -> dict[str, Any]:
        return self.ended(self.start(project, type_, **options))

    def every(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self.ok(self.http.get(path, params={"limit": 200} | ({"nextToken": token} if token else {})))
            found += page["items"]
            token = page["nextToken"]
            if not token:
                return found

    @staticmethod
    def ok(response: httpx.Response, status: int | None = None) -> Any:
        assert response.is_success, response.text
        assert status in (None, response.status_code)
        assert response.headers["cache-control"] == "no-store"
        return response.json()


def _must_conform(response: httpx.Response) -> None:
    """Check a response against the OpenAPI document. Raises AssertionError."""
    if "x-request-id" not in response.headers:
        # API Gateway's own answer, not a function's
        return
    body = response.read().decode()
    must_conform(response.request.method, response.request.url.path, response.status_code, response.headers, body)


@contextmanager
def _template(durations: Durations | None, template: Path) -> Iterator[Path]:
    if durations is None:
        yield template
        return
    with TemporaryDirectory() as directory:
        yield quick_template(Path(directory), durations)


@contextmanager
def running(
    durations: Durations | None = None, template: Path = ROOT / "template.yaml", **settings: str
) -> Iterator[tuple[LocalSystem, Client]]:
    """`durations`: of leases, in place of the real ones."""
    shell = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GROUNDWORK_", "ANTH"))}
    with (
        _template(durations, template) as used,
        LocalSystem(
            used, env=shell | settings, retry_delays=(0.1, 0.2), minute=4.0, poll_interval=0.4, warm=False
        ) as system,
        httpx.Client(
            base_url=system.url,
            headers={"Authorization": f"Bearer {system.token}"},
            timeout=120,
            event_hooks={"response": [_must_conform]},
        ) as http,
    ):
        yield system, Client(http)
