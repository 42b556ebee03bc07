"""Sandboxes: one invocation at a time, reused while warm, gone after a timeout or a crash."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.system import LocalSystem
from tests.local.waiting import is_running, until

Worker = Callable[..., tuple[Any, str | None]]


def test_a_warm_sandbox_is_used_again(worker: Worker) -> None:
    assert worker()[0]["pid"] == worker()[0]["pid"]


@pytest.mark.parametrize(
    "name",
    [
        "WorkerFunction",
        "local-worker",
        "local-worker:live",
        "arn:aws:lambda:us-east-1:123456789012:function:local-worker",
        "arn:aws:lambda:us-east-1:123456789012:function:local-worker:live",
    ],
)
def test_a_function_has_many_names(system: LocalSystem, name: str) -> None:
    answer = system.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert json.loads(answer["Payload"].read())["context"]["function_name"] == "local-worker"


def test_a_qualifier_is_understood(system: LocalSystem) -> None:
    answer = system.client("lambda").invoke(FunctionName="local-worker", Qualifier="live", Payload=b"{}")
    assert answer["StatusCode"] == 200


def test_an_unknown_function_is_not_found(system: LocalSystem) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        system.client("lambda").invoke(FunctionName="nobody", Payload=b"{}")


def test_the_context_says_what_lambdas_does(worker: Worker) -> None:
    answer, _ = worker()
    context = answer["context"]
    assert context["memory_limit_in_mb"] == "256"
    assert context["invoked_function_arn"] == "arn:aws:lambda:us-east-1:123456789012:function:local-worker"
    assert context["log_group_name"] == "/aws/lambda/local-worker"
    assert 0 < context["remaining"] <= 60_000
    assert re.fullmatch(r"[0-9a-f-]{36}", context["aws_request_id"])


def test_a_function_runs_in_its_own_directory(worker: Worker) -> None:
    assert Path(worker()[0]["cwd"]).parts[-2:] == ("functions", "worker")


def test_intrinsics_stand_for_the_resources_that_were_made(system: LocalSystem, worker: Worker) -> None:
    environment = worker()[0]["environment"]
    arn = "arn:aws:lambda:us-east-1:123456789012:function"
    assert environment["DEAD_LETTERS_URL"] == f"{system.endpoint_url}/123456789012/DeadLetters"
    assert environment["ECHO_ARN"] == f"{arn}:local-echo"
    assert environment["SELF_LIVE"] == f"{arn}:local-worker:live"
    assert environment["TABLE_ARN"] == "arn:aws:dynamodb:us-east-1:123456789012:table/local-notes/index/attention"
    assert "PROD_ONLY" not in environment


def test_written_answers_reach_the_functions_and_other_undeclared_variables_do_not(worker: Worker) -> None:
    environment = worker()[0]["environment"]
    assert (environment["GROUNDWORK_MOCK_ANSWERS"], "NOT_DECLARED" in environment) == ("packed", False)


def test_resources_are_made_as_the_template_says(system: LocalSystem) -> None:
    dynamodb = system.client("dynamodb")
    assert dynamodb.list_tables()["TableNames"] == ["local-notes"]
    table = dynamodb.describe_table(TableName="local-notes")["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["attention"]
    ttl = dynamodb.describe_time_to_live(TableName="local-notes")["TimeToLiveDescription"]
    assert ttl["AttributeName"] == "expiresAt"
    secret = system.client("secretsmanager").get_secret_value(SecretId="GeneratedSecret")["SecretString"]
    assert re.fullmatch(r"[0-9A-Za-z]{40}", secret)


def test_an_exception_is_lambdas_error(worker: Worker) -> None:
    answer, error = worker(do="raise", key="an exception")
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("RuntimeError", "as asked")
    assert any("in fail" in line for line in answer["stackTrace"])


def test_an_exception_leaves_the_sandbox_warm(worker: Worker) -> None:
    before = worker()[0]["pid"]
    worker(do="raise", key="a warm exception")
    assert worker()[0]["pid"] == before


def test_a_crash_is_an_exit_error_and_the_next_invocation_gets_a_new_process(worker: Worker) -> None:
    before = worker()[0]["pid"]
    answer, error = worker(do="exit")
    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert worker()[0]["pid"] != before


def test_a_timeout_kills_the_process_and_what_it_started(system: LocalSystem, logs: list[tuple[str, str]]) -> None:
    outcome = system.invoke("BriefFunction", b'{"do": "child"}')
    assert outcome.failed
    assert json.loads(outcome.payload)["errorMessage"].endswith("Task timed out after 5.00 seconds")
    # Output and response come by different ways.
    children = until(lambda: [int(line.split()[1]) for _, line in list(logs) if line.startswith("child ")])
    until(lambda: not any(is_running(child) for child in children))


def test_a_killed_worker_is_an_exit_error(system: LocalSystem, worker: Worker, logs: list[tuple[str, str]]) -> None:
    logs.clear()
    with ThreadPoolExecutor(1) as thread:
        invocation = thread.submit(worker, do="sleep", seconds=300)
        until(lambda: ("local-worker", "going to sleep") in list(logs))
        assert system.kill_sandboxes("WorkerFunction") >= 1
        answer, _ = invocation.result()
    assert answer["errorType"] == "Runtime.ExitError"
    assert "signal: kill" in answer["errorMessage"]


def test_invocations_at_once_run_in_processes_of_their_own(system: LocalSystem) -> None:
    def is_refused(_: int) -> bool:
        return system.invoke("EchoFunction", b'{"rawPath": "/"}').failed

    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(is_refused, range(20))) == [False] * 20
    # however many ran, only so many stay
    assert len(until(lambda: system.pids("EchoFunction"))) <= 8


def test_counting_in_twenty_processes_at_once_loses_nothing(system: LocalSystem, count: Callable[[str], int]) -> None:
    event = b'{"do": "count", "key": "contested"}'
    with ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(lambda _: system.invoke("OnceFunction", event), range(40)))
    assert sorted(int(outcome.payload) for outcome in outcomes) == list(range(1, 41))
    assert count("contested") == 40


def test_a_request_over_lambdas_limit_is_refused(system: LocalSystem) -> None:
    with pytest.raises(ClientError, match="RequestTooLarge"):
        system.client("lambda").invoke(FunctionName="local-worker", Payload=json.dumps({"x": "x" * 7_000_000}))
    with pytest.raises(ClientError, match="RequestTooLarge"):
        system.client("lambda").invoke(
            FunctionName="local-worker", InvocationType="Event", Payload=json.dumps({"x": "x" * 1_100_000})
        )


def test_an_answer_over_lambdas_limit_is_an_error(worker: Worker) -> None:
    assert worker(do="talk", length=6_000_000) == ("x" * 6_000_000, None)
    answer, error = worker(do="talk", length=6_300_000)
    assert (answer["errorType"], error) == ("Function.ResponseSizeTooLarge", "Unhandled")
