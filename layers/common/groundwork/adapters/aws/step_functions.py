"""Step Functions: the port `execution.ports.Machine`. boto3 is imported on first use."""

import json
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from groundwork.adapters.aws.clients import event_invoker
from groundwork.adapters.aws.confirmation import CONFIG, Confirmations
from groundwork.errors import Transient

_EXPIRED_TOKEN_ERRORS = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}
"""Errors for expired tokens."""


@cache
def _client() -> Any:
    import boto3

    return boto3.client("stepfunctions", config=CONFIG)


class PlanMachine:
    """State machine of plans. `arn` is its ARN; `executor` is the name of the rollback function."""

    def __init__(self, arn: str, executor: str) -> None:
        self._arn = arn
        self._invoke = event_invoker(executor)
        self._confirmations = Confirmations("Step Functions", _client)

    def request_rollback(self, plan_id: str) -> None:
        self._invoke({"do": "UNDO", "planId": plan_id})

    def start(self, plan_id: str, number: int) -> bool:
        """Start an execution, once per number.

        A repeated call succeeds while that execution runs; ExecutionAlreadyExists means it has ended.
        """
        payload = json.dumps({"planId": plan_id, "number": number})
        return self._call(
            "start_execution",
            {"ExecutionAlreadyExists"},
            stateMachineArn=self._arn,
            name=execution_name(plan_id, number),
            input=payload,
        )

    def open_gate(self, token: str, answer: str) -> None:
        # ignore expired tokens: each token can be answered once, and the answer may be a repetition
        self._call("send_task_success", _EXPIRED_TOKEN_ERRORS, taskToken=token, output=json.dumps({"next": answer}))

    def close_gate(self, token: str) -> None:
        self._call(
            "send_task_failure",
            _EXPIRED_TOKEN_ERRORS,
            taskToken=token,
            error="PlanEnded",
            cause="The plan has ended or continues in another execution",
        )

    def _call(self, method: str, expected: set[str], **arguments: Any) -> bool:
        """Call the service. Returns False for an error code in `expected`."""
        try:
            self._confirmations.call(method, **arguments)
        except ClientError as exc:
            if (code := exc.response["Error"]["Code"]) not in expected:
                raise Transient(f"Step Functions: {code}") from exc
            return False
        return True


def execution_name(plan_id: str, number: int) -> str:
    """Unique name of an execution."""
    return f"{plan_id}-{number}"
