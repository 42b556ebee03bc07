"""Package hosts of this machine, for the allow-list of set-up.

Read from pip and npm, mirrors included. Passwords in URLs are removed.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

# pip itself knows its default hosts, and no setting shows them.
_PIP = """
import json
from pip._internal.models.index import PyPI
print(json.dumps([PyPI.simple_url, "https://" + PyPI.file_storage_domain + "/"]))
"""
_SETTINGS = {"global.index-url": "PIP_INDEX_URL", "global.extra-index-url": "PIP_EXTRA_INDEX_URL"}


@dataclass(frozen=True, slots=True)
class PackageHosts:
    """Hosts as `name` or `name:port`, and variables for set-up."""

    hosts: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def package_hosts() -> PackageHosts:
    """Read the settings of pip and npm; takes about a second."""
    variables = {**_pip_settings(), **_npm_settings()}
    urls = [*_pip_defaults(), *(url for value in variables.values() for url in value.split())]
    hosts = {host for url in urls if (host := host_of(url))}
    return PackageHosts(tuple(sorted(hosts)), variables)


def host_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"


def without_user(url: str) -> str:
    """The URL without user and password: no secret goes into a sandbox."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _pip_defaults() -> list[str]:
    try:
        found = json.loads(_output(sys.executable, "-c", _PIP))
    except ValueError:
        return []
    return [str(url) for url in found]


def _pip_settings() -> dict[str, str]:
    """Return pip's index URLs; paths of this machine are left out, as a sandbox cannot see them."""
    found = {}
    for line in _output(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        # Settings from PIP_… variables have this prefix.
        variable = _SETTINGS.get(name.strip().replace(":env:.", "global."))
        urls = [without_user(url) for url in value.strip("'\"").split() if host_of(url)]
        if variable and urls:
            found[variable] = " ".join(urls)
    return found


def _npm_settings() -> dict[str, str]:
    npm = shutil.which("npm")
    registry = _output(npm, "config", "get", "registry").strip() if npm else ""
    return {"npm_config_registry": without_user(registry)} if host_of(registry) else {}


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""
