"""Download of pinned source distributions from the package registry of this machine's pip.

The one exception to tests without a network: only the long tests use it. Files are kept in `build/sdists`.
"""

import hashlib
import json
import ssl
import subprocess
import sys
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin

FOLDER = Path(__file__).parents[2] / "build" / "sdists"
INDEX = "application/vnd.pypi.simple.v1+json"
MAX_SECONDS = 60

# pip itself knows its default index, and no setting shows it
_DEFAULT_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"


class RegistryUnreachable(Exception):
    """The package registry does not answer, or not with the pinned file."""


class WrongContent(Exception):
    """A downloaded file differs from its pinned hash."""


@dataclass(frozen=True, slots=True)
class Sdist:
    """Source distribution, pinned by version and hash."""

    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}.tar.gz"

    def fetch(self) -> Path:
        """Return the kept file, downloaded if absent. Raises RegistryUnreachable, WrongContent."""
        kept = FOLDER / self.file_name
        if kept.exists() and _sha256(kept.read_bytes()) == self.sha256:
            return kept
        content = _download(self._url())
        if _sha256(content) != self.sha256:
            raise WrongContent(f"{self.file_name} has another hash than the pinned one")
        FOLDER.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{self.file_name}.part")
        part.write_bytes(content)
        part.replace(kept)
        return kept

    def files(self) -> dict[str, str]:
        """Return its text files by path, without the leading folder."""
        with tarfile.open(self.fetch()) as archive:
            members = [one for one in archive.getmembers() if one.isfile()]
            contents = {_inside(one.name): _read(archive, one) for one in members}
        return {path: text for path, text in contents.items() if text is not None}

    def _url(self) -> str:
        page = urljoin(index_url(), f"{self.name.replace('_', '-')}/")
        for one in json.loads(_download(page, INDEX))["files"]:
            if one["filename"] == self.file_name:
                return urljoin(page, str(one["url"]))
        raise RegistryUnreachable(f"the registry has no {self.file_name}")


def index_url() -> str:
    url = _pip_setting("index-url") or _output("-c", _DEFAULT_INDEX)
    if not url.startswith("http"):
        raise RegistryUnreachable("pip is not installed, or its index is no web address")
    return url.rstrip("/") + "/"


def check_reachable() -> None:
    """Raise RegistryUnreachable if set-up could install nothing."""
    _download(urljoin(index_url(), "pytest/"), INDEX)


def _download(url: str, accept: str = "*/*") -> bytes:
    context = ssl.create_default_context(cafile=_pip_setting("cert") or None)
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=MAX_SECONDS, context=context) as answer:
            content: bytes = answer.read()
    except OSError as fault:
        raise RegistryUnreachable(f"the package registry of pip does not answer: {fault}") from fault
    return content


def _pip_setting(name: str) -> str:
    lines = (line.partition("=") for line in _output("-m", "pip", "config", "list").splitlines())
    found = {key: value.strip("'\"") for key, _, value in lines}
    # a setting from a PIP_… variable has another prefix
    return found.get(f":env:.{name}") or found.get(f"global.{name}") or ""


def _output(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MAX_SECONDS, check=False)
    return done.stdout.strip()


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str | None:
    source = archive.extractfile(member)
    assert source is not None
    try:
        return source.read().decode()
    except UnicodeDecodeError:
        return None


def _inside(name: str) -> str:
    path = PurePosixPath(*PurePosixPath(name).parts[1:])
    assert ".." not in path.parts
    return str(path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
