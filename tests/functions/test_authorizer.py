"""The authorizer on events of API Gateway (payload 2.0)."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from groundwork.api.admin_token import MAX_AGE_SECONDS, AdminToken, authorize, secret_reader

TOKEN = "q7nB2mX9vK4tR8wL3cZ6pH5jD1sF0gYa"


class FakeSecret:
    def __init__(self, value: str = TOKEN) -> None:
        self.value = value
        self.reads = 0

    def read(self) -> str:
        self.reads += 1
        return self.value


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def event(authorization: str | None, source_ip: str = "203.0.113.7") -> dict[str, Any]:
    headers = {"accept": "*/*", "host": "abcdef1234.execute-api.eu-west-1.amazonaws.com", "x-forwarded-proto": "https"}
    if authorization is not None:
        headers["authorization"] = authorization
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/$default/GET/api/projects",
        "identitySource": [authorization],
        "routeKey": "GET /api/projects",
        "rawPath": "/api/projects",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef1234",
            "domainName": "abcdef1234.execute-api.eu-west-1.amazonaws.com",
            "http": {
                "method": "GET",
                "path": "/api/projects",
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": "curl/8.5.0",
            },
            "requestId": "UbhDxjJWDoEEJZQ=",
            "routeKey": "GET /api/projects",
            "stage": "$default",
            "time": "21/Nov/2026:01:50:36 +0000",
            "timeEpoch": 1795225836000,
        },
        "pathParameters": {},
        "stageVariables": {},
    }


def admin_token(secret: FakeSecret | None = None, clock: Clock | None = None) -> AdminToken:
    return AdminToken((secret or FakeSecret()).read, clock or Clock())


def test_the_admin_token_passes() -> None:
    assert authorize(event(f"Bearer {TOKEN}"), admin_token())


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"bearer {TOKEN}",
        f"Bearer  {TOKEN}",
        f"Bearer {TOKEN} ",
        f"Bearer {TOKEN},Bearer {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.lower()}",
        "Bearer ключ",
    ],
)
def test_anything_else_does_not(authorization: str | None) -> None:
    assert not authorize(event(authorization), admin_token())


@pytest.mark.parametrize("given", ["Bearer ", "Bearer None", "Bearer x"])
def test_a_secret_without_text_lets_nobody_pass(given: str) -> None:
    assert not authorize(event(given), admin_token(FakeSecret("")))


@pytest.mark.parametrize("source_ip", ["127.0.0.1", "127.8.8.8", "::1"])
def test_the_well_known_local_token_passes_on_this_machine(source_ip: str) -> None:
    assert authorize(event("Bearer local-admin-token", source_ip), admin_token(FakeSecret("local-admin-token")))


@pytest.mark.parametrize("source_ip", ["203.0.113.7", "10.0.0.5", "", "localhost", "::2"])
def test_the_well_known_local_token_passes_from_nowhere_else(source_ip: str) -> None:
    assert not authorize(event("Bearer local-admin-token", source_ip), admin_token(FakeSecret("local-admin-token")))


def test_the_secret_is_read_once_a_minute() -> None:
    secret, clock = FakeSecret(), Clock()
    token = admin_token(secret, clock)
    assert authorize(event(f"Bearer {TOKEN}"), token)
    clock.now += MAX_AGE_SECONDS - 1
    assert authorize(event(f"Bearer {TOKEN}"), token)
    assert secret.reads == 1


def test_a_rotated_token_takes_effect_after_a_minute() -> None:
    secret, clock = FakeSecret(), Clock()
    token = admin_token(secret, clock)
    assert authorize(event(f"Bearer {TOKEN}"), token)
    secret.value = TOKEN[::-1]
    clock.now += MAX_AGE_SECONDS
    assert not authorize(event(f"Bearer {TOKEN}"), token)
    assert authorize(event(f"Bearer {TOKEN[::-1]}"), token)


def test_a_request_without_a_token_costs_no_read() -> None:
    secret = FakeSecret()
    assert not authorize(event(None), admin_token(secret))
    assert secret.reads == 0


def test_the_secret_is_read_from_secrets_manager() -> None:
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-1")
        secret = client.create_secret(Name="token", SecretString=TOKEN)
        token = AdminToken(secret_reader(client, secret["ARN"]))
        assert authorize(event(f"Bearer {TOKEN}"), token)
        assert not authorize(event(f"Bearer {TOKEN}x"), token)


def test_a_binary_secret_has_no_text() -> None:
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-1")
        secret = client.create_secret(Name="token", SecretBinary=TOKEN.encode())
        assert secret_reader(client, secret["ARN"])() == ""
