"""Files of any size through the local system: upload by signed URL, start, watch, kill, result."""

import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.system import LocalSystem
from tests.faults.quick_clock import Durations
from tests.system.client import Client, running


@pytest.fixture(scope="module")
def quick() -> Iterator[tuple[LocalSystem, Client]]:
    with running(Durations(), GROUNDWORK_AI="mock") as system:
        yield system


def file_of(rows: int) -> bytes:
    """Write a CSV file with line breaks within cells; each tenth row has no text."""
    lines = [b"Id,Feedback,Created at\n"]
    for row in range(1, rows + 1):
        text = b"" if row % 10 == 0 else b'"The map is dark\nin tunnel number %d"' % row
        lines.append(b"%d,%s,2026-03-01T10:00:00Z\n" % (row, text))
    return b"".join(lines)


def uploaded(client: Client, project: str, body: bytes, name: str = "feedback.csv", **parameters: Any) -> str:
    """Create an import and send its file as the answer says; return its id."""
    asked = {"name": name, "size": len(body), "parameters": parameters}
    made = client.ok(client.http.post(f"/api/projects/{project}/imports", json=asked), 201)
    upload = made["upload"]
    # no token: the signature alone opens the bucket
    sent = httpx.request(upload["method"], upload["url"], headers=upload["headers"], content=body)
    assert sent.is_success, sent.text
    return str(made["importId"])


def started(client: Client, import_id: str) -> str:
    return str(client.ok(client.http.post(f"/api/imports/{import_id}/start"), 202)["runId"])


def new_project(client: Client) -> str:
    return str(client.ok(client.http.post("/api/projects", json={"name": "Files"}), 201)["id"])


@pytest.mark.full
@pytest.mark.slow(reason="the schedule takes a run over once its lease has ended")
def test_an_import_whose_worker_is_killed_counts_every_row_once(quick: tuple[LocalSystem, Client]) -> None:
    system, client = quick
    project = new_project(client)
    import_id = uploaded(client, project, file_of(700))
    kills: list[int] = []

    def kill(progress: dict[str, Any]) -> None:
        if progress["completedItems"] >= 5 and not kills:
            system.kill_sandboxes("ProcessNextFunction")
            kills.append(progress["completedItems"])
        if progress["stale"]:
            system.fire_schedules("RetryRunsFunction")

    run_id = started(client, import_id)
    run = client.ended(run_id, kill)
    assert (run["status"], len(kills), run["type"]) == ("SUCCEEDED", 1, "IMPORT_CARDS")
    assert 0 < kills[0] < run["totalItems"]
    assert run["artifactsCreated"] == 630
    shown = client.ok(client.http.get(f"/api/imports/{import_id}"))
    assert shown["counts"] == {"created": 630, "duplicates": 0, "rejected": 70, "skipped": 0}
    assert started(client, import_id) == run_id
    texts = [card["text"] for card in client.every(f"/api/projects/{project}/cards")]
    assert texts == [f"The map is dark\nin tunnel number {row}" for row in range(1, 701) if row % 10]
    assert client.ok(client.http.get(f"/api/projects/{project}"))["counts"]["cards"] == 630
    rejected = client.every(f"/api/imports/{import_id}/rejected")
    assert [one["row"] for one in rejected] == list(range(10, 701, 10))


def test_a_compressed_file_is_staged_and_a_second_import_doubles_nothing(quick: tuple[LocalSystem, Client]) -> None:
    _, client = quick
    project = new_project(client)
    for created, duplicates in ((180, 0), (0, 180)):
        import_id = uploaded(client, project, gzip.compress(file_of(200)), "feedback.csv.gz", personal="drop")
        assert client.ended(started(client, import_id))["status"] == "SUCCEEDED"
        counts = client.ok(client.http.get(f"/api/imports/{import_id}"))["counts"]
        assert counts == {"created": created, "duplicates": duplicates, "rejected": 20, "skipped": 0}


def test_a_file_that_is_no_feedback_fails_with_its_reason(quick: tuple[LocalSystem, Client]) -> None:
    _, client = quick
    project = new_project(client)
    import_id = uploaded(client, project, b"%PDF-1.7 nothing here", "report.pdf")
    run = client.ended(started(client, import_id))
    assert (run["status"], run["errorMessage"]) == (
        "FAILED",
        "This is a PDF: export the table as CSV or xlsx instead.",
    )
    shown = client.ok(client.http.get(f"/api/imports/{import_id}"))
    assert (shown["status"], shown["error"]["message"]) == ("FAILED", run["errorMessage"])
    assert client.ok(client.http.get(f"/api/projects/{project}"))["counts"]["cards"] == 0
