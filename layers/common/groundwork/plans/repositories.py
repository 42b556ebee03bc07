"""Repositories: where a plan's work is done. The credential itself is never here, only the name of its secret."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from groundwork.backlog import Value
from groundwork.errors import Invalid

SECRET_PREFIX = "groundwork/"  # noqa: S105  # not a secret: how the names of secrets begin
"""How the name of a secret with a repository's credentials begins: no other secret can be read through a repository."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Url = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^\S+$")]
Branch = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
SecretName = Annotated[str, Field(max_length=200, pattern=rf"^{SECRET_PREFIX}[A-Za-z0-9/_+=.@-]+$")]

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


class Repository(Value):
    id: str
    name: Name
    url: Url
    default_branch: Branch = "main"
    credentials_secret: SecretName | None = None
    created_at: str

    def shown(self) -> dict[str, object]:
        """What clients see: that there are credentials, not where they are kept."""
        shown = self.as_json()
        secret = shown.pop("credentialsSecret")
        return shown | {"hasCredentials": secret is not None}


def checked_url(url: str, local: bool) -> str:
    """The URL. Raises Invalid for anything but https without a user in it, or a path where the system is local."""
    parts = urlsplit(url)
    if local and (parts.scheme == "file" or (not parts.scheme and url.startswith("/"))):
        return url
    if local and parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"):
        return url
    if parts.scheme != "https" or not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise Invalid.field("url", "must be an https URL" + (" or the path of a local repository" if local else ""))
    if parts.username or parts.password:
        raise Invalid.field("url", "must not hold a user or a password: name a secret as credentialsSecret")
    if parts.query or parts.fragment:
        raise Invalid.field("url", "must have neither a query nor a fragment")
    return url
