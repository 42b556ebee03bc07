"""Confirmations of other services: ten seconds in all, and a failed trigger is visible."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from functions.start_run import app
from groundwork.adapters.aws import clients
from groundwork.adapters.aws.confirmation import CONFIRM_S, CONNECT_S, READ_S, Confirmations
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import Transient
from groundwork.runs.model import RunType
from tests.events import Context, api_event
from tests.functions.services import services_on
from tests.runs.world import World


@pytest.fixture
def silent_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes every connection, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.getsockname()[1]}")
        clients._client.cache_clear()
        yield
        clients._client.cache_clear()


@pytest.mark.usefixtures("silent_lambda")
def test_a_start_is_answered_within_ten_seconds_where_lambda_never_answers(
    simulated_tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(simulated_tables)
    world.add_cards(3)
    services = services_on(simulated_tables, invoke=clients.async_invoker("worker"))
    monkeypatch.setattr(app, "services", lambda: services)
    began = time.monotonic()
    body = json.dumps({"type": RunType.ANALYZE_CARDS})
    answer = app.handler(api_event("POST", f"/api/projects/{world.project_id}/runs", body=body), Context())
    assert answer["statusCode"] == 202
    assert time.monotonic() - began < 10
    run = simulated_tables.runs.load(json.loads(answer["body"])["runId"])
    assert run.status == "QUEUED"
    assert run.phase_detail.startswith("The worker could not be triggered (Lambda: ")
    assert simulated_tables.runs.active_ids() == [run.id]


class Service:
    """A client on virtual time: each call takes `seconds`, and raises the next of `faults`."""

    def __init__(self, seconds: float, *faults: Exception | None) -> None:
        self.now, self.seconds, self.faults, self.calls = 0.0, seconds, list(faults), 0

    def invoke(self) -> str:
        self.calls += 1
        self.now += self.seconds
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise fault
        return "accepted"

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def confirmations(self) -> Confirmations:
        return Confirmations("Lambda", lambda: self, lambda: self.now, self.sleep)


def silent() -> Exception:
    return ReadTimeoutError(endpoint_url="http://lambda")


def refused(code: str, status: int) -> Exception:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "invoke")


def test_a_passing_fault_is_tried_again() -> None:
    service = Service(0.1, refused("TooManyRequestsException", 429), refused("ServiceException", 500))
    assert service.confirmations().call("invoke") == "accepted"


def test_a_refusal_is_not_tried_again() -> None:
    service = Service(0.1, refused("ResourceNotFoundException", 404))
    with pytest.raises(ClientError):
        service.confirmations().call("invoke")
    assert service.calls == 1


def test_all_confirmations_together_take_no_longer_than_one() -> None:
    service = Service(CONNECT_S + READ_S, *[silent()] * 50)
    confirmations = service.confirmations()
    for _ in range(10):
        with pytest.raises(Transient):
            confirmations.call("invoke")
    assert service.now <= CONFIRM_S


def test_a_service_that_has_recovered_is_asked_again() -> None:
    service = Service(CONNECT_S + READ_S, *[silent()] * 2)
    confirmations = service.confirmations()
    with pytest.raises(Transient):
        confirmations.call("invoke")
    with pytest.raises(Transient, match="no confirmation within 8 s"):
        confirmations.call("invoke")
    service.now += 60
    assert confirmations.call("invoke") == "accepted"
