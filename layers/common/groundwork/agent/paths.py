"""Which paths of a checkout may be named: inside it, and never what git, or a file system, takes for its own.

A path is refused by its text alone, before anything on disk is looked at; so what is refused on one file system is
refused on all, and a commit made here is safe to check out on Windows and macOS too.
"""

import re
import unicodedata

from groundwork.errors import GroundworkError

MAX_LENGTH = 400
MAX_DEPTH = 40
MAX_NAME_BYTES = 255

# HFS+ ignores these when it compares names (git's own list, utf8.c)
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# NTFS finds .git by its 8.3 name too, and reads what follows a colon as the name of a stream
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
"""What a build server runs, with its secrets, as soon as it is pushed: written only where the task itself names it."""


class PathRefused(GroundworkError):
    """This path may not be used."""


def normalize_path(path: str) -> str:
    """The path from the top of the checkout, in its plain form. Raises PathRefused, with a reason for the model."""
    if not path or len(path) > MAX_LENGTH:
        raise PathRefused("a path must have between 1 and 400 characters")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or re.match(r"~|[A-Za-z]:", "/".join(parts)):
        raise PathRefused("a path must be relative to the top of the repository, such as src/app.py")
    if not parts or len(parts) > MAX_DEPTH:
        raise PathRefused("a path must name a file or folder in the repository")
    for part in parts:
        if problem := refusal_reason(part):
            raise PathRefused(problem)
    return "/".join(parts)


def refusal_reason(name: str) -> str | None:
    """Why this name of a file or folder may not be used; None if it may."""
    if name in ("", ".", ".."):
        return "a path must not hold '..'"
    if "/" in name or "\\" in name or _CONTROL.search(name):
        return "a path must not hold backslashes or control characters"
    if len(name.encode()) > MAX_NAME_BYTES:
        return "a name must not be longer than 255 bytes"
    return ".git belongs to git and cannot be read or written" if is_git_name(name) else None


def is_git_name(name: str) -> bool:
    """Whether some file system takes this name for .git."""
    plain = _IGNORED.sub("", unicodedata.normalize("NFKC", name)).casefold()
    plain = plain.split(":", 1)[0].rstrip(". ")
    return plain == ".git" or bool(_SHORT_NAME.fullmatch(plain))


def is_ci_config(path: str) -> bool:
    """Whether a build server takes its orders from this path."""
    low = path.casefold()
    return any(low == place or (place.endswith("/") and low.startswith(place)) for place in CI_CONFIG_PATHS)
