"""Access to the local system: the admin token, and where the default token is allowed."""

import argparse
import ipaddress
from collections.abc import Mapping

DEFAULT_TOKEN = "local-admin-token"  # noqa: S105 - public, so accepted on a loopback address only
MAX_PORT = 65_535


class TokenTooWeak(Exception):
    """Other machines can reach the address, but the token is the public default."""


def admin_token(env: Mapping[str, str]) -> str:
    """Return the admin bearer token of the local system."""
    return env.get("GROUNDWORK_TOKEN") or DEFAULT_TOKEN


def check_access(host: str, token: str) -> None:
    """Check the token against the address. Raises TokenTooWeak."""
    if token == DEFAULT_TOKEN and not _is_loopback(host):
        raise TokenTooWeak(f"Other machines can reach {host}: set GROUNDWORK_TOKEN to a token of your own.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    # Other names are not resolved: their addresses may change after the check.
    except ValueError:
        return host == "localhost"


def port_number(text: str) -> int:
    """Return a port for argparse. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"PORT must be a number from 0 to {MAX_PORT}, not {text!r}")
    return int(text)
