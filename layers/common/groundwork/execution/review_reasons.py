"""Reasons for a review: changes to what the checks run, or fewer tests."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from groundwork.checks.model import CheckSettings
from groundwork.sandbox.command_words import paths_in

_NAMES = frozenset(
    {
        *("pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", ".coveragerc", "conftest.py", "noxfile.py"),
        *("package.json", "tsconfig.json", ".mocharc.json", ".mocharc.yml", "karma.conf.js", "angular.json"),
        *("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "Taskfile.yml", "Rakefile", "Cargo.toml"),
        *("build.gradle", "build.gradle.kts", "pom.xml", "phpunit.xml", ".gitlab-ci.yml", "Jenkinsfile"),
        *("sitecustomize.py", "usercustomize.py"),
    }
)
"""Files that configure tests, by their names in any folder."""

_STEMS = ("jest.config.", "vitest.config.", "vite.config.", "playwright.config.", "ava.config.", ".mocharc.")
_FOLDERS = (".github/workflows/", ".circleci/", ".buildkite/")
MAX_FINDINGS = 20


def findings(
    paths: Iterable[str], settings: CheckSettings, tests: int | None, tests_before: int | None
) -> tuple[str, ...]:
    """List what a user and a reviewer should see; a change without findings needs no review."""
    return tuple(_findings(sorted(paths), settings, tests, tests_before))[:MAX_FINDINGS]


def _findings(
    paths: Iterable[str], settings: CheckSettings, tests: int | None, tests_before: int | None
) -> Iterator[str]:
    # first: the list has a maximum length
    if tests_before is not None and (tests is None or tests < tests_before):
        yield f"Fewer tests ran: {'an unknown number' if tests is None else tests} instead of {tests_before}."
    named = paths_in((*settings.setup, *settings.verify))
    for path in paths:
        if is_test_configuration(path):
            yield f"{path} configures tests or builds."
        elif _is_named(path, named):
            yield f"{path} is part of a check's command."


def is_test_configuration(path: str) -> bool:
    name = PurePosixPath(path).name
    return name in _NAMES or name.startswith(_STEMS) or path.startswith(_FOLDERS)


def _is_named(path: str, named: set[str]) -> bool:
    # a folder such as `tests` names where tests are, not what runs them: only files count
    return path in named
