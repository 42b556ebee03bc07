"""A repository as described to the model: its layout and README, within limits.

All of it is untrusted data. It is cut to size here and fenced in the prompt.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from groundwork.errors import GroundworkError
from groundwork.plans.repo_map import layout
from groundwork.plans.repositories import Repository
from groundwork.text import clean, shorten

MAX_README = 12_000
_NAMES = ("readme.md", "readme.rst", "readme.txt", "readme")


class RepositoryUnavailable(GroundworkError):
    """The repository could not be read."""


@dataclass(frozen=True, slots=True)
class Survey:
    """`paths` holds all files."""

    branch: str
    commit: str
    paths: tuple[str, ...]
    readme: str
    readme_path: str | None

    def material(self, about: str) -> dict[str, Any]:
        """Return prompt data, with the layout detailed where words of `about` match."""
        return {
            "branch": self.branch,
            "files": len(self.paths),
            "layout": list(layout(self.paths, about)),
            "readme": self.readme,
        }


Surveyor = Callable[[Repository], Survey]
"""Reads a repository. Raises RepositoryUnavailable; its message holds no credentials."""


def cache_surveys(survey: Surveyor) -> Surveyor:
    """Survey each repository once. Concurrent callers wait; failures are not cached."""
    found: dict[str, Survey] = {}
    reading = Lock()

    def survey_once(repository: Repository) -> Survey:
        # held while reading: concurrent items of a run would otherwise all fetch the same repository
        with reading:
            if repository.id not in found:
                found[repository.id] = survey(repository)
            return found[repository.id]

    return survey_once


def readme_of(paths: Iterable[str]) -> str | None:
    """Return the path of the top-level README, in any case."""
    top = {path.casefold(): path for path in paths if "/" not in path}
    return next((top[name] for name in _NAMES if name in top), None)


def readme_text(body: bytes) -> str:
    return shorten(clean(body.decode("utf-8", errors="replace")), MAX_README)
