"""Who may use the local system: the admin token, and the addresses that the known one is good for."""

import ipaddress
from collections.abc import Mapping

DEFAULT_TOKEN = "local-admin-token"  # noqa: S105 - known to everyone, so only ever accepted on a loopback address


class TokenTooWeak(Exception):
    """An address that other machines reach, with the token that everyone knows."""


def admin_token(env: Mapping[str, str]) -> str:
    """The admin bearer token of the local system."""
    return env.get("GROUNDWORK_TOKEN") or DEFAULT_TOKEN


def check_access(host: str, token: str) -> None:
    """Raises TokenTooWeak."""
    if token == DEFAULT_TOKEN and not _is_loopback(host):
        raise TokenTooWeak(f"{host} can be reached from other machines: set GROUNDWORK_TOKEN to a token of your own.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
