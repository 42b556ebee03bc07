"""A request out of time: 504 in the contract's shape, and nothing of it goes on."""

import contextlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from botocore.config import Config

from groundwork.api import http
from groundwork.api.time_limit import TimedOut, time_limit
from tests.events import Answer, Context, answer_of, api_event

ROUTE = "/api/projects/p"
WORK_SECONDS = 0.3


class Hurried(Context):
    """A context with the time of the work and the second for the answer."""

    def get_remaining_time_in_millis(self) -> int:
        return 1_000 + round(WORK_SECONDS * 1_000)


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a service without answers: it only accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(autouse=True)
def alarm_stays_as_it_was() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is before


def answered(work: Callable[[], Any], context: Context) -> tuple[Answer, float]:
    """Return the answer of a route with this work, and its seconds."""
    app: APIGatewayHttpResolver = http.api()

    def route() -> dict[str, Any]:
        work()
        return {"id": "p", "name": "n", "description": "", "createdAt": "t", "counts": ZERO}

    app.get(ROUTE)(route)
    event, began = api_event("GET", ROUTE), time.monotonic()
    answer = answer_of(http.serve(app, event, context, lambda: None), event)
    return answer, time.monotonic() - began


ZERO = {"cards": 0, "epics": 0, "stories": 0, "subtasks": 0}


def timed_out(answer: Answer, seconds: float) -> bool:
    """Checks the shape of the answer, and its time against Lambda's own limit."""
    assert answer.json["error"].keys() == {"code", "message", "details", "requestId"}
    assert answer.headers["x-request-id"] == answer.json["error"]["requestId"]
    return (answer.status, answer.json["error"]["code"]) == (504, "TIMED_OUT") and seconds < 1 + WORK_SECONDS


def test_a_request_in_time_is_answered() -> None:
    answer, _ = answered(lambda: time.sleep(0.01), Hurried())
    assert answer.status == 200


def test_a_request_blocked_in_an_aws_call_times_out(silent: str) -> None:
    config = Config(read_timeout=60, retries={"total_max_attempts": 3})
    client = boto3.client(
        "dynamodb",
        endpoint_url=silent,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=config,
    )
    assert timed_out(*answered(client.list_tables, Hurried()))


def test_a_request_blocked_in_a_child_process_times_out_and_the_child_is_gone() -> None:
    started: list[subprocess.Popen[bytes]] = []

    def work() -> None:
        started.append(subprocess.Popen(["sleep", "60"]))
        try:
            started[0].communicate()
        except BaseException:
            started[0].kill()
            raise

    assert timed_out(*answered(work, Hurried()))
    assert started[0].wait(5) == -signal.SIGKILL


def test_a_request_that_only_computes_times_out() -> None:
    def work() -> None:
        while True:
            pass

    assert timed_out(*answered(work, Hurried()))


def test_code_that_catches_exceptions_does_not_swallow_the_limit() -> None:
    def work() -> None:
        while True:
            # as a careless library does
            with contextlib.suppress(Exception):
                time.sleep(60)

    assert timed_out(*answered(work, Hurried()))


def test_the_limit_comes_again_where_a_finalizer_dropped_it() -> None:
    dropped = []

    def work() -> None:
        try:
            time.sleep(60)
        except TimedOut:
            dropped.append(1)
        time.sleep(60)

    assert timed_out(*answered(work, Hurried()))
    assert dropped


def test_nothing_of_the_request_goes_on_after_its_answer() -> None:
    written: list[int] = []

    def work() -> None:
        while True:
            written.append(len(written))
            time.sleep(0.01)

    before = threading.active_count()
    assert timed_out(*answered(work, Hurried()))
    count = len(written)
    time.sleep(0.6)
    assert (len(written), threading.active_count()) == (count, before)


def test_a_request_without_time_left_does_nothing() -> None:
    class Late(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 900

    done: list[int] = []
    answer, _ = answered(lambda: done.append(1), Late())
    assert (answer.status, done) == (504, [])


def test_the_next_request_of_the_same_process_has_its_own_time() -> None:
    assert timed_out(*answered(lambda: time.sleep(60), Hurried()))
    answer, _ = answered(lambda: time.sleep(WORK_SECONDS * 2), Context())
    assert answer.status == 200


def test_outside_the_main_thread_there_is_no_limit() -> None:
    ended: list[str] = []

    def work() -> None:
        with time_limit(1.01):
            time.sleep(0.05)
        ended.append("ended")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == ["ended"]


def test_a_timer_set_before_goes_on_after_the_limit() -> None:
    rang: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    timer = signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with time_limit(60):
            time.sleep(0.01)
        time.sleep(0.4)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)
    assert rang == [1]
