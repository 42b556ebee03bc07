"""Step Functions: the port `groundwork.execution.ports.Machine`. boto3 is imported where it is first used."""

import json
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from groundwork.adapters.aws.clients import event_invoker
from groundwork.adapters.aws.confirmation import CONFIG, Confirmations
from groundwork.errors import Transient

_GONE = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}
"""What is answered for a token that nothing waits with any more."""


@cache
def _client() -> Any:
    import boto3

    return boto3.client("stepfunctions", config=CONFIG)


class PlanMachine:
    """`arn` is the state machine's; `executor` is the name of the function that takes commits back."""

    def __init__(self, arn: str, executor: str) -> None:
        self._arn = arn
        self._tell = event_invoker(executor)
        self._confirmations = Confirmations("Step Functions", _client)

    def undo(self, plan_id: str) -> None:
        self._tell({"do": "UNDO", "planId": plan_id})

    def start(self, plan_id: str, number: int) -> bool:
        """The same again is no error while that execution is under way: ExecutionAlreadyExists is said of one that has
        ended."""
        body = json.dumps({"planId": plan_id, "number": number})
        return self._call(
            "start_execution",
            {"ExecutionAlreadyExists"},
            stateMachineArn=self._arn,
            name=execution_name(plan_id, number),
            input=body,
        )

    def open(self, token: str, answer: str) -> None:
        self._call("send_task_success", _GONE, taskToken=token, output=json.dumps({"next": answer}))

    def close(self, token: str) -> None:
        self._call("send_task_failure", _GONE, taskToken=token, error="PlanEnded", cause="The plan does not go on here")

    def _call(self, method: str, passed: set[str], **arguments: Any) -> bool:
        """False where the answer is one of those that are `passed` over."""
        try:
            self._confirmations.call(method, **arguments)
        except ClientError as exc:
            if (code := exc.response["Error"]["Code"]) not in passed:
                raise Transient(f"Step Functions: {code}") from exc
            return False
        return True


def execution_name(plan_id: str, number: int) -> str:
    """Of one execution; it is never used again."""
    return f"{plan_id}-{number}"
