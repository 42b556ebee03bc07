"""The front of the real runtime, used by the other tests here."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.endpoint import AwsEndpoint
from tests.deployed.build import runtime_client
from tests.deployed.runtime import BuiltFunction, Front

PROBE = """
import os, sys, time

def handler(event, context):
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("await"):
        while not os.path.exists(event["await"]):
            time.sleep(0.02)
    if event.get("meet"):
        # returns only when as many as are expected are here at once
        open(os.path.join(event["meet"], str(os.getpid())), "w").close()
        while len(os.listdir(event["meet"])) < event["expected"]:
            time.sleep(0.02)
    if event.get("fail"):
        raise ValueError("as asked")
    return {
        "pid": os.getpid(),
        "name": context.function_name,
        "left": context.get_remaining_time_in_millis(),
        "declared": os.environ.get("DECLARED"),
        "home": os.environ.get("HOME"),
        "site": [place for place in sys.path if "site-packages" in place],
    }
"""


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    code = tmp_path_factory.mktemp("probe")
    (code / "app.py").write_text(PROBE)
    probe = BuiltFunction("probe", code, (), "app.handler", 120, 128, {"DECLARED": "yes"})
    front = Front([probe, replace(probe, name="brief", timeout=3)], runtime_client(), tmp_path_factory.mktemp("logs"))
    yield front
    front.close()


@pytest.fixture(scope="module")
def client(front: Front) -> Iterator[Any]:
    endpoint = AwsEndpoint()
    endpoint.invocations = front
    yield boto3.client(
        "lambda",
        endpoint_url=endpoint.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(read_timeout=240, retries={"total_max_attempts": 1}, max_pool_connections=20),
    )
    endpoint.close()


def invoke(client: Any, name: str = "probe", **event: Any) -> tuple[dict[str, Any], Any]:
    response = client.invoke(FunctionName=name, Payload=io.BytesIO(json.dumps(event).encode()))
    return response, json.loads(response["Payload"].read())


def test_a_function_has_its_name_its_time_and_only_its_own_environment(client: Any) -> None:
    response, answer = invoke(client)
    assert response["StatusCode"] == 200
    assert answer["name"] == "probe"
    assert 0 < answer["left"] <= 120_000
    assert answer["declared"] == "yes"
    assert answer["home"] is None
    assert answer["site"] == []


def test_a_function_is_found_by_its_arn(client: Any) -> None:
    _, answer = invoke(client, "arn:aws:lambda:us-east-1:123456789012:function:probe")
    assert answer["name"] == "probe"


def test_an_unknown_function_is_not_found(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        invoke(client, "nothing")


def test_an_exception_is_a_function_error(client: Any) -> None:
    response, answer = invoke(client, fail=True)
    assert response["FunctionError"] == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "as asked")


def test_an_invocation_ends_at_its_timeout(client: Any) -> None:
    response, answer = invoke(client, "brief", sleep=600)
    assert response["FunctionError"] == "Unhandled"
    assert "Task timed out after 3.00 seconds" in answer["errorMessage"]


def test_invocations_at_once_have_a_sandbox_each(client: Any, tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: invoke(client, meet=str(tmp_path), expected=6)[1]["pid"], range(6)))
    assert len(set(answers)) == 6


def test_an_event_is_accepted_before_it_is_carried_out(client: Any, front: Front, tmp_path: Path) -> None:
    event = {"await": str(tmp_path / "go"), "mark": 7}
    response = client.invoke(FunctionName="probe", InvocationType="Event", Payload=json.dumps(event))
    assert response["StatusCode"] == 202
    assert event not in [done.event for done in front.invocations]
    (tmp_path / "go").touch()
    front.settle()
    assert [done.answer.error for done in front.invocations if done.event == event] == [""]
