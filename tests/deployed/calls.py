"""AWS calls of each function, to compare with policies: moto allows everything."""

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from local.endpoint import INVOKE_PREFIX, AwsEndpoint, Environ
from local.objects import is_s3
from tests.deployed.grants import MACHINE, SCHEDULES

Call = tuple[str, str, str]
"""Access key of the signature, action, and name of the resource or bucket prefix."""

ITEM_ACTIONS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}
SCHEDULING = {"POST": "CreateSchedule", "PUT": "UpdateSchedule", "DELETE": "DeleteSchedule"}
_KEY = re.compile(r"Credential=([^/&%]+)(/|%2F)")


class RecordingEndpoint(AwsEndpoint):
    """The local AWS, with a record of all calls."""

    def __init__(self) -> None:
        self.calls: set[Call] = set()
        super().__init__()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        signed = _KEY.search(environ.get("HTTP_AUTHORIZATION", "") or environ.get("QUERY_STRING", ""))
        key = signed[1] if signed else ""
        self.calls |= {(key, action, resource) for action, resource in _asked(environ, body)}
        return super().__call__(environ, start_response)


def _asked(environ: Mapping[str, Any], body: bytes) -> Iterator[tuple[str, str]]:
    path: str = environ["PATH_INFO"]
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    if path.startswith(INVOKE_PREFIX):
        yield "lambda:InvokeFunction", path.removeprefix(INVOKE_PREFIX).split("/")[0]
    elif is_s3(environ):
        yield from _object_actions(environ["REQUEST_METHOD"], path, parse_qs(environ["QUERY_STRING"]))
    elif target.startswith("DynamoDB_"):
        yield from _table_actions(target.partition(".")[2], json.loads(body))
    elif target.startswith("AWSStepFunctions."):
        yield f"states:{target.partition('.')[2]}", MACHINE
    elif path.startswith("/schedules/"):
        yield f"scheduler:{SCHEDULING[environ['REQUEST_METHOD']]}", SCHEDULES
    elif target.startswith("secretsmanager."):
        yield f"secretsmanager:{target.partition('.')[2]}", json.loads(body).get("SecretId", "")
    else:
        yield f"unknown:{target or path}", ""


def _object_actions(method: str, path: str, query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A read of a version needs a permission of its own; parts of an upload need that of a put."""
    actions = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "POST": "PutObject"}
    action = actions.get(method, "AbortMultipartUpload")
    version = "Version" if "versionId" in query else ""
    bucket, _, key = path.lstrip("/").partition("/")
    # a browser asks by itself before an upload
    if key and method != "OPTIONS":
        yield f"s3:{action}{version}", f"{bucket}/{key.partition('/')[0]}/*"


def _table_actions(operation: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A transaction needs the permission of every action in it, and none of its own."""
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for entry in request["TransactItems"]:
            for kind, item in entry.items():
                yield ITEM_ACTIONS[kind], item["TableName"]
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in request["RequestItems"]:
            yield f"dynamodb:{operation}", table
    else:
        index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
        yield f"dynamodb:{operation}", request.get("TableName", "") + index
