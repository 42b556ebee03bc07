"""manage_backlog on events of API Gateway: requests of clients and their answers."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.manage_backlog import app
from groundwork.adapters.dynamodb.run_rows import LockRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.api import http
from tests.events import Answer, Context, answer_of, api_event
from tests.functions.services import services_on

Call = Callable[..., Answer]


@pytest.fixture
def call(moto_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setattr(app, "services", lambda: services_on(moto_tables))

    def send(method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **headers: str) -> Answer:
        event = api_event(method, path, body, query, **headers)
        return answer_of(app.handler(event, Context()), event)

    return send


@pytest.fixture
def project(call: Call) -> str:
    answer = call("POST", "/api/projects", {"name": "Shop", "description": "All of it"})
    assert answer.status == 201
    return str(answer.json["id"])


def created(call: Call, path: str, **body: Any) -> dict[str, Any]:
    answer = call("POST", path, body)
    assert answer.status == 201, answer.body
    return dict(answer.json)


def counts(call: Call, project: str) -> dict[str, int]:
    return dict(call("GET", f"/api/projects/{project}").json["counts"])


def imported(created: int, duplicates: int = 0) -> dict[str, Any]:
    """The answer of an import without a bad row."""
    counts = {"created": created, "duplicates": duplicates, "rejectedCount": 0}
    return counts | {"rejected": [], "warnings": []}


def tree(call: Call, project: str) -> tuple[str, str, str]:
    epic = created(call, f"/api/projects/{project}/epics", title="Pay")["id"]
    story = created(call, f"/api/epics/{epic}/stories", title="Pay by card")["id"]
    subtask = created(call, f"/api/stories/{story}/subtasks", title="Build the form")["id"]
    return epic, story, subtask


def test_a_project_is_made_read_changed_and_deleted(call: Call, project: str) -> None:
    path = f"/api/projects/{project}"
    got = call("GET", path).json
    assert set(got) == {"id", "name", "description", "createdAt", "counts"}
    assert got["counts"] == {"cards": 0, "epics": 0, "stories": 0, "subtasks": 0}
    assert call("PATCH", path, {"name": "Store"}).json == got | {"name": "Store"}
    assert call("DELETE", path).status == 204
    assert call("GET", path).status == 404
    assert call("GET", "/api/projects").json["items"] == []


def test_every_answer_has_the_contracts_headers(call: Call, project: str) -> None:
    for answer in (call("GET", "/api/health"), call("GET", f"/api/projects/{project}"), call("GET", "/api/nothing")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"] == "UbhDxjJWDoEEJZQ="
        assert answer.headers["content-type"].startswith("application/json")


def test_health_says_ok(call: Call) -> None:
    assert call("GET", "/api/health").json["status"] == "ok"


def test_the_api_serves_its_own_description(call: Call) -> None:
    document = call("GET", "/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert "/api/projects/{project_id}/export" in {
        path.replace("projectId", "project_id") for path in document["paths"]
    }


def test_projects_are_listed_newest_first_in_pages(call: Call) -> None:
    ids = [created(call, "/api/projects", name=f"P{number}")["id"] for number in range(5)]
    listed: list[str] = []
    query = {"limit": "2"}
    while True:
        page = call("GET", "/api/projects", query=query).json
        listed += [item["id"] for item in page["items"]]
        if page["nextToken"] is None:
            break
        query["nextToken"] = page["nextToken"]
    assert sorted(listed) == sorted(ids)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps({"cards": [{"text": "Slow 🐌", "externalId": "a"}, {"text": "Blue"}]})),
        ("text/csv", 'text,externalId,stars\n"Slow 🐌",a,2\nBlue,,5\n'),
        ("application/x-ndjson", '{"text": "Slow 🐌", "externalId": "a"}\n{"text": "Blue"}\n'.encode()),
    ],
)
def test_cards_come_in_every_format(call: Call, project: str, content_type: str, body: str | bytes) -> None:
    path = f"/api/projects/{project}/cards"
    answer = call("POST", path, body, content_type=content_type)
    assert (answer.status, answer.json) == (200, imported(created=2))
    again = call("POST", path, body, content_type=content_type)
    assert again.json == imported(created=1, duplicates=1)
    cards = call("GET", path).json["items"]
    assert [card["text"] for card in cards] == ["Slow 🐌", "Blue", "Blue"]
    assert cards[0]["externalId"] == "a"
    assert cards[0]["analysis"] is None
    assert counts(call, project)["cards"] == 3


def test_a_bad_row_is_rejected_and_the_others_are_kept(call: Call, project: str) -> None:
    body = {"cards": [{"text": "Good"}, {"text": " "}, {"text": "Bad", "colour": "red"}]}
    answer = call("POST", f"/api/projects/{project}/cards", body).json
    assert answer["created"] == 1
    assert [rejected["row"] for rejected in answer["rejected"]] == [2, 3]


def test_a_backlog_is_written_by_hand(call: Call, project: str) -> None:
    epic, story, subtask = tree(call, project)
    assert (epic, story, subtask) == (f"{project}-E1", f"{project}-E1-S1", f"{project}-E1-S1-ST1")
    assert call("GET", f"/api/stories/{story}").json == {
        "id": story,
        "epicId": epic,
        "projectId": project,
        "code": "S1",
        "title": "Pay by card",
        "role": "",
        "want": "",
        "benefit": "",
        "acceptanceCriteria": [],
        "priority": "medium",
        "effort": "M",
        "cardIds": [],
        "runId": None,
        "madeBy": "person",
        "createdAt": call("GET", f"/api/stories/{story}").json["createdAt"],
        "plans": [],
    }
    for path in (f"/api/projects/{project}/stories", f"/api/epics/{epic}/stories"):
        assert [item["id"] for item in call("GET", path).json["items"]] == [story]
    for path in (f"/api/projects/{project}/subtasks", f"/api/stories/{story}/subtasks"):
        assert [item["id"] for item in call("GET", path).json["items"]] == [subtask]
    assert counts(call, project) == {"cards": 0, "epics": 1, "stories": 1, "subtasks": 1}


def test_each_item_names_its_origin_and_an_edit_leaves_it(call: Call, project: str) -> None:
    place = f"/api/projects/{project}/cards"
    call("POST", place, {"cards": [{"text": "From a file"}]})
    call("POST", place, {"cards": [{"text": "Typed"}]}, {"madeBy": "person"})
    cards = {card["text"]: card for card in call("GET", place).json["items"]}
    assert {text: card["madeBy"] for text, card in cards.items()} == {"From a file": "import", "Typed": "person"}
    changed = call("PATCH", f"/api/cards/{cards['From a file']['id']}", {"text": "In other words"})
    assert changed.json["madeBy"] == "import"
    for kind, id_ in zip(("epics", "stories", "subtasks"), tree(call, project), strict=True):
        assert call("GET", f"/api/{kind}/{id_}").json["madeBy"] == "person"
        assert call("PATCH", f"/api/{kind}/{id_}", {"title": "Another"}).json["madeBy"] == "person"


def test_a_story_and_a_subtask_can_be_made_on_the_projects_lists(call: Call, project: str) -> None:
    epic, story, _ = tree(call, project)
    second = created(call, f"/api/projects/{project}/stories", title="Refund", epicId=epic)
    assert second["epicId"] == epic
    made = created(call, f"/api/projects/{project}/subtasks", title="Test it", storyId=story, effort="XL")
    assert (made["storyId"], made["effort"], made["code"]) == (story, "XL", "ST2")
    elsewhere = call("POST", f"/api/projects/{project}/stories", {"title": "X", "epicId": "23456789bc-E1"})
    assert elsewhere.status == 422
    assert elsewhere.json["error"]["details"][0]["field"] == "epicId"


def test_a_patch_changes_what_it_names_and_nothing_else(call: Call, project: str) -> None:
    epic, story, subtask = tree(call, project)
    for path, change in (
        (f"/api/epics/{epic}", {"goal": "More sales", "priority": "critical"}),
        (f"/api/stories/{story}", {"acceptanceCriteria": ["Given …"], "effort": "XS"}),
        (f"/api/subtasks/{subtask}", {"description": "In two steps", "title": "Other"}),
    ):
        before = call("GET", path).json
        patched = call("PATCH", path, change)
        assert patched.status == 200, patched.body
        assert patched.json == before | change
        assert call("GET", path).json == before | change


def test_an_epic_names_only_cards_of_its_project(call: Call, project: str) -> None:
    call("POST", f"/api/projects/{project}/cards", {"cards": [{"text": "Slow"}]})
    epic = created(call, f"/api/projects/{project}/epics", title="Speed", cardIds=[f"{project}-C1"])
    assert epic["cardIds"] == [f"{project}-C1"]
    others = [f"{project}-C1", "23456789bc-C1", f"{project}-C2"]
    foreign = call("PATCH", f"/api/epics/{epic['id']}", {"cardIds": others})
    assert foreign.status == 422
    assert foreign.json["error"]["details"] == [
        {"field": "cardIds[1]", "message": "is not a card of this project"},
        {"field": "cardIds[2]", "message": "is not a card of this project"},
    ]


def test_deleting_an_epic_takes_all_below_with_it(call: Call, project: str) -> None:
    epic, story, subtask = tree(call, project)
    assert call("DELETE", f"/api/epics/{epic}").status == 204
    for path in (f"/api/epics/{epic}", f"/api/stories/{story}", f"/api/subtasks/{subtask}"):
        assert call("GET", path).json["error"]["code"] == "NOT_FOUND"
    assert counts(call, project) == {"cards": 0, "epics": 0, "stories": 0, "subtasks": 0}
    assert created(call, f"/api/projects/{project}/epics", title="Next")["code"] == "E2"


def test_what_a_run_works_on_is_not_deleted(call: Call, project: str) -> None:
    epic, _, subtask = tree(call, project)
    LockRow(project, "LOCK#GENERATE_SUBTASKS", run_id=f"{project}-R1", replaces=False).save()
    for path in (f"/api/projects/{project}", f"/api/epics/{epic}", f"/api/subtasks/{subtask}"):
        answer = call("DELETE", path)
        assert answer.status == 409
        assert answer.json["error"]["code"] == "BACKLOG_IN_USE"
        assert answer.json["error"]["details"] == {"runId": f"{project}-R1"}
    LockRow(project, "LOCK#GENERATE_SUBTASKS").delete()
    assert call("DELETE", f"/api/subtasks/{subtask}").status == 204


def test_the_export_is_a_file_that_others_can_read(call: Call, project: str) -> None:
    tree(call, project)
    path = f"/api/projects/{project}/export"
    as_json = call("GET", path, query={"format": "json"})
    assert as_json.json["epics"][0]["stories"][0]["subtasks"][0]["title"] == "Build the form"
    as_csv = call("GET", path, query={"format": "csv"})
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert as_csv.headers["content-disposition"] == 'attachment; filename="shop.csv"'
    rows = list(csv.DictReader(io.StringIO(as_csv.body.removeprefix("\ufeff"))))
    assert [row["code"] for row in rows] == ["E1", "E1-S1", "E1-S1-ST1"]
    assert call("GET", path, query={"format": "markdown"}).body.startswith("# Shop")
    assert call("GET", path, query={"format": "jira"}).status == 200


def test_an_export_larger_than_an_answer_can_be_is_refused(
    call: Call, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(call, project)
    monkeypatch.setattr(http, "MIN_GZIP_CHARACTERS", 100)
    monkeypatch.setattr(http, "MAX_BYTES", 100)
    answer = call("GET", f"/api/projects/{project}/export")
    assert (answer.status, answer.json["error"]["code"]) == (413, "TOO_LARGE")


def test_pages_of_long_cards_fit_into_an_answer(call: Call, project: str) -> None:
    body = json.dumps({"cards": [{"text": "😀" * 10_000}] * 80}, ensure_ascii=False)
    for _ in range(2):
        assert call("POST", f"/api/projects/{project}/cards", body).json["created"] == 80
    found, query = 0, {"limit": "200"}
    while True:
        answer = call("GET", f"/api/projects/{project}/cards", query=query)
        assert len(json.dumps(answer.body, ensure_ascii=False).encode()) < http.MAX_BYTES
        found += len(answer.json["items"])
        if answer.json["nextToken"] is None:
            break
        query["nextToken"] = answer.json["nextToken"]
    assert found == 160
