"""The admin token and its check. No log line and no error shows a token.

The authorizer runs before every request without a cached answer, so this module imports little.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

MAX_AGE_SECONDS = 60
"""Lifetime of the cached value.

A rotated token takes effect after this time and API Gateway's own cache.
"""

LOCAL_TOKEN = "local-admin-token"  # noqa: S105  # public by design
"""Default token of the local system.

It is public, so only requests from the same machine may use it.
"""


class AdminToken:
    """Token from Secrets Manager, cached for a minute."""

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._value = ""
        self._expires_at = float("-inf")

    def value(self) -> str:
        """Return the token, or "" (matched by no token) for a secret without text.

        Raises what `read` raises.
        """
        if self._clock() >= self._expires_at:
            self._value = self._read()
            self._expires_at = self._clock() + MAX_AGE_SECONDS
        return self._value


def authorize(event: Mapping[str, Any], token: AdminToken) -> bool:
    """Check the token of an authorizer event (payload 2.0)."""
    given = _bearer(event)
    if not given or (given == LOCAL_TOKEN and not _is_from_this_machine(event)):
        return False
    expected = token.value()
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def secret_reader(secrets: Any, secret_id: str) -> Callable[[], str]:
    """Make a reader of a secret's text, "" without one.

    `secrets` is a client of Secrets Manager.
    """
    return lambda: secrets.get_secret_value(SecretId=secret_id).get("SecretString") or ""


def _bearer(event: Mapping[str, Any]) -> str:
    headers: Mapping[str, str] = event.get("headers") or {}
    value = next((text for name, text in headers.items() if name.lower() == "authorization"), "")
    scheme, _, token = value.partition(" ")
    return token if scheme == "Bearer" else ""


def _is_from_this_machine(event: Mapping[str, Any]) -> bool:
    source = event.get("requestContext", {}).get("http", {}).get("sourceIp", "")
    try:
        return ip_address(source).is_loopback
    except ValueError:
        return False
