"""The HTTP API answers as API Gateway does."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.system import LocalSystem

ORIGIN = {"Origin": "https://example.com"}


def echoed(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    event: dict[str, Any] = response.json()["event"]
    return event


def test_a_function_gets_path_query_and_lower_case_headers(http: httpx.Client) -> None:
    event = echoed(http.get("/echo/k3v9-E3.x?a=1&a=2&b=%C3%A4", headers={"X-Custom-Header": "Value"}))
    assert event["version"] == "2.0"
    assert event["routeKey"] == "GET /echo/{id}"
    assert event["pathParameters"] == {"id": "k3v9-E3.x"}
    assert event["queryStringParameters"] == {"a": "1,2", "b": "ä"}
    assert event["rawQueryString"] == "a=1&a=2&b=%C3%A4"
    assert event["headers"]["x-custom-header"] == "Value"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["http"]["method"] == "GET"


def test_a_percent_encoded_path_parameter_is_decoded(http: httpx.Client) -> None:
    assert echoed(http.get("/echo/a%20b%3A%C3%A4"))["pathParameters"] == {"id": "a b:ä"}


def test_every_request_has_an_id_and_a_time_of_its_own(http: httpx.Client) -> None:
    first, second = (echoed(http.get("/health"))["requestContext"] for _ in range(2))
    assert first["requestId"] != second["requestId"]
    assert first["timeEpoch"] > 1_700_000_000_000


def test_a_request_without_query_or_body_has_neither_in_its_event(http: httpx.Client) -> None:
    event = echoed(http.get("/health"))
    assert not {"body", "queryStringParameters", "pathParameters", "stageVariables", "cookies"} & event.keys()


def test_the_function_shapes_status_and_headers(http: httpx.Client) -> None:
    response = http.get("/health")
    assert response.status_code == 201
    assert response.headers["x-echo"] == "yes"


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "text/csv; charset=utf-8", "application/vnd.x+json"])
def test_text_arrives_as_it_is(http: httpx.Client, kind: str) -> None:
    event = echoed(http.post("/echo", content='text,"ä"\n1'.encode(), headers={"Content-Type": kind}))
    assert (event["body"], event["isBase64Encoded"]) == ('text,"ä"\n1', False)


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/x-ndjson", b'{"text": "a"}\n'), ("application/octet-stream", b"\xff\x00"), ("text/csv", b"\xff")],
)
def test_what_is_not_text_arrives_in_base64(http: httpx.Client, kind: str, body: bytes) -> None:
    event = echoed(http.post("/echo", content=body, headers={"Content-Type": kind}))
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_a_body_of_five_megabytes_arrives_whole(http: httpx.Client) -> None:
    body = "x" * (5 * 1024 * 1024)
    assert echoed(http.post("/echo", content=body, headers={"Content-Type": "text/csv"}))["body"] == body


@pytest.mark.parametrize("megabytes", [7, 11], ids=["over Lambda's limit", "over API Gateway's limit"])
def test_a_body_that_is_too_large_is_413(http: httpx.Client, megabytes: int) -> None:
    response = http.post("/echo", content="x" * (megabytes * 1024 * 1024), headers={"Content-Type": "text/csv"})
    assert (response.status_code, response.json()) == (413, {"message": "Request Entity Too Large"})


def test_the_authorizer_accepts_the_token_and_passes_its_context(http: httpx.Client) -> None:
    event = echoed(http.post("/echo", json={"some": "body"}))
    assert event["requestContext"]["authorizer"] == {"lambda": {"who": "admin", "sawBody": False}}


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 401, "Unauthorized"),
        ({"Authorization": ""}, 401, "Unauthorized"),
        ({"Authorization": "Bearer wrong"}, 403, "Forbidden"),
        ({"Authorization": "Bearer broken"}, 500, "Internal Server Error"),
    ],
    ids=["no token", "an empty one", "a wrong one", "an authorizer that fails"],
)
def test_who_is_not_authorized_gets_api_gateways_answer(
    system: LocalSystem, headers: dict[str, str], status: int, message: str
) -> None:
    response = httpx.get(f"{system.url}/echo/1", headers=headers, timeout=120)
    assert (response.status_code, response.json()) == (status, {"message": message})


def test_a_route_without_authorizer_is_open(system: LocalSystem) -> None:
    assert httpx.get(f"{system.url}/health", timeout=120).status_code == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("GET", "/echo/1/2"), ("DELETE", "/echo/1"), ("HEAD", "/health"), ("GET", "/echo//1")],
)
def test_what_is_no_route_is_404_in_json(system: LocalSystem, method: str, path: str) -> None:
    response = httpx.request(method, f"{system.url}{path}", timeout=120)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert method == "HEAD" or response.json() == {"message": "Not Found"}


def test_a_function_that_fails_is_500_without_internals(http: httpx.Client) -> None:
    response = http.get("/crash")
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})


def test_why_a_function_cannot_run_is_logged_not_answered(http: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    assert http.get("/lost").json() == {"message": "Internal Server Error"}
    assert "not_there" in caplog.text


def test_a_preflight_of_an_allowed_origin_is_answered_for_any_path(system: LocalSystem) -> None:
    asks = ORIGIN | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    response = httpx.options(f"{system.url}/echo/1", headers=asks, timeout=120)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "https://example.com"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "authorization" in response.headers["access-control-allow-headers"]


def test_errors_too_can_be_read_by_a_page_of_an_allowed_origin(system: LocalSystem) -> None:
    for path, status in (("/echo/1", 401), ("/nowhere", 404), ("/health", 201)):
        response = httpx.get(f"{system.url}{path}", headers=ORIGIN, timeout=120)
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "https://example.com"
        assert response.headers["access-control-expose-headers"] == "etag"


def test_another_origin_gets_no_cors_headers(system: LocalSystem) -> None:
    response = httpx.get(f"{system.url}/health", headers={"Origin": "https://evil.example"}, timeout=120)
    assert "access-control-allow-origin" not in response.headers


def test_twenty_requests_at_once_each_get_their_own_answer(http: httpx.Client) -> None:
    with ThreadPoolExecutor(20) as threads:
        events = list(threads.map(lambda number: echoed(http.get(f"/echo/{number}")), range(20)))
    assert [event["pathParameters"]["id"] for event in events] == [str(number) for number in range(20)]


def test_a_function_finds_no_package_that_only_the_local_aws_needs(http: httpx.Client) -> None:
    assert json.loads(http.get("/health").text)["loadable"] == ["boto3"]


def test_a_function_sees_only_variables_of_the_template_and_lambda(http: httpx.Client) -> None:
    seen = json.loads(http.get("/health").text)["environment"]
    declared = {"STAGE", "NOTES_TABLE"}
    lambdas = {name for name in seen if name.startswith(("AWS_", "LAMBDA_", "_"))}
    machine = {"PATH", "HOME", "TMPDIR", "LANG", "TZ", "PYTHONPATH", "PYTHONUNBUFFERED", "LC_CTYPE"}
    answers = {"GROUNDWORK_MOCK_ANSWERS"}
    assert seen.keys() - declared - lambdas - machine - answers == set()
    assert seen["NOTES_TABLE"] == "local-notes"
    assert seen["STAGE"] == "from the shell"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "local-echo"
