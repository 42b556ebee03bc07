"""Events as AWS sends them to the functions."""

import json
import re
from typing import Any
from urllib.parse import urlencode


def http_event(
    method: str, path: str, route: str, body: Any = None, query: dict[str, str] | None = None, **headers: str
) -> dict[str, Any]:
    """An authorized HTTP API request, payload 2.0.

    `route` is the template's path, such as /api/runs/{runId}.

    Header names are given with underscores.
    """
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route)
    match = re.fullmatch(pattern, path)
    assert match is not None, f"{path} is not {route}"
    event = {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "host": "abcdef1234.execute-api.us-east-1.amazonaws.com",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        "queryStringParameters": query or {},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef1234",
            "authorizer": {"lambda": {"principal": "admin"}},
            "domainName": "abcdef1234.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "abcdef1234",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "UbhDxjJWDoEEJZQ=",
            "routeKey": f"{method} {route}",
            "stage": "$default",
            "time": "21/Nov/2026:01:50:36 +0000",
            "timeEpoch": 1795225836000,
        },
        "pathParameters": match.groupdict(),
        "isBase64Encoded": False,
    }
    # an absent body is an absent field
    return event if body is None else {**event, "body": json.dumps(body)}


def authorizer_event(authorization: str) -> dict[str, Any]:
    """An HTTP API authorizer request, payload 2.0."""
    event = http_event("GET", "/api/projects", "/api/projects", authorization=authorization)
    del event["requestContext"]["authorizer"], event["isBase64Encoded"]
    arn = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/$default/GET/api/projects"
    return {**event, "type": "REQUEST", "routeArn": arn, "identitySource": [authorization]}


def sweep_event() -> dict[str, Any]:
    """An event of EventBridge Scheduler."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": "2026-11-21T01:50:36Z",
        "region": "us-east-1",
        "resources": ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/sweep"],
        "detail": "{}",
    }


def file_event(
    bucket: str, key: str, size: int, version_id: str | None, time: str = "2026-11-21T01:50:36Z"
) -> dict[str, Any]:
    """An event of S3 through EventBridge; the key is not URL-encoded."""
    about = {"key": key, "size": size, "etag": "c4ca4238a0b923820dcc509a6f75849b", "sequencer": "00674A1E2C1B3D4F50"}
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": time,
        "region": "us-east-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": about if version_id is None else about | {"version-id": version_id},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "203.0.113.7",
            "reason": "PutObject",
        },
    }


def undelivered_event(event: dict[str, Any]) -> dict[str, Any]:
    """A message of the dead-letter queue with the event that a rule could not deliver."""
    letter = dead_letter_event("", {})
    return {"Records": [letter["Records"][0] | {"body": json.dumps(event)}]}


def dead_letter_event(function: str, event: dict[str, Any]) -> dict[str, Any]:
    """A message of the dead-letter queue, sent by Lambda after the last try."""
    letter = {
        "version": "1.0",
        "timestamp": "2026-11-21T01:50:36.000Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-4880-89ac-0db6a1ad0b33",
            "functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "Task timed out after 900.00 seconds"},
    }
    record = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": json.dumps(letter),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1795225836000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1795225836100",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:dead-letters",
        "awsRegion": "us-east-1",
    }
    return {"Records": [record]}
