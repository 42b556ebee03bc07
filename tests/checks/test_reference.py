"""The generated pages say what the code and its data say, and the check finds a stale one."""

import re
from pathlib import Path

import pytest
import yaml

from checks import reference
from checks.sam import ROOT
from tests.simulation.execution.mutants import EXECUTION_MUTANTS
from tests.simulation.mutant_seeds import caught_by
from tests.simulation.mutants import MUTANTS
from tests.simulation.sandboxes.mutants import MUTANTS as SANDBOX_MUTANTS

PROMISES = ROOT / "docs" / "reference" / "invariants.md"


def test_every_mutant_is_in_the_table_with_its_invariant() -> None:
    page = reference.mutants()
    names = [mutant.name for mutant in (*MUTANTS, *EXECUTION_MUTANTS, *SANDBOX_MUTANTS)]
    assert not [name for name in names if f"| {name} |" not in page]
    assert "not recorded" not in page


def test_an_invariant_is_recorded_for_no_mutant_that_is_gone() -> None:
    assert caught_by("runs").keys() == {mutant.name for mutant in MUTANTS}
    assert caught_by("executions").keys() == {mutant.name for mutant in EXECUTION_MUTANTS}
    assert caught_by("sandboxes").keys() == {mutant.name for mutant in SANDBOX_MUTANTS}


def test_every_past_bug_is_in_a_table_whose_lines_have_the_same_cells() -> None:
    bugs = yaml.safe_load(reference.PAST_BUGS.read_text())
    lines = [line for line in reference.past_bugs().splitlines() if line.startswith("| ")]
    assert len(lines) == sum(map(len, bugs.values())) + 2 * len(bugs)
    assert {line.count(" | ") for line in lines} == {3}


def test_an_error_code_has_its_status() -> None:
    page = reference.error_codes()
    assert "| `VERSION_CONFLICT` | 409 |" in page
    assert "| `TIMED_OUT` | 504 |" in page


def test_an_invariant_named_in_the_documents_is_one_of_the_simulator() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PROMISES.read_text()))
    assert len(named) > 80
    assert not [name for name in named if not re.search(rf"\b{name}\b", code)]


def test_a_stale_page_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main([]) == 0
    monkeypatch.setitem(reference.PAGES, "mutants.md", lambda: "# Something else\n")
    assert reference.main([]) == 1
    assert "docs/reference/mutants.md is stale" in capsys.readouterr().err


def test_a_page_is_written_where_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    assert reference.main(["--write"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(reference.PAGES)
