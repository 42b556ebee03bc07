"""Allowed commands and their arguments: no shell interprets what a model wrote."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.agent.allowed_commands import allowed_line, chosen_commands
from groundwork.agent.workspace import ToolFailed
from groundwork.checks.model import MAX_COMMAND_CHARACTERS, CheckSettings

SETTINGS = CheckSettings(
    setup=("npm ci",),
    verify=("python -m pytest -q", "cd web && npm test"),
    allowed=("ruff", "npm run"),
)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("python -m pytest -q", "python -m pytest -q"),
        ("  npm ci ", "npm ci"),
        ("cd web && npm test", "cd web && npm test"),
        ("ruff format src", "ruff format src"),
        ("npm   run  lint", "npm run lint"),
        ("python -m pytest -q 'tests/a b.py'", "python -m pytest -q 'tests/a b.py'"),
        ('ruff check --select "E,F"', "ruff check --select E,F"),
        ("ruff check '$HOME'", "ruff check '$HOME'"),
        ("ruff check a\\;b", "ruff check 'a;b'"),
        ("ruff check src/**/*.py", "ruff check 'src/**/*.py'"),
    ],
)
def test_an_allowed_command_gets_quoted_arguments(asked: str, line: str) -> None:
    assert allowed_line(SETTINGS, asked) == line


@pytest.mark.parametrize(
    "asked",
    [
        *("", " ", "rm -rf .", "python", "python -m pytest", "npm install", "ruf", "RUFF", "ruff2 x", "'ruff x'"),
        *("ruff && rm -rf .", "ruff; rm x", "ruff | tee x", "ruff > x", "ruff $(id)", "ruff `id`", "ruff $HOME"),
        *(
            'ruff "$HOME"',
            'ruff "`id`"',
            "ruff &",
            "ruff (a)",
            "ruff <x",
            "ruff 'a",
            "ruff\nid",
            "ruff\0",
            "ruff \ud800",
        ),
        *("A=1 ruff x", "env ruff", "sh -c ruff", "cd web && npm test -- -u", "cd web", "ruff " + "x" * 1_000),
    ],
)
def test_everything_else_is_refused_with_a_reason(asked: str) -> None:
    with pytest.raises(ToolFailed) as refused:
        allowed_line(SETTINGS, asked)
    assert str(refused.value)


def test_a_refusal_lists_the_allowed_commands() -> None:
    with pytest.raises(ToolFailed, match="ruff; npm run; python -m pytest -q; cd web && npm test; npm ci"):
        allowed_line(SETTINGS, "make")


WORD = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\n\r\t", exclude_categories=["Cc", "Cs"]), max_size=12
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORD, max_size=4))
def test_a_shell_passes_on_exactly_the_words_that_were_asked_for(words: list[str]) -> None:
    asked = ["printf", "%s\\0", *words]
    try:
        line = allowed_line(CheckSettings(verify=("true",), allowed=("printf",)), shlex.join(asked))
    except ToolFailed:
        # the whole line may be too long; nothing else of these words is refused
        assert len(shlex.join(asked)) > MAX_COMMAND_CHARACTERS
        return
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, timeout=20, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.stdout.decode().split("\0")[:-1] == (words or [""])


@settings(max_examples=300)
@given(st.text(st.sampled_from([*"ruf xy'\"\\;|&$`()<>\n{}*?~#!="]), max_size=30))
def test_no_text_reaches_a_shell_as_more_than_one_command(text: str) -> None:
    allowed = CheckSettings(verify=("true",), allowed=("ruff",))
    try:
        line = allowed_line(allowed, text)
    except ToolFailed:
        return
    words = shlex.split(line)
    assert line == shlex.join(words)
    assert words[0] == "ruff" or line == "true"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, SETTINGS.verify),
        ([], SETTINGS.verify),
        ([2], SETTINGS.verify[1:]),
        (["1"], SETTINGS.verify[:1]),
        ([2, 1, 2], SETTINGS.verify),
        (["cd web && npm test"], SETTINGS.verify[1:]),
    ],
)
def test_checks_are_chosen_by_number_or_text(wanted: list[int | str] | None, chosen: tuple[str, ...]) -> None:
    assert chosen_commands(SETTINGS, wanted) == chosen


@pytest.mark.parametrize("wanted", [[0], [3], [-1], ["npm ci"], ["9" * 5_000], [""], ["²"]])
def test_an_unknown_check_is_refused_with_the_known_ones(wanted: list[int | str]) -> None:
    with pytest.raises(ToolFailed, match="1: python -m pytest -q; 2: cd web"):
        chosen_commands(SETTINGS, wanted)
