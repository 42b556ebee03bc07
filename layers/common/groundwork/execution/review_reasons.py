"""Reasons for a review: changes to what the checks run, deleted tests, or fewer tests."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from groundwork.agent.landing import Landing
from groundwork.agent.session import Session
from groundwork.checks.model import CheckSettings
from groundwork.execution.worker import Assignment, CompletedTask
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

_TESTS = re.compile(
    # test_app.py, app_test.go, app.test.ts, test/app.js, __tests__/app.ts, App.Tests/App.cs
    r"(?i:(^|[/._-])tests?[/._-])"
    # app.spec.js, app_spec.rb, spec/app.rb
    r"|(?i:[._-]spec\.\w+$)|(?i:(^|/)specs?/)"
    # AppTest.java, UnitTests/App.cs, AppSpec.scala
    r"|[A-Za-z0-9](Tests?[/.]|(TestCase|Spec)\.\w+$)"
)
"""Paths of files that may hold tests, by the usual names of files and folders."""


def findings_of(session: Session, assignment: Assignment, completed: tuple[CompletedTask, ...]) -> tuple[str, ...]:
    """List the findings about a session's change, as far as its landing has come."""
    if assignment.checks is None:
        return ()
    before = next((one.tests for one in reversed(completed) if one.tests is not None), assignment.tests_before)
    return findings(session.changes, assignment.checks, (session.landing or Landing()).tests, before)


def findings(
    changes: Mapping[str, object], settings: CheckSettings, tests: int | None, tests_before: int | None
) -> tuple[str, ...]:
    """List what a user and a reviewer should see; a change without findings needs no review.

    `changes` maps paths to their contents, None for a deleted file.
    """
    return tuple(_findings(changes, settings, tests, tests_before))[:MAX_FINDINGS]


def _findings(
    changes: Mapping[str, object], settings: CheckSettings, tests: int | None, tests_before: int | None
) -> Iterator[str]:
    # first: the list has a maximum length
    if tests_before is not None and (tests is None or tests < tests_before):
        yield f"Fewer tests ran: {'an unknown number' if tests is None else tests} instead of {tests_before}."
    named = paths_in((*settings.setup, *settings.verify))
    for path in sorted(changes):
        if is_test_configuration(path):
            yield f"{path} configures tests or builds."
        elif _is_named(path, named):
            yield f"{path} is part of a check's command."
        # not only while the number of tests is unknown: tests elsewhere may make up for it
        elif changes[path] is None and may_hold_tests(path):
            yield f"{path} was deleted: it may have held tests."


def is_test_configuration(path: str) -> bool:
    name = PurePosixPath(path).name
    return name in _NAMES or name.startswith(_STEMS) or path.startswith(_FOLDERS)


def may_hold_tests(path: str) -> bool:
    return _TESTS.search(path) is not None


def _is_named(path: str, named: set[str]) -> bool:
    # a folder such as `tests` names where tests are, not what runs them: only files count
    return path in named
