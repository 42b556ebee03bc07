"""Clients of Lambda's async invoke and Secrets Manager. boto3 is imported on first use."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from botocore.exceptions import ClientError

from groundwork.adapters.aws.confirmation import CONFIG, Confirmations, reason_of
from groundwork.errors import NotFound, Transient


@cache
def _client(service: Literal["lambda", "secretsmanager"]) -> Any:
    # imported late: a function without these calls must not pay for it at its cold start
    import boto3

    return boto3.client(service, config=CONFIG)


def async_invoker(function: str) -> Callable[[str], None]:
    """Make an invoker of process-next for a run. It raises Transient."""
    invoke = event_invoker(function)
    return lambda run_id: invoke({"runId": run_id})


def event_invoker(function: str) -> Callable[[dict[str, Any]], None]:
    """Make an async invoker of a function (202 confirms). It raises Transient."""

    confirmations = Confirmations("Lambda", lambda: _client("lambda"))

    def invoke(event: dict[str, Any]) -> None:
        payload = json.dumps(event).encode()
        try:
            response = confirmations.call("invoke", FunctionName=function, InvocationType="Event", Payload=payload)
        except ClientError as exc:
            raise Transient(f"Lambda: {reason_of(exc)}") from exc
        if response["StatusCode"] != 202:
            raise Transient(f"Lambda answered {response['StatusCode']} to an async invoke")

    return invoke


def secret_value(secret_id: str) -> str:
    """Return the value of a secret, never quoted in an error. Raises NotFound, Transient."""
    confirmations = Confirmations("Secrets Manager", lambda: _client("secretsmanager"))
    try:
        return str(confirmations.call("get_secret_value", SecretId=secret_id)["SecretString"])
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "ResourceNotFoundException":
            raise NotFound.of("secret", secret_id) from exc
        raise Transient(f"Secrets Manager: {reason_of(exc)}") from exc
