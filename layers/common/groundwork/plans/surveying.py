"""What a repository looks like, as far as a model has to know it: its layout and its README, within bounds.

Everything in it is data of strangers. It is cut to size here and fenced where the question is asked.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from groundwork.errors import GroundworkError
from groundwork.plain_text import clean, shortened
from groundwork.plans.repositories import Repository

MOST_PATHS = 400
MOST_README = 12_000
_NAMES = ("readme.md", "readme.rst", "readme.txt", "readme")


class RepositoryUnavailable(GroundworkError):
    """The repository could not be read."""


@dataclass(frozen=True, slots=True)
class Survey:
    """`paths` of files, or of folders with how many files are below (`src/… 120 files`)."""

    branch: str
    commit: str
    files: int
    paths: tuple[str, ...]
    readme: str
    readme_path: str | None

    def material(self) -> dict[str, Any]:
        return {
            "branch": self.branch,
            "files": self.files,
            "layout": list(self.paths),
            "readme": self.readme,
        }


Surveyor = Callable[[Repository], Survey]
"""Reads a repository. Raises RepositoryUnavailable, whose message never holds a credential."""


def once(survey: Surveyor) -> Surveyor:
    """Reads each repository once; who asks while it is being read waits for that. Failures are not kept."""
    found: dict[str, Survey] = {}
    reading = Lock()

    def survey_once(repository: Repository) -> Survey:
        with reading:
            if repository.id not in found:
                found[repository.id] = survey(repository)
            return found[repository.id]

    return survey_once


def layout(paths: Iterable[str], most: int = MOST_PATHS) -> tuple[str, ...]:
    """At most so many lines: every file where they fit, else the deepest and fullest folders are summed up first."""
    files = sorted(map(_one_line, paths))
    depth = max((path.count("/") for path in files), default=0)
    while len(files) > most and depth >= 0:
        lines = _summed_up(files, depth)
        if len(lines) <= most or depth == 0:
            return tuple(lines[:most])
        depth -= 1
    return tuple(files[:most])


def _summed_up(files: list[str], depth: int) -> list[str]:
    """Files above this depth as they are; folders at it with their number of files."""
    counts: Counter[str] = Counter()
    lines: list[str] = []
    for path in files:
        parts = path.split("/")
        if len(parts) - 1 < max(1, depth):
            lines.append(path)
        else:
            counts["/".join(parts[: max(1, depth)])] += 1
    folders = [f"{folder}/ ({count} files)" for folder, count in counts.most_common()]
    return [*folders, *lines]


def readme_of(paths: Iterable[str]) -> str | None:
    """The path of the README at the top, whatever its case."""
    top = {path.casefold(): path for path in paths if "/" not in path}
    return next((top[name] for name in _NAMES if name in top), None)


def readme_text(body: bytes) -> str:
    return shortened(clean(body.decode("utf-8", errors="replace")), MOST_README)


def _one_line(path: str) -> str:
    return shortened(clean(path).replace("\n", " "), 300)
