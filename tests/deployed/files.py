"""Imports of files through the built functions: by a signed URL, and by S3's event."""

import gzip
import time
from typing import Any

import httpx

from tests.deployed.events import dead_letter_event, file_event, http_event, undelivered_event
from tests.deployed.system import Deployed, client

ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED", "REFUSED")


def lines(count: int) -> bytes:
    return ("text\n" + "".join(f"The export fails on sheet {number}\n" for number in range(count))).encode()


def put(system: Deployed, key: str, body: bytes) -> dict[str, Any]:
    """Put a file as another program does; return S3's event."""
    bucket = system.resources["PrivateBucket"]
    version = client("s3", system.endpoint.url).put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    return file_event(bucket, key, len(body), version)


def ask(system: Deployed, path: str, route: str, body: Any = None, expected: int = 200) -> Any:
    function = "StartRunFunction" if path.endswith("/start") else "ManageBacklogFunction"
    method = "GET" if body is None and function == "ManageBacklogFunction" else "POST"
    return system.request(function, http_event(method, path, route, body), expected)


def imports_of(system: Deployed, project: str) -> list[dict[str, Any]]:
    """Oldest first."""
    found = ask(system, f"/api/projects/{project}/imports", "/api/projects/{projectId}/imports")["items"]
    return list(found[::-1])


def all_ended(system: Deployed, project: str, count: int, seconds: float = 240) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while True:
        found = imports_of(system, project)
        if len(found) == count and all(one["status"] in ENDED for one in found):
            return found
        assert time.monotonic() < deadline, (found, system.logs("ProcessNextFunction")[-3000:])
        time.sleep(0.5)


def upload(system: Deployed, project: str, body: bytes) -> str:
    """Upload a file by its signed URL; return the import."""
    route = "/api/projects/{projectId}/imports"
    asked = {"name": "reviews.csv.gz", "size": len(body)}
    made = ask(system, f"/api/projects/{project}/imports", route, asked, 201)
    target = made["upload"]
    httpx.request(target["method"], target["url"], content=body, headers=target["headers"]).raise_for_status()
    id_: str = made["importId"]
    return id_


def use_every_import_endpoint(system: Deployed, project: str) -> None:
    """Import by every way, a file without feedback and a file for no project included."""
    queue = "QueueImportFunction"
    event = put(system, f"imports/{project}/june.csv", lines(90))
    assert system.invoke(queue, event).json() == {"end": "started"}
    # a repetition, a file behind it, one that is empty, and one for nobody
    assert system.invoke(queue, event).json() == {"end": "started"}
    assert not system.invoke(queue, put(system, f"imports/{project}/july.csv", lines(30))).error
    assert system.invoke(queue, put(system, f"imports/{project}/empty.csv", b"")).json() == {"end": "refused"}
    assert system.invoke(queue, put(system, "imports/nobody/a.csv", lines(1))).json() == {"end": "no_project"}
    assert [one["key"] for one in ask(system, "/api/imports", "/api/imports")["items"]] == ["imports/nobody/a.csv"]
    for letter in (dead_letter_event(system.names[queue], event), undelivered_event(event)):
        assert system.invoke("RetryRunsFunction", letter).json() == {"batchItemFailures": []}
    made = all_ended(system, project, 3)
    assert sorted((one["name"], one["counts"]["created"]) for one in made) == [
        ("empty.csv", 0),
        ("july.csv", 30),
        ("june.csv", 90),
    ], made
    _use_upload(system, project)


def _use_upload(system: Deployed, project: str) -> None:
    # a file that has to be unpacked into lines first
    import_id = upload(system, project, gzip.compress(lines(40) + b'"\n'))
    path, route = f"/api/imports/{import_id}", "/api/imports/{importId}"
    ask(system, f"{path}/start", f"{route}/start", expected=202)
    all_ended(system, project, 4)
    made = ask(system, path, route)
    assert (made["status"], made["counts"]["created"]) == ("SUCCEEDED", 40), made
    ask(system, f"{path}/rejected", f"{route}/rejected")
