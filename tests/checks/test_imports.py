"""`lint-imports` refuses a forbidden import in every package, and in a new one."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "layers" / "common" / "groundwork"
LINT = Path(sys.executable).parent / "lint-imports"
PACKAGES = sorted(path.parent.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("__init__.py"))
MODULES = sorted(path.stem for path in SOURCE.glob("*.py") if path.stem != "__init__")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = [
    [name.strip(" ()") for name in layer.split("|")]
    for contract in CONTRACTS
    if contract["type"] == "layers"
    for layer in contract["layers"]
]
DRIVERS = "Only the adapters import drivers of AWS and git"
DOWNWARD = "Packages import downward only"
ALLOWED = {
    "boto3": (DRIVERS, "adapters/aws"),
    "pynamodb": (DRIVERS, "adapters/dynamodb"),
    "dulwich": (DRIVERS, "adapters/git"),
    "anthropic": ("Only the adapter of Claude imports its SDK", "nowhere else"),
    "aws_lambda_powertools": ("Only the API imports the web framework", "api"),
}
"""Each driver's contract, and the package that may import it."""

Lint = Callable[[], str]


def broken_in(report: str) -> list[str]:
    return re.findall(r"^(.+) BROKEN\b", report, re.MULTILINE)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, to be changed by a test."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return Path(shutil.copytree(SOURCE, tmp_path / "groundwork", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def lint(copy: Path) -> Lint:
    def run() -> str:
        environment = os.environ | {"PYTHONPATH": str(copy.parent), "COLUMNS": "300"}
        done = subprocess.run(
            [LINT, "--no-cache"], cwd=copy.parent, env=environment, capture_output=True, text=True, check=False
        )
        assert "Contracts:" in done.stdout, done.stdout + done.stderr
        assert (done.returncode == 0) == (not broken_in(done.stdout))
        return done.stdout

    return run


def test_the_contracts_hold(lint: Lint) -> None:
    assert broken_in(lint()) == []


@pytest.mark.parametrize("driver", ALLOWED)
def test_a_driver_is_refused_in_every_other_package(copy: Path, lint: Lint, driver: str) -> None:
    contract, place = ALLOWED[driver]
    for package in PACKAGES:
        (copy / package / "new_module.py").write_text(f"import {driver}\n")
    report = lint()
    assert contract in broken_in(report)
    for package in PACKAGES:
        module = ".".join(["groundwork", *Path(package).parts, "new_module"])
        allowed = package == place or package.startswith(f"{place}/")
        assert (f"{module} -> {driver}" in report) != allowed, f"{module} imports {driver}"


@pytest.mark.parametrize("name", MODULES)
def test_a_driver_is_refused_in_a_module_of_the_kernel(copy: Path, lint: Lint, name: str) -> None:
    module = copy / f"{name}.py"
    module.write_text(f"{module.read_text()}\nimport boto3\n")
    assert broken_in(lint()) == [DRIVERS]


@pytest.mark.parametrize(("upper", "lower"), list(pairwise(LAYERS)), ids=lambda layer: layer[0])
def test_an_import_upward_is_refused(copy: Path, lint: Lint, upper: list[str], lower: list[str]) -> None:
    for name in lower:
        place = copy / name
        if not place.is_dir() and not place.with_suffix(".py").exists():
            continue  # an optional layer
        module = place / "new_module.py" if place.is_dir() else place.with_suffix(".py")
        before = module.read_text() if module.exists() else None
        module.write_text(f"{before or ''}\nimport groundwork.{upper[0]}\n")
        report = lint()
        module.unlink() if before is None else module.write_text(before)
        assert DOWNWARD in broken_in(report), f"{name} imports {upper[0]}"


def test_siblings_of_a_layer_do_not_import_each_other(copy: Path, lint: Lint) -> None:
    (copy / "execution" / "new_module.py").write_text("import groundwork.generation\n")
    assert DOWNWARD in broken_in(lint())


def test_a_cycle_inside_a_package_is_refused(copy: Path, lint: Lint) -> None:
    (copy / "execution" / "one.py").write_text("import groundwork.execution.two\n")
    (copy / "execution" / "two.py").write_text("import groundwork.execution.one\n")
    assert broken_in(lint()) == ["No package takes part in a cycle"]


def test_a_new_package_without_a_layer_is_refused(copy: Path, lint: Lint) -> None:
    (copy / "novelty").mkdir()
    (copy / "novelty" / "__init__.py").write_text("")
    assert DOWNWARD in broken_in(lint())
