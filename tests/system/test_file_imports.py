"""Files on the local system: uploads by a signed URL, and files put by other programs."""

import gzip
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest

from local.system import LocalSystem
from tests.local.waiting import until
from tests.system.client import Client

System = tuple[LocalSystem, Client]
BUCKET = "private-bucket"
PAGE = "http://127.0.0.1:3000"
ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED", "REFUSED")


@pytest.fixture
def project(mocked: System) -> str:
    client = mocked[1]
    id_: str = client.ok(client.http.post("/api/projects", json={"name": "Files"}))["id"]
    return id_


def lines(count: int, start: int = 0) -> bytes:
    return ("text\n" + "".join(f"Feedback {number} of a shop\n" for number in range(start, start + count))).encode()


@pytest.fixture
def put(mocked: System, project: str) -> Callable[[str, bytes], None]:
    """Put a file as another program does, by S3 alone."""

    def put(name: str, body: bytes) -> None:
        mocked[0].client("s3").put_object(Bucket=BUCKET, Key=f"imports/{project}/{name}", Body=body)

    return put


def imports_of(client: Client, project: str) -> list[dict[str, Any]]:
    """Oldest first."""
    return client.every(f"/api/projects/{project}/imports")[::-1]


def all_ended(client: Client, project: str, count: int) -> list[dict[str, Any]]:
    def ended() -> bool:
        found = imports_of(client, project)
        return len(found) == count and all(one["status"] in ENDED for one in found)

    until(ended, 240)
    return imports_of(client, project)


def upload(client: Client, project: str, name: str, body: bytes) -> str:
    asked = {"name": name, "size": len(body), "parameters": {}}
    made = client.ok(client.http.post(f"/api/projects/{project}/imports", json=asked), 201)
    target = made["upload"]
    headers = target["headers"] | {"Origin": PAGE}
    preflight = {"Access-Control-Request-Method": target["method"], "Access-Control-Request-Headers": "content-type"}
    assert httpx.options(target["url"], headers={"Origin": PAGE} | preflight).is_success
    sent = httpx.request(target["method"], target["url"], content=body, headers=headers)
    assert sent.is_success, sent.text
    assert sent.headers["access-control-allow-origin"] in ("*", PAGE)
    id_: str = made["importId"]
    return id_


def test_an_uploaded_file_is_imported_by_a_run_and_not_once_more_by_its_event(mocked: System, project: str) -> None:
    client = mocked[1]
    import_id = upload(client, project, "reviews.csv.gz", gzip.compress(lines(300)))
    run = client.ok(client.http.post(f"/api/imports/{import_id}/start"), 202)["runId"]
    assert client.ended(run)["status"] == "SUCCEEDED"
    (made,) = all_ended(client, project, 1)
    assert (made["origin"], made["counts"]["created"], made["runId"]) == ("upload", 300, run)
    assert len(client.every(f"/api/projects/{project}/cards")) == 300


def test_files_put_at_once_are_imported_one_after_another(
    mocked: System, project: str, put: Callable[[str, bytes], None]
) -> None:
    client = mocked[1]
    names = ["a b.csv", "ä%2F.csv", "c/../d.csv"]
    for number, name in enumerate(names):
        put(name, lines(60, number * 60))
    made = all_ended(client, project, 3)
    assert sorted(one["name"] for one in made) == sorted(names)
    assert [one["counts"]["created"] for one in made] == [60, 60, 60]
    runs = client.every(f"/api/projects/{project}/runs")
    spans = sorted((run["startedAt"], run["completedAt"]) for run in runs)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_a_file_that_is_no_feedback_shows_why(mocked: System, project: str, put: Callable[[str, bytes], None]) -> None:
    client = mocked[1]
    put("report.pdf", b"%PDF-1.7\n" + bytes(4_000))
    put("empty.csv", b"")
    reasons = {one["name"]: (one["status"], one["error"]["message"]) for one in all_ended(client, project, 2)}
    assert reasons["report.pdf"][0] == "FAILED"
    assert "PDF" in reasons["report.pdf"][1]
    assert reasons["empty.csv"][0] == "REFUSED"
    assert "empty" in reasons["empty.csv"][1]


def test_a_file_for_no_project_is_listed(mocked: System) -> None:
    system, client = mocked
    system.client("s3").put_object(Bucket=BUCKET, Key="imports/bcdfghjkmn/a.csv", Body=b"text\nGood\n")
    until(lambda: "imports/bcdfghjkmn/a.csv" in [one["key"] for one in client.every("/api/imports")], 60)


@pytest.mark.slow(reason="the lease of a killed worker has to expire")
def test_a_file_whose_worker_is_killed_is_imported_once(
    mocked: System, project: str, put: Callable[[str, bytes], None]
) -> None:
    system, client = mocked
    put("large.csv", lines(2_500))
    # S3 does not promise the order of its events
    until(lambda: imports_of(client, project) != [], 60)
    put("next.csv", lines(10, 9_000))
    until(lambda: any(one["counts"]["created"] > 200 for one in imports_of(client, project)), 120)
    assert system.kill_sandboxes("ProcessNextFunction") > 0
    made = all_ended(client, project, 2)
    assert [(one["status"], one["counts"]["created"]) for one in made] == [("SUCCEEDED", 2_500), ("SUCCEEDED", 10)]
    texts = [card["text"] for card in client.every(f"/api/projects/{project}/cards")]
    assert len(texts) == len(set(texts)) == 2_510
