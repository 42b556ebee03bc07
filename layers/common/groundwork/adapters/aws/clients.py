"""Clients of Lambda's async invoke and Secrets Manager. boto3 is imported on first use."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from groundwork.errors import Transient


@cache
def _client(service: Literal["lambda", "secretsmanager"]) -> Any:
    # imported late: a function without these calls must not pay for it at its cold start
    import boto3

    # an async invoke is accepted in milliseconds; 10 s is the limit for its confirmation
    return boto3.client(service, config=Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 3}))


def async_invoker(function: str) -> Callable[[str], None]:
    """Make an invoker of process-next for a run. It raises Transient."""
    invoke = event_invoker(function)
    return lambda run_id: invoke({"runId": run_id})


def event_invoker(function: str) -> Callable[[dict[str, Any]], None]:
    """Make an async invoker of a function (202 confirms). It raises Transient."""

    def invoke(event: dict[str, Any]) -> None:
        payload = json.dumps(event).encode()
        try:
            response = _client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload)
        except (BotoCoreError, ClientError) as exc:
            raise Transient(f"Lambda: {_reason(exc)}") from exc
        if response["StatusCode"] != 202:
            raise Transient(f"Lambda answered {response['StatusCode']} to an async invoke")

    return invoke


def secret_value(secret_id: str) -> str:
    """Return the value of a secret, never quoted in an error. Raises Transient."""
    try:
        return str(_client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"])
    except (BotoCoreError, ClientError) as exc:
        raise Transient(f"Secrets Manager: {_reason(exc)}") from exc


def _reason(exc: BotoCoreError | ClientError) -> str:
    return str(exc.response["Error"]["Code"]) if isinstance(exc, ClientError) else type(exc).__name__
