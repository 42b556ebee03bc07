"""Findings about a change to tests, their configuration and the checks' commands."""

import pytest

from groundwork.checks.model import CheckSettings
from groundwork.execution.count_tests import tests_run as count_tests
from groundwork.execution.review_reasons import MAX_FINDINGS, findings

SETTINGS = CheckSettings(setup=("pip install -r requirements.txt",), verify=("./scripts/check.sh --fast tests",))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("pyproject.toml", "configures tests"),
        ("app/tests/conftest.py", "configures tests"),
        ("web/package.json", "configures tests"),
        ("web/vitest.config.ts", "configures tests"),
        (".github/workflows/ci.yml", "configures tests"),
        ("Makefile", "configures tests"),
        ("scripts/check.sh", "part of a check's command"),
        ("requirements.txt", "part of a check's command"),
    ],
)
def test_what_decides_about_the_tests_is_found(path: str, said: str) -> None:
    assert [said in line and path in line for line in findings({path: {}}, SETTINGS, 3, 3)] == [True]


@pytest.mark.parametrize("path", ["src/app.py", "tests/test_app.py", "scripts/other.sh", "docs/Makefile.md"])
def test_other_files_need_no_review(path: str) -> None:
    assert findings({path: {}}, SETTINGS, 3, 3) == ()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "tests/test_x.py",
            "src/app/test_x.py",
            "src/app/x_test.py",
            "app/tests.py",
            "pkg/x_test.go",
            "tests/data.json",
        ),
        *("web/x.test.ts", "web/x.spec.js", "web/__tests__/x.tsx", "spec/models/x.rb", "lib/x_spec.rb"),
        *("src/test/java/a/X.java", "src/a/XTest.java", "App.Tests/X.cs", "UnitTests/X.cs", "src/XSpec.scala"),
    ],
)
@pytest.mark.parametrize(("tests", "before"), [(None, None), (3, None), (3, 3)])
def test_a_deleted_test_is_found_whatever_the_number_of_tests(path: str, tests: int | None, before: int | None) -> None:
    assert findings({path: None}, SETTINGS, tests, before) == (f"{path} was deleted: it may have held tests.",)


@pytest.mark.parametrize(
    "path", ["src/app.py", "src/latest.py", "src/contest/app.py", "docs/attestation.md", "Latest.java"]
)
def test_other_deleted_files_need_no_review(path: str) -> None:
    assert findings({path: None}, SETTINGS, 3, 3) == ()


@pytest.mark.parametrize(
    ("tests", "before", "found"),
    [(2, 3, 1), (None, 3, 1), (0, 1, 1), (3, 3, 0), (4, 3, 0), (None, None, 0), (3, None, 0)],
)
def test_fewer_tests_are_found(tests: int | None, before: int | None, found: int) -> None:
    assert len(findings({"src/app.py": {}}, SETTINGS, tests, before)) == found


def test_a_lost_test_is_told_before_many_files() -> None:
    told = findings({f"{n}/conftest.py": {} for n in range(100)}, SETTINGS, 1, 2)
    assert len(told) == MAX_FINDINGS
    assert told[0] == "Fewer tests ran: 1 instead of 2."


@pytest.mark.parametrize(
    ("log", "count"),
    [
        ("..\n===== 12 passed in 0.50s =====", 12),
        ("12 passed in 0.50s", 12),
        ("=== 1 failed, 11 passed, 3 skipped, 2 warnings in 1.00s (0:00:01) ===", 12),
        ("== 2 failed, 1 passed, 1 error in 3.21s ==", 4),
        ("....\nRan 4 tests in 0.001s\n\nOK", 4),
        ("Ran 4 tests in 0.001s\n\nOK (skipped=1)", 3),
        ("Ran 1 test in 0.1s\n\nFAILED (failures=1)", 1),
        ("Test Suites: 1 failed, 2 passed, 3 total\nTests:       1 failed, 12 passed, 13 total", 13),
        (" Test Files  2 passed (2)\n      Tests  12 passed | 1 failed (13)\n", 13),
        ("  7 passing (12ms)\n", 7),
        ("# tests 9\n# pass 9\n", 9),
        ("--- PASS: TestA (0.00s)\n    --- PASS: TestA/b (0.00s)\nok  \tapp\t0.1s", 2),
        ("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured", 5),
        ("test result: ok. 5 passed; 0 failed\ntest result: ok. 2 passed; 1 failed", 8),
        ("All good.", None),
        ("", None),
    ],
)
def test_summaries_of_test_programs_are_counted(log: str, count: int | None) -> None:
    assert count_tests([log]) == count


def test_the_logs_of_all_commands_count() -> None:
    assert count_tests(["3 passed in 1.0s", "no tests here", "Ran 2 tests in 0.1s"]) == 5
