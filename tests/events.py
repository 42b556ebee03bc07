"""HTTP requests in API Gateway's form, with bodies as raw as a client can send."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.deployed.events import http_event
from tests.openapi import must_conform


class Context:
    """The part of Lambda's context used by handlers."""

    function_name = "manage_backlog"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:manage_backlog"
    aws_request_id = "e4b46cbf-b738-4880-89ac-0db6a1ad0b33"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def api_event(
    method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **headers: str
) -> dict[str, Any]:
    """Build an event: a text body is sent as is, bytes as base64, others as JSON.

    Header names use underscores.
    """
    event = http_event(method, path, path, query=query, **headers)
    if isinstance(body, bytes):
        return event | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    return event


def answer_of(response: dict[str, Any], event: dict[str, Any]) -> Answer:
    """Return the response.

    Raises if Lambda could not send it (JSON in UTF-8 only), or it breaks the OpenAPI document.
    """
    sent = json.loads(json.dumps(response, ensure_ascii=False).encode())
    answer = Answer(sent["statusCode"], sent["headers"], sent["body"])
    asked = event["requestContext"]["http"]
    must_conform(asked["method"], asked["path"], answer.status, answer.headers, answer.body)
    return answer
