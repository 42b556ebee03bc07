"""The measure of the English of docstrings and comments."""

from pathlib import Path

import pytest

from checks import prose
from checks.prose import Figures, faults, texts_of

SOURCE = '''"""A module."""

MAX_CARDS = 3
"""Cards that a call may hold."""


class Card:
    """What a card is."""

    def text(self) -> str:
        # why: two lines
        # of one comment, which has a pronoun
        return "not a docstring"  # noqa: RET504
'''


def figures_of(source: str) -> Figures:
    figures = Figures()
    for text in texts_of(source):
        figures.add(text)
    return figures


def test_docstrings_texts_of_constants_and_comments_are_counted() -> None:
    figures = figures_of(SOURCE)
    assert (figures.texts, figures.words) == (4, 22)
    assert figures.pronouns == 3
    assert figures.openings == 1
    assert figures.too_long == 0


def test_a_directive_is_no_comment_and_a_string_of_the_code_is_no_text() -> None:
    assert [text.words for text in texts_of('x = "that which"  # noqa: E501\n')] == []


def test_a_long_first_line_of_a_docstring_is_a_fault() -> None:
    assert figures_of(f'"""{"a" * 91}"""').too_long == 1
    assert figures_of(f'"""{"a" * 90}\n\n{"b" * 100}\n"""').too_long == 0
    assert figures_of(f"# {'a' * 100}\n").too_long == 0


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('"""A store that keeps cards, which are read by whoever asks what."""', "relative pronouns"),
        ('"""Whether it holds."""', "begin with What"),
        (f'"""{"a" * 91}"""', "first line above 90"),
    ],
)
def test_a_text_above_a_limit_is_a_fault(source: str, fault: str) -> None:
    (found,) = faults("place", figures_of(source))
    assert fault in found


def test_plain_texts_have_no_fault() -> None:
    assert faults("place", figures_of('"""Save a card. Raises NotFound."""')) == []


def test_the_check_fails_for_a_place_above_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "code").mkdir()
    module = tmp_path / "code" / "module.py"
    module.write_text('"""Save a card."""\n')
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    monkeypatch.setattr(prose, "PLACES", ("code",))
    assert prose.main([]) == 0
    module.write_text('"""What a card is that who asks gets."""\n')
    assert prose.main([]) == 1
    assert "code: " in capsys.readouterr().err
    assert prose.main(["--list", "code"]) == 0
    assert "code/module.py:1: What a card is" in capsys.readouterr().out
