"""Routes of imports: create, upload, start, list, rejected rows, and every clear refusal."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from functions.manage_backlog import app as backlog_app
from functions.start_run import app as start_app
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.imports.model import MAX_FILE_BYTES, StoredFile
from groundwork.runs.model import Run
from tests.events import Answer, Context, answer_of, api_event
from tests.functions.services import services_on
from tests.imports.world import ImportWorld

FILE = b"id,text\n1,The map is too dark to read\n2,\n3,Export fails on large sheets\n"

Call = Callable[..., Answer]


@pytest.fixture
def world(moto_tables: Tables) -> ImportWorld:
    return ImportWorld(moto_tables)


@pytest.fixture
def call(world: ImportWorld, monkeypatch: pytest.MonkeyPatch) -> Call:
    own = services_on(world.tables, files=world.files, invoke=world.triggered.append)
    for app in (backlog_app, start_app):
        monkeypatch.setattr(app, "services", lambda: own)

    def send(method: str, path: str, body: Any = None, **query: str) -> Answer:
        app = start_app if path.endswith(("/start", "/cancel")) else backlog_app
        event = api_event(method, path, body, query)
        return answer_of(app.handler(event, Context()), event)

    return send


def created(call: Call, world: ImportWorld, body: bytes = FILE, **parameters: Any) -> str:
    """Create an import and upload its file; return its id."""
    asked = {"name": "feedback.csv", "size": len(body), "parameters": parameters}
    answer = call("POST", f"/api/projects/{world.project_id}/imports", asked)
    assert answer.status == 201, answer.body
    import_id = str(answer.json["importId"])
    world.files.objects[f"uploads/{import_id}"] = body
    return import_id


def finished(call: Call, world: ImportWorld, import_id: str) -> dict[str, Any]:
    """Start an import, run it to its end and return it."""
    started = call("POST", f"/api/imports/{import_id}/start")
    assert (started.status, started.json["type"]) == (202, "IMPORT_CARDS"), started.body
    asyncio.run(world.to_the_end(started.json["runId"]))
    return dict(call("GET", f"/api/imports/{import_id}").json)


def problem(answer: Answer) -> tuple[int, str, list[str]]:
    error = answer.json["error"]
    fields = [one["field"] for one in error["details"]] if isinstance(error["details"], list) else []
    return answer.status, error["code"], fields


def test_an_import_goes_from_upload_to_cards(call: Call, world: ImportWorld) -> None:
    import_id = created(call, world)
    assert call("GET", f"/api/imports/{import_id}").json["status"] == "AWAITING_UPLOAD"
    shown = finished(call, world, import_id)
    assert (shown["status"], shown["error"], shown["encoding"]) == ("SUCCEEDED", None, "utf-8")
    assert shown["counts"] == {"created": 2, "duplicates": 0, "rejected": 1, "skipped": 0}
    assert world.texts() == ["The map is too dark to read", "Export fails on large sheets"]
    listed = call("GET", f"/api/projects/{world.project_id}/imports").json["items"]
    assert [(one["id"], one["status"], one["runId"]) for one in listed] == [(import_id, "SUCCEEDED", shown["runId"])]


def test_an_import_that_ends_while_it_is_read_shows_its_final_counts(
    call: Call, world: ImportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = world.tables.imports
    latest_runs = store.latest_runs

    def ends_before(run_ids: list[str]) -> dict[str, Run]:
        asyncio.run(world.to_the_end(run_ids[0]))
        return latest_runs(run_ids)

    for path in ("/api/imports/{0}", "/api/projects/{1}/imports"):
        import_id = created(call, world)
        call("POST", f"/api/imports/{import_id}/start")
        with monkeypatch.context() as patched:
            patched.setattr(store, "latest_runs", ends_before)
            shown = call("GET", path.format(import_id, world.project_id)).json
        (found,) = [one for one in shown.get("items", [shown]) if one["id"] == import_id]
        assert (found["status"], sum(found["counts"].values())) == ("SUCCEEDED", 3)


def test_the_upload_is_a_signed_request_for_bytes(call: Call, world: ImportWorld) -> None:
    asked = {"name": "a.csv", "size": 5}
    upload = call("POST", f"/api/projects/{world.project_id}/imports", asked).json["upload"]
    assert upload.keys() == {"url", "method", "headers", "expiresAt"}
    assert (upload["method"], upload["headers"]) == ("PUT", {"content-type": "application/octet-stream"})


def test_every_rejected_row_can_be_downloaded_page_by_page(call: Call, world: ImportWorld) -> None:
    rows = b"".join(b"%d,%s\n" % (row, b"" if row % 2 else b"Good text number %d" % row) for row in range(1, 601))
    import_id = created(call, world, b"id,text\n" + rows)
    assert finished(call, world, import_id)["counts"]["rejected"] == 300
    first = call("GET", f"/api/imports/{import_id}/rejected", limit="200").json
    rest = call("GET", f"/api/imports/{import_id}/rejected", limit="200", nextToken=first["nextToken"]).json
    found = first["items"] + rest["items"]
    assert [(one["row"], one["line"]) for one in found] == [(row, row + 1) for row in range(1, 601, 2)]
    assert rest["nextToken"] is None
    assert {one["reason"] for one in found} == {"text: must be a text that is not empty"}


def test_rejected_rows_come_as_csv(call: Call, world: ImportWorld) -> None:
    import_id = created(call, world)
    finished(call, world, import_id)
    answer = call("GET", f"/api/imports/{import_id}/rejected", format="csv")
    assert answer.body == "row,line,reason\r\n2,3,text: must be a text that is not empty\r\n"
    assert "attachment" in answer.headers["content-disposition"]


def test_a_second_start_gives_the_same_run(call: Call, world: ImportWorld) -> None:
    import_id = created(call, world)
    first = call("POST", f"/api/imports/{import_id}/start").json["runId"]
    assert call("POST", f"/api/imports/{import_id}/start").json["runId"] == first
    asyncio.run(world.to_the_end(first))
    assert call("POST", f"/api/imports/{import_id}/start").json["runId"] == first
    assert world.triggered == [first]


def test_a_start_without_a_file_is_refused(call: Call, world: ImportWorld) -> None:
    import_id = created(call, world)
    world.files.objects.clear()
    assert problem(call("POST", f"/api/imports/{import_id}/start")) == (422, "INVALID", ["file"])


@pytest.mark.parametrize("body", [b"", FILE + b"4,More\n"])
def test_a_file_of_another_size_is_refused(call: Call, world: ImportWorld, body: bytes) -> None:
    import_id = created(call, world)
    world.files.objects[f"uploads/{import_id}"] = body
    assert problem(call("POST", f"/api/imports/{import_id}/start")) == (422, "INVALID", ["size"])
    assert world.triggered == []


def test_a_second_import_of_a_project_waits_for_its_turn(call: Call, world: ImportWorld) -> None:
    first, second = created(call, world), created(call, world)
    run_id = call("POST", f"/api/imports/{first}/start").json["runId"]
    refused = call("POST", f"/api/imports/{second}/start")
    assert problem(refused)[:2] == (409, "RUN_ALREADY_ACTIVE")
    assert refused.json["error"]["details"] == {"runId": run_id}
    asyncio.run(world.to_the_end(run_id))
    assert finished(call, world, second)["counts"]["duplicates"] == 2


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"name": "a.csv", "size": 0}, "size"),
        ({"name": "a.csv", "size": MAX_FILE_BYTES + 1}, "size"),
        ({"name": " ", "size": 1}, "name"),
        ({"size": 1}, "name"),
        ({"name": "a.csv", "size": 1, "more": 1}, "more"),
        ({"name": "a.csv", "size": 1, "parameters": {"rows": 3}}, "parameters.rows"),
        ({"name": "a.csv", "size": 1, "parameters": {"timezone": "Mars/Base"}}, "parameters.timezone"),
        ({"name": "a.csv", "size": 1, "parameters": {"charset": "klingon"}}, "parameters.charset"),
        ({"name": "a.csv", "size": 1, "parameters": {"dedupe": "words"}}, "parameters.dedupe"),
    ],
)
def test_a_wrong_field_is_named(call: Call, world: ImportWorld, asked: dict[str, Any], field: str) -> None:
    answer = call("POST", f"/api/projects/{world.project_id}/imports", asked)
    assert problem(answer) == (422, "INVALID", [field])
    assert call("GET", f"/api/projects/{world.project_id}/imports").json["items"] == []


@pytest.mark.parametrize("id_", ["sjmvmbtfd2-IM1", "sjmvmbtfd2-R1", "sjmvmbtfd2", "nonsense", "sjmvmbtfd2-IM01"])
@pytest.mark.parametrize(("method", "below"), [("GET", ""), ("GET", "/rejected"), ("POST", "/start")])
def test_an_unknown_import_is_not_found(call: Call, id_: str, method: str, below: str) -> None:
    assert problem(call(method, f"/api/imports/{id_}{below}"))[:2] == (404, "NOT_FOUND")


def test_an_unknown_project_is_not_found(call: Call) -> None:
    assert call("POST", "/api/projects/zzzzzzzzzz/imports", {"name": "a", "size": 1}).status == 404
    assert call("GET", "/api/projects/zzzzzzzzzz/imports").status == 404


def test_imports_are_listed_newest_first_page_by_page(call: Call, world: ImportWorld) -> None:
    ids = [created(call, world) for _ in range(3)]
    first = call("GET", f"/api/projects/{world.project_id}/imports", limit="2").json
    rest = call("GET", f"/api/projects/{world.project_id}/imports", limit="2", nextToken=first["nextToken"]).json
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]


def test_a_file_without_a_known_column_shows_the_columns(call: Call, world: ImportWorld) -> None:
    import_id = created(call, world, b"a,b\n1,2\n3,4\n")
    shown = finished(call, world, import_id)
    assert (shown["status"], shown["error"]["code"]) == ("FAILED", "COLUMN_UNKNOWN")
    assert shown["error"]["columns"] == [{"name": "a", "samples": ["1", "3"]}, {"name": "b", "samples": ["2", "4"]}]


def test_a_cancelled_import_says_what_stays(call: Call, world: ImportWorld) -> None:
    import_id = created(call, world)
    run_id = call("POST", f"/api/imports/{import_id}/start").json["runId"]
    assert call("POST", f"/api/runs/{run_id}/cancel").status == 200
    shown = call("GET", f"/api/imports/{import_id}").json
    assert (shown["status"], shown["error"]["code"]) == ("CANCELLED", "CANCELLED")
    assert shown["error"]["message"] == "The import was cancelled. 0 cards were created and stay."


def test_the_cancel_of_an_import_starts_the_next_one(call: Call, world: ImportWorld) -> None:
    import_id = created(call, world)
    run_id = call("POST", f"/api/imports/{import_id}/start").json["runId"]
    world.files.objects["imports/p/a.csv"] = FILE
    file = world.files.find("imports/p/a.csv")
    assert isinstance(file, StoredFile)
    dropped = world.imports.create_from_object(world.project_id, file)
    assert world.imports.start_or_wait(dropped.id) is None
    assert call("GET", f"/api/imports/{dropped.id}").json["status"] == "WAITING"
    call("POST", f"/api/runs/{run_id}/cancel")
    assert call("GET", f"/api/imports/{dropped.id}").json["status"] == "QUEUED"


def test_an_import_cannot_start_as_a_plain_run(call: Call, world: ImportWorld) -> None:
    path = f"/api/projects/{world.project_id}/runs"
    event = api_event("POST", path, {"type": "IMPORT_CARDS"}, {})
    answer = answer_of(start_app.handler(event, Context()), event)
    assert problem(answer) == (422, "INVALID", ["type"])
