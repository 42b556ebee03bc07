"""The shortcut for GET requests: functions and clients see no difference to the long way."""

from copy import deepcopy
from typing import Any

import httpx
import pytest
from werkzeug.routing import Map, Rule

from local.read_path import NoShortcut, ReadPath

COOKIE = {"Cookie": "a=b"}
"""A request with a cookie takes the long way."""


class Ways:
    """Counts the requests of the shortcut."""

    def __init__(self) -> None:
        self.short = 0


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    counted, answer = Ways(), ReadPath.answer

    def count(self: ReadPath, environ: dict[str, Any], port: int) -> Any:
        response = answer(self, environ, port)
        counted.short += 1
        return response

    monkeypatch.setattr(ReadPath, "answer", count)
    return counted


def comparable(response: httpx.Response) -> dict[str, Any]:
    """The event, without what differs between any two requests and without the cookie."""
    event: dict[str, Any] = deepcopy(response.json()["event"])
    for name in ("requestId", "time", "timeEpoch"):
        assert event["requestContext"].pop(name)
    event.pop("cookies", None)
    return event


PATHS = [
    "/kept/k3v9",
    "/kept/k3v9?a=1&a=2&b=%C3%A4&empty=",
    "/kept/a%20b%3A",
    "/kept/other?since=12",
    "/health",
    "/health?items=true",
]


@pytest.mark.parametrize("path", PATHS)
def test_the_event_and_the_response_are_those_of_the_long_way(http: httpx.Client, ways: Ways, path: str) -> None:
    http.get(path)
    before = ways.short
    long = http.get(path, headers=COOKIE)
    assert ways.short == before
    short = http.get(path)
    assert ways.short == before + 1
    assert comparable(short) == comparable(long)
    assert short.status_code == long.status_code
    ignored = ("date", "content-length")
    headers = [{name: one.headers[name] for name in one.headers if name not in ignored} for one in (short, long)]
    assert headers[0] == headers[1]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/kept/k3v9", COOKIE),
        ("/kept/k3v9", {"Origin": "https://example.com"}),
        ("/kept/k3v9", {"Authorization": "Bearer wrong"}),
        ("/kept/%C3%A4", {}),
        ("/echo/k3v9", {}),
        ("/nowhere", {}),
    ],
    ids=["cookie", "origin", "other token", "umlaut", "authorizer without a cache", "no route"],
)
def test_other_requests_take_the_long_way(http: httpx.Client, ways: Ways, path: str, headers: dict[str, str]) -> None:
    http.get("/kept/k3v9")
    before = ways.short
    http.get(path, headers=headers)
    assert ways.short == before


def test_a_denied_token_is_denied_again(http: httpx.Client) -> None:
    http.get("/kept/k3v9")
    for _ in range(2):
        assert http.get("/kept/k3v9", headers={"Authorization": "Bearer wrong"}).status_code == 403
        assert httpx.get(http.base_url.join("/kept/k3v9")).status_code == 401


def test_a_write_is_no_read(http: httpx.Client, ways: Ways) -> None:
    http.get("/health")
    before = ways.short
    http.post("/echo", json={})
    http.head("/health")
    assert ways.short == before


def test_a_route_that_was_never_served_is_not_known() -> None:
    with pytest.raises(NoShortcut):
        ReadPath.answer(_empty(), {"PATH_INFO": "/health", "REQUEST_METHOD": "GET"}, 0)


def _empty() -> ReadPath:
    unused: Any = None
    return ReadPath(Map([Rule("/health", endpoint="/health", methods=["GET"])]), unused, unused, {})
