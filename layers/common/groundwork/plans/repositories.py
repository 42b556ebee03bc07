"""Repositories to work in. They hold the name of the credentials' secret, never its value."""

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import Field

from groundwork.backlog.model import Value
from groundwork.checks.model import CheckSettings
from groundwork.errors import Invalid

DEFAULT_BRANCH = "main"
"""Assumed if none is given; a server without it decides by its own HEAD."""

SECRET_PREFIX = "groundwork/"  # noqa: S105  # not a secret: how the names of secrets begin
"""Prefix of secrets with credentials: a repository cannot expose any other secret."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Url = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^\S+$")]
Branch = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
SecretName = Annotated[str, Field(max_length=200, pattern=rf"^{SECRET_PREFIX}[A-Za-z0-9/_+=.@-]+$")]

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


class Repository(Value):
    id: str
    name: Name
    url: Url
    default_branch: Branch = DEFAULT_BRANCH
    credentials_secret: SecretName | None = None
    checks: CheckSettings | None = None
    created_at: str


def validate_url(url: str, local: bool) -> str:
    """Validate a URL: https without a user, or a path on a local system. Raises Invalid."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # validated only on access
    except ValueError:
        raise Invalid.field("url", "is not a URL") from None
    if local and _is_local(url, parts):
        return url
    if parts.scheme != "https" or not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise Invalid.field("url", "must be an https URL" + (" or the path of a local repository" if local else ""))
    # a URL is stored and shown, so credentials in it would be too
    if parts.username is not None or parts.password is not None:
        raise Invalid.field("url", "must not contain a user or a password: use credentialsSecret")
    if parts.query or parts.fragment:
        raise Invalid.field("url", "must not have a query or a fragment")
    if _is_of_this_machine(parts.hostname):
        raise Invalid.field("url", "must name another machine")
    return url


def _is_local(url: str, parts: SplitResult) -> bool:
    if parts.scheme == "file":
        return parts.netloc in ("", "localhost")
    is_path = not parts.scheme and url.startswith("/")
    return is_path or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _is_of_this_machine(host: str) -> bool:
    """True for addresses of this machine or its platform. Host names are not resolved."""
    try:
        address = ip_address(host)
    except ValueError:
        # resolvers accept 127.1, 2130706433 and 0x7f.1 as addresses
        return (
            host == "localhost" or host.endswith(".localhost") or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None
        )
    # link-local addresses hand out the credentials of cloud machines
    return address.is_loopback or address.is_link_local or address.is_unspecified


def check_credentials_host(repository: Repository, url: str) -> None:
    """Raise Invalid if credentials given for one host would be sent to another."""
    # otherwise an editor could have the secret sent to a server of their own
    if repository.credentials_secret and urlsplit(url).netloc != urlsplit(repository.url).netloc:
        raise Invalid.field("credentialsSecret", "must be given again (or null) when the host changes")
