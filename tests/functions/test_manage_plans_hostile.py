"""manage_plans under hostile clients: every endpoint, and always an error of the API."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.manage_plans import app
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.composition import Services
from groundwork.plans.repositories import validate_url
from tests.events import Answer
from tests.functions.plan_calls import Plans, phase, plans_on, task
from tests.tables import make_tables

PLAN, REPOSITORY, OTHER = "{plan}", "{repository}", "pl23456789bc"
Call = Callable[..., Answer]

WRITES = [
    ("POST", "/api/repositories"),
    ("PATCH", f"/api/repositories/{REPOSITORY}"),
    ("POST", "/api/plans"),
    ("PATCH", f"/api/plans/{PLAN}"),
    ("POST", f"/api/plans/{PLAN}/restore"),
    ("POST", "/api/plans/generate"),
    ("POST", f"/api/plans/{PLAN}/review"),
    ("POST", f"/api/plans/{PLAN}/apply-suggestions"),
    ("POST", "/api/phases"),
    ("PATCH", f"/api/phases/{PLAN}-H1"),
    ("POST", "/api/plan-tasks"),
    ("PATCH", f"/api/plan-tasks/{PLAN}-T1"),
    ("POST", "/api/plan-templates"),
]
LISTS = ["/api/repositories", "/api/plans", f"/api/plans/{PLAN}/iterations", "/api/plan-templates"]


@pytest.fixture(scope="module")
def tables(moto_server: str) -> Iterator[Tables]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield make_tables(moto_server)


@pytest.fixture(scope="module")
def ids(tables: Tables) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        plan = plans_on(tables, patch).plan(phase("One", task("a"), task("b", "a")))
    return {PLAN: plan["id"], REPOSITORY: plan["repositoryId"]}


@pytest.fixture
def call(tables: Tables, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Paths may name {plan}, with a phase of two tasks, and its {repository}."""
    plans: Plans = plans_on(tables, monkeypatch)

    def send(method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **headers: str) -> Answer:
        for name, id_ in ids.items():
            path = path.replace(name, id_)
        return plans.call(method, path, body, query, **headers)

    return send


@pytest.fixture(autouse=True)
def nothing_is_changed(tables: Tables, ids: dict[str, str]) -> Iterator[None]:
    yield
    plan = tables.plans.load(ids[PLAN])
    assert (plan.version, [one.key for one in plan.tasks]) == (1, ["a", "b"])


def refused(answer: Answer, status: int, code: str) -> Any:
    """Check the parts of every error, and return its details."""
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.body
    assert set(answer.json["error"]) == {"code", "message", "details", "requestId"}
    assert answer.json["error"]["message"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    return answer.json["error"]["details"]


def fields(answer: Answer) -> list[str]:
    return [problem["field"] for problem in refused(answer, 422, "INVALID")]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("body", ["{", "nope", "[" * 100_000, '{"title": ' + "1" * 5_000 + "}", b"\xff\xfe{}"])
def test_what_is_no_json_is_malformed(call: Call, method: str, path: str, body: str | bytes) -> None:
    refused(call(method, path, body), 400, "MALFORMED")


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", None])
def test_a_body_that_is_no_object_is_invalid(call: Call, method: str, path: str, body: str | None) -> None:
    assert fields(call(method, path, body))


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_an_unknown_field_is_named(call: Call, method: str, path: str) -> None:
    assert "colour" in fields(call(method, path, {"colour": "red", "title": "T", "name": "N"}))


@pytest.mark.parametrize(("method", "path"), [write for write in WRITES if write[0] == "PATCH"])
def test_an_empty_patch_is_invalid(call: Call, method: str, path: str) -> None:
    assert fields(call(method, path, {}))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        *((f"/api/plans/{PLAN}", name) for name in ("id", "version", "phases", "createdAt", "repositoryId")),
        *((f"/api/phases/{PLAN}-H1", name) for name in ("id", "tasks", "planId")),
        *((f"/api/plan-tasks/{PLAN}-T1", name) for name in ("id", "status", "attempts", "commitSha", "planId")),
        (f"/api/repositories/{REPOSITORY}", "createdAt"),
    ],
)
def test_what_is_not_editable_is_refused(call: Call, path: str, field: str) -> None:
    assert field in fields(call("PATCH", path, {field: "x"}))


PHASES = "/api/phases"
TASKS = "/api/plan-tasks"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/plans", {"repositoryId": REPOSITORY, "title": ""}, "title"),
        ("POST", "/api/plans", {"repositoryId": REPOSITORY, "title": " "}, "title"),
        ("POST", "/api/plans", {"repositoryId": REPOSITORY, "title": "x" * 301}, "title"),
        ("POST", "/api/plans", '{"repositoryId": "r", "title": "\\ud800"}', "title"),
        ("POST", "/api/plans", {"title": "x"}, "repositoryId"),
        ("POST", "/api/plans", {"repositoryId": "r", "title": "x", "maxParallel": 0}, "maxParallel"),
        ("POST", "/api/plans", {"repositoryId": "r", "title": "x", "storyIds": ["s"] * 21}, "storyIds"),
        ("POST", "/api/plans", {"repositoryId": "r", "title": "x", "phases": [{}]}, "phases[0].title"),
        ("POST", "/api/plans", {"repositoryId": "r", "title": "x", "phases": [phase("P")] * 51}, "phases"),
        (
            "POST",
            "/api/plans",
            {"repositoryId": "r", "title": "x", "phases": [phase("P", task("no spaces here"))]},
            "phases[0].tasks[0].key",
        ),
        ("PATCH", f"/api/plans/{PLAN}", {"title": None}, "title"),
        ("PATCH", f"/api/plans/{PLAN}", {"status": "RUNNING"}, "status"),
        ("PATCH", f"/api/plans/{PLAN}", {"branch": "-x"}, "branch"),
        ("PATCH", f"/api/plans/{PLAN}", {"description": "x" * 20_001}, "description"),
        ("PATCH", f"/api/plans/{PLAN}", {"storyIds": ["k3v9x2m4q8-E1-S1"]}, "storyIds"),
        ("PATCH", f"/api/phases/{PLAN}-H1", {"mode": "wild"}, "mode"),
        ("PATCH", f"/api/phases/{PLAN}-H1", {"position": -1}, "position"),
        ("PATCH", f"/api/phases/{PLAN}-H1", {"taskIds": ["nobody"]}, "taskIds"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"effort": "huge"}, "effort"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"acceptanceCriteria": [" "]}, "acceptanceCriteria[0]"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"dependsOn": ["x"] * 51}, "dependsOn"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"condition": {}}, "condition.taskId"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"key": None}, "key"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"phaseId": f"{OTHER}-H1"}, "phaseId"),
        ("POST", f"/api/plans/{PLAN}/restore", {"version": 0}, "version"),
        ("POST", f"/api/plans/{PLAN}/restore", {"version": "all"}, "version"),
        ("POST", "/api/repositories", {"name": "R", "url": "not a url"}, "url"),
        ("POST", "/api/repositories", {"name": "R", "url": "https://x.example/r", "credentialsSecret": "s3cr3t"}, None),
        ("POST", "/api/plan-templates", {"name": "T", "parameters": [{"name": "No Name"}]}, "parameters[0].name"),
    ],
)
def test_a_body_names_the_field_that_is_wrong(call: Call, method: str, path: str, body: Any, field: str | None) -> None:
    assert (field or "credentialsSecret") in fields(call(method, path, body))


def test_a_value_that_should_have_been_a_secret_is_not_told_back(call: Call) -> None:
    body = {"name": "R", "url": "https://x.example/r", "credentialsSecret": "ghp_averysecrettoken"}
    assert "averysecret" not in call("POST", "/api/repositories", body).body
    body = {"name": "R", "url": "https://user:averysecret@x.example/r"}
    answer = call("POST", "/api/repositories", body)
    refused(answer, 422, "INVALID")
    assert "averysecret" not in answer.body


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "201", "-1", "abc", "", "9" * 400])
def test_a_limit_that_is_none_is_named(call: Call, path: str, limit: str) -> None:
    assert fields(call("GET", path, query={"limit": limit})) == ["limit"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "token", ["garbage", "!!!", "ü", "MA", "LTE", "A" * 500, "OTk5OTk5OTk5OTk", "MDAwMDAwMDAwMDAwMDAxIzEj"]
)
def test_a_token_of_no_list_of_ours_is_named(call: Call, path: str, token: str) -> None:
    if path == "/api/plan-templates" and token == "MA":
        return  # the place before the first of the project's own templates
    assert fields(call("GET", path, query={"nextToken": token})) == ["nextToken"]


@pytest.mark.parametrize("position", ["²", "٣", "99", "-1"])
def test_a_token_that_no_list_has_given_is_refused_or_beyond_its_end(call: Call, position: str) -> None:
    token = base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")
    assert call("GET", "/api/plan-templates", query={"nextToken": token}).status in (200, 422)


HALF = "\ud800"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/plans", {"repositoryId": "", "title": "T"}, "repositoryId"),
        ("POST", "/api/plans", {"repositoryId": HALF, "title": "T"}, "repositoryId"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"storyId": HALF}, "storyId"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"subtaskId": HALF}, "subtaskId"),
        ("PATCH", f"/api/plan-tasks/{PLAN}-T1", {"repositoryId": HALF}, "repositoryId"),
        ("POST", "/api/plan-tasks", {"phaseId": f"{PLAN}-H1", "title": "T", "storyId": HALF}, "storyId"),
        ("POST", "/api/plan-tasks", {"phaseId": f"{PLAN}-H1", "title": "T", "repositoryId": HALF}, "repositoryId"),
    ],
)
def test_an_id_that_is_none_is_refused_by_its_field(
    call: Call, ids: dict[str, str], method: str, path: str, body: dict[str, str], field: str
) -> None:
    answer = call(method, path, {name: value.replace(PLAN, ids[PLAN]) for name, value in body.items()})
    assert answer.status in (400, 422), answer.body
    if answer.status == 422:
        assert fields(answer) == [field]


@pytest.mark.parametrize("version", ["0", "-1", "abc", "1000000", "1.5"])
def test_a_version_that_is_none_is_named(call: Call, version: str) -> None:
    assert fields(call("GET", f"/api/plans/{PLAN}", query={"version": version})) == ["version"]
    assert fields(call("GET", f"/api/plans/{PLAN}/compare", query={"from": "1", "to": version})) == ["to"]
    assert fields(call("GET", f"/api/plans/{PLAN}/compare", query={"from": version})) == ["from"]


STRANGE = ["nothing", "..", "%00", "x" * 3_000, "🦄", "P", "k3v9x2m4q8", "PLANS"]
UNKNOWN = [
    *(("repositories", id_) for id_ in [*STRANGE, "re23456789bc", PLAN]),
    *(("plans", id_) for id_ in [*STRANGE, OTHER, f"{PLAN}-H1", REPOSITORY]),
    *(("phases", id_) for id_ in [*STRANGE, PLAN, f"{PLAN}-H99", f"{PLAN}-T1", f"{OTHER}-H1", f"{PLAN}-H01"]),
    *(("plan-tasks", id_) for id_ in [*STRANGE, PLAN, f"{PLAN}-T99", f"{PLAN}-H1", f"{OTHER}-T1", f"{PLAN}-T0"]),
]


@pytest.mark.parametrize(("kind", "id_"), UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_not_there_is_not_found(call: Call, kind: str, id_: str, method: str) -> None:
    body = {"name" if kind == "repositories" else "title": "x"} if method == "PATCH" else None
    refused(call(method, f"/api/{kind}/{id_}", body), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/api/plans/{OTHER}/iterations", None),
        ("GET", f"/api/plans/{PLAN}/iterations/{PLAN}-I99", None),
        ("GET", f"/api/plans/{PLAN}/iterations/{OTHER}-I1", None),
        ("GET", f"/api/plans/{PLAN}/iterations/nonsense", None),
        ("POST", f"/api/plans/{OTHER}/restore", {"version": 1}),
        ("POST", f"/api/plans/{OTHER}/review", {"reviewType": "add_missing"}),
        ("POST", PHASES, {"planId": OTHER, "title": "x"}),
        ("POST", PHASES, {"planId": "nonsense", "title": "x"}),
        ("POST", TASKS, {"phaseId": f"{OTHER}-H1", "title": "x"}),
        ("POST", TASKS, {"phaseId": "nonsense", "title": "x"}),
        ("GET", "/api/plan-templates/te23456789bc", None),
        ("DELETE", "/api/plan-templates/nonsense", None),
        ("PUT", f"/api/plans/{PLAN}", {"title": "x"}),
    ],
)
def test_nothing_is_below_what_is_not_there(call: Call, method: str, path: str, body: Any) -> None:
    refused(call(method, path, body), 404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("content_type", ["application/xml", "multipart/form-data", "text/plain"])
def test_another_content_type_is_refused(call: Call, method: str, path: str, content_type: str) -> None:
    answer = call(method, path, "title=x", content_type=content_type)
    assert answer.status in (415, 422), answer.body


@pytest.mark.parametrize("author", ["", " ", "x" * 5_000, "<script>", "Ada\u202e"])
def test_whoever_a_client_says_it_is_reading_works(call: Call, author: str) -> None:
    assert call("GET", f"/api/plans/{PLAN}", x_groundwork_author=author).status == 200


GOOD = ["https://github.com/a/b", "https://git.example.com:8443/x/y.git", "https://10.0.0.7/r.git"]
BAD = [
    "",
    "http://example.com/r",
    "git@github.com:a/b.git",
    "ssh://git@example.com/r",
    "file:///etc",
    "/etc/passwd",
    "https://",
    "https:///r",
    "https://user@example.com/r",
    "https://user:pw@example.com/r",
    "https://@example.com/r",
    "https://example.com/r?token=x",
    "https://example.com/r#x",
    "https://localhost/r",
    "https://127.0.0.1/r",
    "https://[::1]/r",
    "https://[::1/r",
    "https://169.254.169.254/latest",
    "https://example.com:99999/r",
    "https://exa mple.com/r",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("url", BAD)
def test_a_url_that_is_none_of_a_repository_elsewhere_is_refused(call: Call, url: str) -> None:
    assert fields(call("POST", "/api/repositories", {"name": "R", "url": url})) == ["url"]
    assert fields(call("PATCH", f"/api/repositories/{REPOSITORY}", {"url": url})) == ["url"]


@pytest.mark.parametrize("url", GOOD)
def test_a_url_of_a_repository_elsewhere_is_taken(call: Call, url: str) -> None:
    assert call("POST", "/api/repositories", {"name": "R", "url": url}).status == 201


@pytest.mark.parametrize("url", ["/srv/r", "file:///srv/r", "http://127.0.0.1:8000/r"])
def test_a_path_is_taken_on_a_local_system_only(call: Call, url: str) -> None:
    assert validate_url(url, local=True) == url
    assert fields(call("POST", "/api/repositories", {"name": "R", "url": url})) == ["url"]


def test_a_fault_of_ours_shows_no_internals(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Services:
        raise RuntimeError("secret-internal")

    monkeypatch.setattr(app, "services", broken)
    answer = call("GET", "/api/plans")
    refused(answer, 500, "INTERNAL")
    assert "secret-internal" not in answer.body
