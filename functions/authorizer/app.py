"""Lets a request pass that carries the admin token.

Runs before every request that API Gateway has no cached answer for, so it imports little.
A token is never logged, and an error never shows one.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any

from groundwork.settings import Settings

KEEP_SECONDS = 60
"""For how long a token read is believed: a rotated one takes effect after this, and API Gateway's own cache."""

KNOWN_TO_EVERYONE = "local-admin-token"
"""The local system's default token."""


class AdminToken:
    """The token as Secrets Manager has it, read again every minute."""

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._value = ""
        self._stale_at = float("-inf")

    def value(self) -> str:
        """Empty if the secret holds no text, which no token matches. What `read` raises goes on: it is not a 401."""
        if self._clock() >= self._stale_at:
            self._value = self._read()
            self._stale_at = self._clock() + KEEP_SECONDS
        return self._value


def authorize(event: Mapping[str, Any], token: AdminToken) -> bool:
    """Whether an authorizer event (payload 2.0) carries the admin token and may use it from where it comes."""
    given = _bearer(event)
    if not given or (given == KNOWN_TO_EVERYONE and not _from_this_machine(event)):
        return False
    expected = token.value()
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _bearer(event: Mapping[str, Any]) -> str:
    headers: Mapping[str, str] = event.get("headers") or {}
    value = next((text for name, text in headers.items() if name.lower() == "authorization"), "")
    scheme, _, token = value.partition(" ")
    return token if scheme == "Bearer" else ""


def _from_this_machine(event: Mapping[str, Any]) -> bool:
    source = event.get("requestContext", {}).get("http", {}).get("sourceIp", "")
    try:
        return ip_address(source).is_loopback
    except ValueError:
        return False


def secret_reader(secrets: Any, secret_id: str) -> Callable[[], str]:
    """Reads a secret's text with a Secrets Manager client; empty if it has none."""
    return lambda: secrets.get_secret_value(SecretId=secret_id).get("SecretString") or ""


@cache
def _token() -> AdminToken:
    # boto3 on top of botocore would only add to the cold start
    from botocore.session import get_session

    secrets = get_session().create_client("secretsmanager")
    return AdminToken(secret_reader(secrets, Settings.from_environment().token_secret))


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """API Gateway's simple response."""
    if authorize(event, _token()):
        return {"isAuthorized": True, "context": {"principal": "admin"}}
    return {"isAuthorized": False, "context": {}}
