"""Rules for paths in a checkout: inside it, with no name reserved by git or a file system.

A path is refused by its text alone, without a look at the disk. So the rules are the same on all file systems, and a
commit made here is safe to check out on Windows and macOS.
"""

import re
import unicodedata

from groundwork.errors import GroundworkError

MAX_LENGTH = 400
MAX_DEPTH = 40
# the limit of common file systems
MAX_NAME_BYTES = 255

# HFS+ ignores these when it compares names (git's own list, utf8.c)
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# NTFS also finds .git by its 8.3 name, and reads a colon as the start of a stream name
_SHORT_NAME = re.compile(r"git~\d+")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

CI_CONFIG_PATHS = (
    ".appveyor.yml",
    ".build.yml",
    ".buildkite/",
    ".builds/",
    ".circleci/",
    ".drone.yml",
    ".forgejo/",
    ".gitea/",
    ".github/actions/",
    ".github/workflows/",
    ".gitlab-ci.yml",
    ".gitlab/",
    ".gitmodules",
    ".semaphore/",
    ".teamcity/",
    ".travis.yml",
    ".woodpecker.yml",
    ".woodpecker/",
    "appveyor.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "buildspec.yml",
    "cloudbuild.yaml",
    "jenkinsfile",
)
"""Files that CI servers execute, with their secrets, after a push.

Writable only if the task names them.
"""


class PathRefused(GroundworkError):
    """This path may not be used."""


def normalize_path(path: str) -> str:
    """Normalize a path relative to the repository root.

    Raises PathRefused, with a reason for the model.
    """
    if not path or len(path) > MAX_LENGTH:
        raise PathRefused("a path must have between 1 and 400 characters")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    # ~ is a home folder to a shell, and C: a drive to Windows
    if path.startswith("/") or re.match(r"~|[A-Za-z]:", "/".join(parts)):
        raise PathRefused("a path must be relative to the top of the repository, such as src/app.py")
    if not parts or len(parts) > MAX_DEPTH:
        raise PathRefused("a path must name a file or folder in the repository")
    for part in parts:
        if problem := refusal_reason(part):
            raise PathRefused(problem)
    return "/".join(parts)


def refusal_reason(name: str) -> str | None:
    """Explain why this name of a file or folder is refused. None if it is allowed."""
    if name in ("", ".", ".."):
        return "a path must not contain '..'"
    if "/" in name or "\\" in name or _CONTROL.search(name):
        return "a path must not contain backslashes or control characters"
    if len(name.encode()) > MAX_NAME_BYTES:
        return "a name must not be longer than 255 bytes"
    return ".git belongs to git and cannot be read or written" if is_git_name(name) else None


def is_git_name(name: str) -> bool:
    """True if any file system takes this name for .git."""
    plain = _IGNORED.sub("", unicodedata.normalize("NFKC", name)).casefold()
    # Windows drops dots and spaces at the end of a name
    plain = plain.split(":", 1)[0].rstrip(". ")
    return plain == ".git" or bool(_SHORT_NAME.fullmatch(plain))


def is_ci_config(path: str) -> bool:
    """True if a CI server reads its configuration from this path."""
    # file systems of macOS and Windows ignore case
    low = path.casefold()
    return any(low == place or (place.endswith("/") and low.startswith(place)) for place in CI_CONFIG_PATHS)
