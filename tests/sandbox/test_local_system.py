"""The sandboxes as a function finds them: by the address of the local AWS and nothing else."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from groundwork.adapters.aws.microvms import MicrovmSandboxes
from groundwork.sandbox.model import Command, Ending, SandboxKey, SandboxSpec, shell
from local.endpoint import AwsEndpoint
from local.microvms.configure import IMAGE, LocalMicrovms
from tests.sandbox.conftest import CONNECTOR


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    made, microvms = AwsEndpoint(), LocalMicrovms({"GROUNDWORK_CHECKS_DISK_MB": "128"})
    made.microvms = microvms.service
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    if problem := microvms.service.problem():
        pytest.skip(problem)
    yield made.url
    microvms.close()
    made.close()


def test_a_function_runs_a_command_and_reaches_other_services(endpoint: str) -> None:
    names: Any = {"ingress": (f"{CONNECTOR}HTTP_INGRESS",), "egress": (f"{CONNECTOR}INTERNET_EGRESS",)}
    client = boto3.session.Session(region_name="us-east-1").client("lambda-microvms")
    sandboxes = MicrovmSandboxes(client, IMAGE, secret=b"stack", scope="local", local=True, **names)
    assert sandboxes.available().available
    handle = sandboxes.open(SandboxKey("baseline"), SandboxSpec())
    assert handle.endpoint in endpoint
    sandboxes.start(handle, "c1", Command(shell("echo $((6 * 7)); df -m /work | tail -1")))
    while (status := sandboxes.poll(handle, "c1", 2**62, 10)).ending is None:
        pass
    status = sandboxes.poll(handle, "c1")
    assert (status.ending, status.log.text.split()[0], status.log.text.split()[2]) == (Ending.EXIT, "42", "128")
    assert boto3.session.Session(region_name="us-east-1").client("s3").list_buckets()["Buckets"] == []
    sandboxes.close(handle)
