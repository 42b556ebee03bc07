"""The other AWS services: Lambda's async invoke and Secrets Manager. boto3 is imported where it is first used."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from botocore.exceptions import ClientError

from groundwork.adapters.aws.confirmation import CONFIG, Confirmations, reason_of
from groundwork.errors import Transient


@cache
def _client(service: Literal["lambda", "secretsmanager"]) -> Any:
    # imported here: a function that calls neither service does not pay for it at its cold start
    import boto3

    return boto3.client(service, config=CONFIG)


def async_invoker(function: str) -> Callable[[str], None]:
    """Triggers process-next for a run. The invoker raises Transient."""
    tell = event_invoker(function)
    return lambda run_id: tell({"runId": run_id})


def event_invoker(function: str) -> Callable[[dict[str, Any]], None]:
    """Invokes a function with an event and does not wait; 202 is the confirmation. The invoker raises Transient."""

    confirmations = Confirmations("Lambda", lambda: _client("lambda"))

    def invoke(event: dict[str, Any]) -> None:
        payload = json.dumps(event).encode()
        try:
            answer = confirmations.call("invoke", FunctionName=function, InvocationType="Event", Payload=payload)
        except ClientError as exc:
            raise Transient(f"Lambda: {reason_of(exc)}") from exc
        if answer["StatusCode"] != 202:
            raise Transient(f"Lambda answered {answer['StatusCode']} to an async invoke")

    return invoke


def secret_value(secret_id: str) -> str:
    """The value of a secret. Raises Transient; the value itself is never part of an error."""
    confirmations = Confirmations("Secrets Manager", lambda: _client("secretsmanager"))
    try:
        return str(confirmations.call("get_secret_value", SecretId=secret_id)["SecretString"])
    except ClientError as exc:
        raise Transient(f"Secrets Manager: {reason_of(exc)}") from exc
