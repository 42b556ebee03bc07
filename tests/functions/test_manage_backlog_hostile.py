"""manage_backlog under hostile clients: every endpoint, and always an error of the API."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.manage_backlog import app
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.composition import Services
from tests.events import Answer, Context, answer_of, api_event
from tests.functions.services import services_on
from tests.tables import make_tables

Call = Callable[..., Answer]

PROJECT, OTHER = "{project}", "23456789bc"
CREATES = [
    "/api/projects",
    f"/api/projects/{PROJECT}/epics",
    f"/api/projects/{PROJECT}/stories",
    f"/api/projects/{PROJECT}/subtasks",
    f"/api/epics/{PROJECT}-E1/stories",
    f"/api/stories/{PROJECT}-E1-S1/subtasks",
]
THINGS = [
    f"/api/projects/{PROJECT}",
    f"/api/cards/{PROJECT}-C1",
    f"/api/epics/{PROJECT}-E1",
    f"/api/stories/{PROJECT}-E1-S1",
    f"/api/subtasks/{PROJECT}-E1-S1-ST1",
]
LISTS = [
    "/api/projects",
    f"/api/projects/{PROJECT}/cards",
    f"/api/projects/{PROJECT}/epics",
    f"/api/projects/{PROJECT}/stories",
    f"/api/projects/{PROJECT}/subtasks",
    f"/api/epics/{PROJECT}-E1/stories",
    f"/api/stories/{PROJECT}-E1-S1/subtasks",
]
WRITES = [*(("POST", path) for path in CREATES), *(("PATCH", path) for path in THINGS)]


@pytest.fixture(scope="module")
def backlog(moto_server: str) -> Iterator[tuple[Tables, str]]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        tables = make_tables(moto_server)
        yield tables, tables.projects.create("Shop", "").id


@pytest.fixture
def call(backlog: tuple[Tables, str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Paths and bodies may name {project}: it has one epic, story, subtask and card."""
    tables, project = backlog
    monkeypatch.setattr(app, "services", lambda: services_on(tables))

    def send(method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **headers: str) -> Answer:
        filled = body.replace(PROJECT, project) if isinstance(body, str) else body
        event = api_event(method, path.replace(PROJECT, project), filled, query, **headers)
        return answer_of(app.handler(event, Context()), event)

    if tables.projects.get(project).counts.epics == 0:
        send("POST", f"/api/projects/{PROJECT}/cards", {"cards": [{"text": "Slow"}]})
        send("POST", f"/api/projects/{PROJECT}/epics", {"title": "E"})
        send("POST", f"/api/epics/{PROJECT}-E1/stories", {"title": "S"})
        send("POST", f"/api/stories/{PROJECT}-E1-S1/subtasks", {"title": "ST"})
    return send


def refused(answer: Answer, status: int, code: str) -> Any:
    """Check the parts of every error, and return its details."""
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.body
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) == {"code", "message", "details", "requestId"}
    assert answer.json["error"]["message"]
    assert answer.json["error"]["requestId"] == answer.headers["x-request-id"] == "UbhDxjJWDoEEJZQ="
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    return answer.json["error"]["details"]


def fields(answer: Answer) -> list[str]:
    details = refused(answer, 422, "INVALID")
    assert all(set(problem) == {"field", "message"} for problem in details)
    return [problem["field"] for problem in details]


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("POST", f"/api/projects/{PROJECT}/cards")])
@pytest.mark.parametrize("body", ["{", "nope", "{'a': 1}", '{"name": ', "[" * 100_000, b"\xff\xfe{}"])
def test_what_is_no_json_is_malformed(call: Call, method: str, path: str, body: str | bytes) -> None:
    refused(call(method, path, body), 400, "MALFORMED")


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_number_of_thousands_of_digits_is_malformed(call: Call, method: str, path: str) -> None:
    refused(call(method, path, '{"name": ' + "1" * 5_000 + "}"), 400, "MALFORMED")


def test_a_number_of_thousands_of_digits_in_a_file_is_kept_as_text(call: Call) -> None:
    line = '{"text": "x", "votes": ' + "1" * 5_000 + "}"
    project = call("POST", "/api/projects", {"name": "Numbers"}).json["id"]
    answer = call("POST", f"/api/projects/{project}/cards", line, content_type="application/x-ndjson")
    assert (answer.status, answer.json["created"]) == (200, 1)


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("POST", f"/api/projects/{PROJECT}/cards")])
@pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", "true"])
def test_a_body_that_is_no_object_is_invalid(call: Call, method: str, path: str, body: str) -> None:
    assert fields(call(method, path, body))


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_an_absent_body_is_invalid(call: Call, method: str, path: str) -> None:
    assert fields(call(method, path))


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_an_unknown_field_is_named(call: Call, method: str, path: str) -> None:
    assert "colour" in fields(call(method, path, {"colour": "red", "title": "T", "name": "N"}))


@pytest.mark.parametrize("path", THINGS)
def test_an_empty_patch_is_invalid(call: Call, path: str) -> None:
    assert fields(call("PATCH", path, {}))


@pytest.mark.parametrize(
    ("path", "field"),
    [(path, field) for path in THINGS for field in ("id", "projectId", "createdAt", "code", "runId", "counts")],
)
def test_what_is_not_editable_is_refused(call: Call, path: str, field: str) -> None:
    assert field in fields(call("PATCH", path, {field: "x"}))


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/projects", {"name": ""}, "name"),
        ("/api/projects", {"name": "   "}, "name"),
        ("/api/projects", {"name": None}, "name"),
        ("/api/projects", {"name": 7}, "name"),
        ("/api/projects", {"name": "x" * 201}, "name"),
        ("/api/projects", {"name": "x", "description": "y" * 5_001}, "description"),
        ("/api/projects", '{"name": "\\ud800"}', "name"),
        (f"/api/projects/{PROJECT}/epics", {"title": ""}, "title"),
        (f"/api/projects/{PROJECT}/epics", {"title": "  "}, "title"),
        (f"/api/projects/{PROJECT}/epics", {"title": "x", "priority": "urgent"}, "priority"),
        (f"/api/projects/{PROJECT}/epics", {"title": "x", "cardIds": "C1"}, "cardIds"),
        (f"/api/projects/{PROJECT}/epics", {"title": "x", "cardIds": ["C1"]}, "cardIds[0]"),
        (f"/api/projects/{PROJECT}/epics", {"title": "x", "cardIds": [None]}, "cardIds[0]"),
        (f"/api/projects/{PROJECT}/epics", {"title": "x", "cardIds": [f"{OTHER}-C1"]}, "cardIds[0]"),
        (f"/api/epics/{PROJECT}-E1/stories", {"title": "x", "effort": "XXL"}, "effort"),
        (f"/api/epics/{PROJECT}-E1/stories", {"title": "x", "acceptanceCriteria": [""]}, "acceptanceCriteria[0]"),
        (f"/api/epics/{PROJECT}-E1/stories", {"title": "x", "acceptanceCriteria": ["a"] * 21}, "acceptanceCriteria"),
        (f"/api/epics/{PROJECT}-E1/stories", {"title": "x", "epicId": f"{OTHER}-E1"}, "epicId"),
        (f"/api/projects/{PROJECT}/stories", {"title": "x"}, "epicId"),
        (f"/api/projects/{PROJECT}/stories", {"title": "x", "epicId": f"{OTHER}-E1"}, "epicId"),
        (f"/api/projects/{PROJECT}/subtasks", {"title": "x", "storyId": ["a"]}, "storyId"),
        (f"/api/projects/{PROJECT}/cards", {}, "cards"),
        (f"/api/projects/{PROJECT}/cards", {"cards": []}, "cards"),
        (f"/api/projects/{PROJECT}/cards", {"cards": {"text": "x"}}, "cards"),
        (f"/api/projects/{PROJECT}/cards", {"cards": [{"text": "x"}], "dryRun": True}, "dryRun"),
    ],
)
def test_a_post_names_the_field_that_is_wrong(call: Call, path: str, body: Any, field: str) -> None:
    assert field in fields(call("POST", path, body))


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (THINGS[0], {"name": None}, "name"),
        (THINGS[1], {"text": ""}, "text"),
        (THINGS[1], {"text": "x" * 10_001}, "text"),
        (THINGS[1], {"source": 5}, "source"),
        (THINGS[1], {"metadata": []}, "metadata"),
        (THINGS[1], {"metadata": {"a": "x" * 20_001}}, "metadata"),
        (THINGS[1], '{"metadata": {"a": NaN}}', "metadata"),
        (THINGS[1], '{"metadata": {"a": "\\ud800"}}', "metadata"),
        (THINGS[1], {"analysis": None}, "analysis"),
        (THINGS[1], {"externalId": "x"}, "externalId"),
        (THINGS[2], {"title": None}, "title"),
        (THINGS[2], {"cardIds": [f"{OTHER}-C1"]}, "cardIds[0]"),
        (THINGS[3], {"acceptanceCriteria": None}, "acceptanceCriteria"),
        (THINGS[3], {"epicId": f"{OTHER}-E1"}, "epicId"),
        (THINGS[4], {"effort": "xs"}, "effort"),
    ],
)
def test_a_patch_names_the_field_that_is_wrong(call: Call, path: str, body: Any, field: str) -> None:
    assert field in fields(call("PATCH", path, body))


def test_the_clients_own_strange_words_come_back_harmless(call: Call) -> None:
    assert fields(call("POST", "/api/projects", '{"name": "x", "\\ud800": 1}'))


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "201", "-1", "abc", "1.5", "", "9" * 400])
def test_a_limit_that_is_none_is_named(call: Call, path: str, limit: str) -> None:
    assert fields(call("GET", path, query={"limit": limit})) == ["limit"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("token", ["garbage", "!!!", "UEs", "Uw", "ü", "UFJPSkVDVFM", "A" * 500, "RSMwMDAwMDEjLi4v"])
def test_a_token_of_no_list_of_ours_is_named(call: Call, path: str, token: str) -> None:
    assert fields(call("GET", path, query={"nextToken": token})) == ["nextToken"]


def test_a_token_of_another_list_does_not_reach_there(call: Call) -> None:
    for title in ("Two", "Three"):
        call("POST", f"/api/projects/{PROJECT}/epics", {"title": title})
    token = call("GET", f"/api/projects/{PROJECT}/epics", query={"limit": "1"}).json["nextToken"]
    for path in (f"/api/projects/{PROJECT}/cards", f"/api/epics/{PROJECT}-E1/stories"):
        assert fields(call("GET", path, query={"nextToken": token})) == ["nextToken"]


UNKNOWN = [
    ("project", ["nothing", "PROJECTS", OTHER, "x" * 3_000, "..", "%00", f"{OTHER}-E1", "P", "a b"]),
    ("card", ["C1", f"{PROJECT}-C0", f"{PROJECT}-C2", f"{PROJECT}-E1", f"{OTHER}-C1", f"{PROJECT}-C" + "9" * 30, "#"]),
    ("epic", [f"{PROJECT}", f"{PROJECT}-E99", f"{PROJECT}-C1", f"{PROJECT}-E1-S1", f"{PROJECT}-E01", "E#000001"]),
    ("story", [f"{PROJECT}-E1", f"{PROJECT}-E1-S99", f"{PROJECT}-E99-S1", f"{PROJECT}-E1-S1-ST1", "-", "x" * 2_500]),
    ("subtask", [f"{PROJECT}-E1-S1", f"{PROJECT}-E1-S1-ST99", f"{PROJECT}-E1-S99-ST1", f"{PROJECT}-E1-S1-S1", "🦄"]),
]
PLURALS = {"project": "projects", "card": "cards", "epic": "epics", "story": "stories", "subtask": "subtasks"}
PATCHES = {"project": {"name": "x"}, "card": {"text": "x"}}


@pytest.mark.parametrize(("kind", "id_"), [(kind, id_) for kind, ids in UNKNOWN for id_ in ids])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_not_there_is_not_found(call: Call, kind: str, id_: str, method: str) -> None:
    body = PATCHES.get(kind, {"title": "x"}) if method == "PATCH" else None
    refused(call(method, f"/api/{PLURALS[kind]}/{id_}", body), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/api/projects/{OTHER}/cards", None),
        ("POST", f"/api/projects/{OTHER}/cards", {"cards": [{"text": "x"}]}),
        ("GET", f"/api/projects/{'x' * 3_000}/epics", None),
        ("POST", f"/api/projects/{OTHER}/epics", {"title": "x"}),
        ("POST", f"/api/projects/{'x' * 3_000}/cards", {"cards": [{"text": "x"}]}),
        ("GET", f"/api/projects/{OTHER}/export", None),
        ("GET", f"/api/epics/{PROJECT}-E99/stories", None),
        ("POST", f"/api/epics/{PROJECT}-E99/stories", {"title": "x"}),
        ("GET", f"/api/stories/{PROJECT}-E1-S99/subtasks", None),
        ("POST", f"/api/stories/{PROJECT}-E1-S99/subtasks", {"title": "x"}),
        ("GET", "/api/unknown", None),
        ("GET", "/", None),
        ("PUT", "/api/projects", {"name": "x"}),
        ("DELETE", "/api/projects", None),
    ],
)
def test_nothing_is_below_what_is_not_there(call: Call, method: str, path: str, body: Any) -> None:
    refused(call(method, path, body), 404, "NOT_FOUND")


@pytest.mark.parametrize("format_", ["xml", "", "JSON", "../json"])
def test_an_unknown_export_format_is_named(call: Call, format_: str) -> None:
    assert fields(call("GET", f"/api/projects/{PROJECT}/export", query={"format": format_})) == ["format"]


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("POST", f"/api/projects/{PROJECT}/cards")])
@pytest.mark.parametrize(
    "content_type",
    ["application/xml", "multipart/form-data; boundary=x", "multipart/form-data", "application/x-www-form-urlencoded"],
)
def test_another_content_type_is_refused(call: Call, method: str, path: str, content_type: str) -> None:
    refused(call(method, path, "name=x", content_type=content_type), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_too_much_at_once_is_refused_and_nothing_is_written(call: Call) -> None:
    path = f"/api/projects/{PROJECT}/cards"
    refused(call("POST", path, {"cards": [{"text": "x"}] * 5_001}), 413, "TOO_LARGE")
    refused(call("POST", path, {"cards": [{"text": "x" * 5_300_000}]}), 413, "TOO_LARGE")
    assert len(call("GET", path).json["items"]) == 1


def test_values_that_no_json_has_are_not_kept(call: Call) -> None:
    lines = '{"text": "x", "metadata": {"a": NaN}}\n{"text": "\\ud800"}\n[1]\n{\n'
    project = call("POST", "/api/projects", {"name": "Values"}).json["id"]
    answer = call("POST", f"/api/projects/{project}/cards", lines, content_type="application/x-ndjson")
    assert [rejected["row"] for rejected in answer.json["rejected"]] == [2, 3, 4]
    cards = call("GET", f"/api/projects/{project}/cards").json["items"]
    assert [card["metadata"] for card in cards] == [{"a": None}]


def test_a_fault_of_ours_shows_no_internals(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Services:
        raise RuntimeError("secret-internal")

    monkeypatch.setattr(app, "services", broken)
    answer = call("GET", "/api/projects")
    refused(answer, 500, "INTERNAL")
    assert "secret-internal" not in answer.body
