"""Bursts of requests queue: none is refused, and none pays for the start of a process."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest

from local.authorizer_cache import AuthorizerCache
from local.pool import CORES, SandboxPool
from local.system import LocalSystem
from local.template import SamTemplate
from tests.local.conftest import TEMPLATE

GROUNDWORK = TEMPLATE.parents[3] / "template.yaml"


@pytest.fixture
def cold() -> Iterator[LocalSystem]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GROUNDWORK_"))}
    with LocalSystem(TEMPLATE, env=environment, log=lambda function, line: None) as system:
        yield system


def status(system: LocalSystem, path: str) -> int:
    # a client of httpx takes longer to make than the request
    with closing(HTTPConnection(system.url.removeprefix("http://"), timeout=120)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {system.token}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status


@pytest.mark.full
def test_two_hundred_requests_on_a_cold_system_are_all_answered(cold: LocalSystem) -> None:
    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(lambda number: status(cold, f"/echo/{number}"), range(200)))
    assert Counter(answers) == {201: 200}
    # short invocations share a few warm processes; where one took longer than the patience, there may be more
    assert len(cold.pids("EchoFunction")) <= 2 * CORES


@pytest.mark.full
def test_a_cold_start_does_not_count_against_the_timeout(system: LocalSystem) -> None:
    outcome = system.invoke("LateFunction", b"{}")
    assert (outcome.failed, json.loads(outcome.payload)) == (False, "in time")


@pytest.mark.full
def test_long_invocations_do_not_hold_up_one_another(system: LocalSystem) -> None:
    event = json.dumps({"do": "sleep", "seconds": 3}).encode()
    count = 2 * CORES + 2
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(lambda _: system.invoke("WorkerFunction", event), range(count)))
    # Concurrent, so more processes than cores; those beyond the warm limit end after use.
    assert CORES < len(system.pids("WorkerFunction")) <= 2 * CORES


def test_processes_of_a_burst_end_when_they_are_not_used(system: LocalSystem) -> None:
    function = system._runner.process_of("WorkerFunction")
    pool = SandboxPool(lambda name, line: None)
    try:
        event = json.dumps({"do": "sleep", "seconds": 2}).encode()
        with ThreadPoolExecutor(CORES + 1) as threads:
            list(threads.map(lambda _: pool.invoke(function, event), range(CORES + 1)))
        assert len(pool.pids(function.name)) > 1
        pool._idle_seconds = 0.0
        pool.invoke(function, json.dumps({"do": "sleep", "seconds": 0}).encode())
        assert len(pool.pids(function.name)) == 1
    finally:
        pool.close()


def test_a_connection_is_kept_alive(system: LocalSystem) -> None:
    connection = HTTPConnection(system.url.removeprefix("http://"), timeout=120)
    sockets = set()
    for _ in range(3):
        connection.request("GET", "/health")
        connection.getresponse().read()
        sockets.add(connection.sock)
    assert len(sockets) == 1
    assert None not in sockets
    connection.close()


def test_a_crash_leaves_a_line_with_its_request_id(
    http: httpx.Client, system: LocalSystem, logs: list[tuple[str, str]]
) -> None:
    answer = http.get("/exit")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    lines = [line for function, line in logs if function == "local-echo" and "Runtime.ExitError" in line]
    assert any(line.startswith("RequestId: ") and "exit status 3" in line for line in lines)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def template() -> SamTemplate:
    return SamTemplate(GROUNDWORK, parameters={"AdminToken": "x" * 40}, region="us-east-1")


def test_an_authorizer_s_answer_is_kept_as_long_as_the_template_says(template: SamTemplate, clock: Clock) -> None:
    cache, asked = AuthorizerCache(template, clock), Counter[str]()

    def ask() -> str:
        asked["all"] += 1
        return f"answer {asked['all']}"

    assert [cache.get_or_ask(("AdminToken", "Bearer a"), ask) for _ in range(3)] == ["answer 1"] * 3
    assert cache.get_or_ask(("AdminToken", "Bearer b"), ask) == "answer 2"
    clock.now = 61.0
    assert cache.cached(("AdminToken", "Bearer a")) is None
    assert cache.get_or_ask(("AdminToken", "Bearer a"), ask) == "answer 3"


def test_a_failure_of_an_authorizer_is_not_kept(template: SamTemplate, clock: Clock) -> None:
    cache = AuthorizerCache(template, clock)

    def fail() -> str:
        raise RuntimeError("crashed")

    with pytest.raises(RuntimeError):
        cache.get_or_ask(("AdminToken", "Bearer a"), fail)
    assert cache.get_or_ask(("AdminToken", "Bearer a"), lambda: "allowed") == "allowed"


def test_an_authorizer_without_a_lifetime_is_not_cached(clock: Clock) -> None:
    cache = AuthorizerCache(SamTemplate(TEMPLATE, parameters={}, region="us-east-1"), clock)
    answers = iter("ab")
    assert [cache.get_or_ask(("Token", "Bearer a"), lambda: next(answers)) for _ in range(2)] == ["a", "b"]


def test_ever_other_tokens_do_not_fill_the_memory(template: SamTemplate, clock: Clock) -> None:
    cache = AuthorizerCache(template, clock)
    for number in range(5_000):
        cache.get_or_ask(("AdminToken", f"Bearer {number}"), lambda: "no")
    assert len(cache._entries) <= 1_000
