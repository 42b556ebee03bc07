"""Every test is in one tier, and a run lists slow tests with their reasons."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """[pytest]
addopts = --import-mode=importlib --strict-markers -p no:cacheprovider
markers =
    quick
    full
    long
    slow(reason)
"""
TESTS = {
    "runs/test_a.py": """
        import pytest
        def test_plain(): pass
        @pytest.mark.full
        def test_marked(): pass
        @pytest.mark.long
        @pytest.mark.slow(reason="hundreds of kills")
        def test_long(): pass
    """,
    "browser/test_b.py": """
        import pytest
        def test_by_its_folder(): pass
        @pytest.mark.quick
        def test_marked_in_its_folder(): pass
    """,
    "faults/test_invariants.py": "def test_by_its_file(): pass",
}


def run(folder: Path, *arguments: str) -> str:
    for name, text in TESTS.items():
        path = folder / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix(" " * 8) for line in text.splitlines()))
    (folder / "pytest.ini").write_text(SETTINGS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.tiers", "-v", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("tier", "names"),
    [
        ("quick", {"test_plain", "test_marked_in_its_folder", "test_by_its_file"}),
        ("full", {"test_marked", "test_by_its_folder"}),
        ("long", {"test_long"}),
    ],
)
def test_a_test_is_in_the_tier_of_its_marker_its_file_or_its_folder(tmp_path: Path, tier: str, names: set[str]) -> None:
    output = run(tmp_path, "-m", tier)
    passed = [line.split("::")[1].split()[0] for line in output.splitlines() if " PASSED " in line]
    assert set(passed) == names, output


def test_a_run_ends_with_its_slowest_tests_and_their_reasons(tmp_path: Path) -> None:
    output = run(tmp_path, "--numprocesses", "2", "--dist", "loadgroup")
    listed = output.partition("slowest 6 of 6 tests")[2]
    assert listed.count("%") == 6, output
    assert "test_long  (hundreds of kills)" in listed
    assert "6 passed" in listed


def test_the_tests_that_share_a_system_run_on_one_worker(tmp_path: Path) -> None:
    sharing = """import pytest
@pytest.fixture(scope="module")
def system(): return 1
@pytest.mark.parametrize("number", range(40))
def test_it(system, number): pass
"""
    for name in ("system/test_c.py", "system/test_d.py"):
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sharing)
    output = run(tmp_path, "--numprocesses", "2", "--dist", "loadgroup")
    passed = [line for line in output.splitlines() if "PASSED" in line]
    for file in ("test_c.py", "test_d.py"):
        assert len({line.split()[0] for line in passed if file in line}) == 1, output


def test_a_slow_test_without_a_reason_is_named(tmp_path: Path) -> None:
    plugin = tmp_path / "strict.py"
    plugin.write_text("from tests import tiers\ntiers.MAX_SECONDS = 0.0\n")
    output = run(tmp_path, "-p", "strict")
    unexplained = output.partition("above 0 s without a reason")[2]
    assert "test_plain" in unexplained, output
    assert "test_long" not in unexplained


def test_two_tiers_at_once_are_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "tests" / "runs" / "test_wrong.py"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("import pytest\npytestmark = [pytest.mark.full, pytest.mark.long]\ndef test_it(): pass\n")
    assert "is marked as full and long" in run(tmp_path)
