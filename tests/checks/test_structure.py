"""Figures of the structure, and limits of the composition roots."""

import ast
from pathlib import Path

import pytest

from checks import structure
from checks.structure import Module, name_figures, percentile, size_figures

ROOT = Path(__file__).resolve().parents[2]
ROOTS = sorted((ROOT / "functions").glob("*/app.py"))
MAX_ROOT_LINES = 60

SOURCE = '''"""One line."""


class Card:
    """Two
    lines."""

    def text(self) -> str:
        """Not counted."""
        # counted
        return "x"
'''


def module(name: str, text: str = SOURCE) -> Module:
    return Module(ROOT / name, text)


def test_figures_count_lines_functions_comments_and_docstrings() -> None:
    figures = dict(line.split(None, 1) for line in size_figures([module("a.py")]))
    assert figures["files"] == "1, median 11, p90 11"
    assert figures["functions"] == "1, median 3, p90 3, max 3"
    assert figures["comments"] == "9.1 in 100 lines"
    assert figures["docstring"] == "lines        36.4 in 100 lines"


def test_gerunds_and_repeated_class_names_are_listed() -> None:
    gerunds, twice = name_figures([module("a/importing.py"), module("b/model.py"), module("b/settings.py", "")])
    assert gerunds.endswith("1 of 3: a/importing.py")
    assert twice.endswith("1: Card")


def test_each_class_has_a_name_of_its_own() -> None:
    assert structure.repeated_classes(structure.modules(structure.SOURCES)) == []


def test_tests_are_counted_with_their_words_and_mocks() -> None:
    tests = [module("test_a.py", "def test_a_card_is_kept(monkeypatch):\n    pass\n\ndef test_two(): pass\n")]
    ratio, mocks, words = structure.test_figures([module("a.py")], tests)
    assert "0.36 lines, 2 tests" in ratio
    assert "0.50 a test" in mocks
    assert words.endswith("median 2, max 4")


def test_a_percentile_is_one_of_the_values() -> None:
    assert [percentile(range(10), share) for share in (0, 0.5, 0.9, 1)] == [0, 5, 9, 9]


def test_a_journey_through_a_missing_file_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "SOURCES", ("deploy",))
    monkeypatch.setattr(structure, "TESTS", ("tests/deploy",))
    assert structure.main() == 0
    monkeypatch.setitem(structure.JOURNEYS, "get lost", ("groundwork/nowhere.py",))
    assert structure.main() == 1


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.parent.name)
def test_a_composition_root_is_short_and_has_no_route(root: Path) -> None:
    text = root.read_text()
    assert len(text.splitlines()) <= MAX_ROOT_LINES
    decorators = [
        ast.unparse(decorator)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
    ]
    assert not [one for one in decorators if one.startswith(("app.", "router."))]
    assert "def handler(" in text
