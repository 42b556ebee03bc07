"""The state machines of the local AWS."""

import json
from contextlib import closing
from typing import Any

import boto3
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.endpoint import AwsEndpoint
from local.template import ACCOUNT
from tests.local.waiting import until

REGION = "us-east-1"


def test_no_execution_outlives_its_endpoint_into_the_next() -> None:
    """Neither a machine's own states nor those inside a Map."""
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
    each = {"Type": "Map", "ItemProcessor": wait, "End": True}
    with closing(AwsEndpoint()) as endpoint:
        for name, definition in {"Plain": wait, "Each": {"StartAt": "Each", "States": {"Each": each}}}.items():
            start(endpoint.url, name, definition)
        executions = [one for machine in machines() for one in machine.executions]
    assert [one.exec_status for one in executions] == [ExecutionStatus.RUNNING] * 2
    with closing(AwsEndpoint()):
        until(lambda: all(one.exec_status is not ExecutionStatus.RUNNING for one in executions), seconds=30)


def start(url: str, name: str, definition: dict[str, Any]) -> None:
    client = boto3.client("stepfunctions", endpoint_url=url, region_name=REGION)
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    client.start_execution(stateMachineArn=machine["stateMachineArn"], input="[1, 2]")


def machines() -> list[Any]:
    return list(stepfunctions_parser_backends[ACCOUNT][REGION].state_machines)
