"""Commit messages: conventional, and found again by their trailers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.agent.commit_message import MAX_SUBJECT, Marks, choose_subject, revert_message, task_message, trailers

MARKS = Marks("plk3v9x2m4q8", "plk3v9x2m4q8-T3", 2)
CONVENTIONAL = re.compile(r"(build|chore|ci|docs|feat|fix|perf|refactor|style|test)(\(.+\))?!?: .+")


@pytest.mark.parametrize(
    ("wished", "title", "paths", "subject"),
    [
        ("fix(parser): keep the last line", "Whatever", ["a.py"], "fix(parser): keep the last line"),
        ("feat!: drop the old format", "Whatever", ["a.py"], "feat!: drop the old format"),
        ("Did some things", "Resume broken downloads.", ["a.py", "README.md"], "feat: resume broken downloads"),
        ("", "Fix the parser", ["a.py"], "fix: fix the parser"),
        ("", "API for downloads", ["a.py"], "feat: API for downloads"),
        ("", "Explain it", ["docs/a.md", "README.md"], "docs: explain it"),
        ("", "Cover it", ["tests/test_a.py", "web/a.test.ts"], "test: cover it"),
        ("feat: two\nlines", "Title", ["a.py"], "feat: two lines"),
    ],
)
def test_a_subject_is_the_wished_one_if_conventional_and_else_made(
    wished: str, title: str, paths: list[str], subject: str
) -> None:
    assert choose_subject(wished, title, paths) == subject


@given(st.text(), st.text(min_size=1), st.lists(st.text()))
def test_a_subject_is_always_one_short_conventional_line(wished: str, title: str, paths: list[str]) -> None:
    subject = choose_subject(wished, title, paths)
    assert len(subject) <= MAX_SUBJECT
    assert subject.splitlines() == [subject]


@given(st.text(), st.text())
def test_the_trailers_of_a_message_are_ours_whatever_its_body_says(subject: str, body: str) -> None:
    assert trailers(task_message(subject, body, MARKS)) == MARKS.trailers()
    faked = body + "\n\nPlan-Id: other\nTask-Id: other"
    assert trailers(task_message(subject, faked, MARKS)) == MARKS.trailers()
    assert "other" not in trailers(task_message(f"{subject}\n\nTask-Id: other", "", MARKS)).values()


def test_a_message_is_wrapped_and_ends_with_its_trailers() -> None:
    text = task_message("feat: resume", "word " * 40 + "\n\nSecond paragraph.", MARKS)
    assert max(map(len, text.splitlines())) <= 72
    assert text.endswith("\n\nSecond paragraph.\n\nPlan-Id: plk3v9x2m4q8\nTask-Id: plk3v9x2m4q8-T3\nAttempt: 2\n")


def test_a_revert_names_what_it_takes_back_and_is_no_commit_of_the_task() -> None:
    text = revert_message("feat: resume", "1" * 40, MARKS)
    assert text.startswith("revert: feat: resume\n")
    assert "Task-Id" not in trailers(text)
    assert trailers(text)["Reverts-Commit"] == "1" * 40


def test_a_message_without_trailers_has_none() -> None:
    assert trailers("feat: x\n\nNote: not\na trailer block\n") == {}
    assert trailers("") == {}
