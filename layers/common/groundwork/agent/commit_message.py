"""Message of a task's commit: a conventional subject, and trailers to find the commit again."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import fill

from groundwork.text import clean, one_line, shorten

PLAN, TASK, ATTEMPT = "Plan-Id", "Task-Id", "Attempt"
CHECKS = "Checks"
REVERTS, REVERTED_TASK = "Reverts-Commit", "Reverts-Task"
# git's convention: `git log` indents by four columns, and terminals have 80
MAX_SUBJECT = 72
MAX_BODY = 2_000
MAX_CHECKS = 200

_CONVENTIONAL = re.compile(
    r"(?P<type>build|chore|ci|docs|feat|fix|perf|refactor|style|test)(\([A-Za-z0-9_./ -]{1,30}\))?!?: \S.*"
)
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")
_TESTS = re.compile(r"(^|/)(tests?|spec|__tests__)(/|[_.-])|[_.-](test|spec)\.[a-z]+$|(^|/)conftest\.py$", re.I)
_DOCUMENTS = re.compile(r"\.(md|rst|adoc|txt)$|(^|/)docs?/|(^|/)(licen[sc]e|changelog)", re.I)
_FIX = re.compile(r"\b(fix|repair|correct|bug|mend)\w*\b", re.I)


@dataclass(frozen=True, slots=True)
class Marks:
    """Ids of a task's commit."""

    plan_id: str
    task_id: str
    attempt: int

    def trailers(self) -> dict[str, str]:
        return {PLAN: self.plan_id, TASK: self.task_id, ATTEMPT: str(self.attempt)}


def task_message(subject: str, body: str, marks: Marks, checks: str = "") -> str:
    """Subject, body and trailers. `checks` tells what was checked, and how it ended.

    The trailers form their own paragraph, so the body cannot forge them.
    """
    told = {CHECKS: shorten(one_line(checks), MAX_CHECKS)} if checks else {}
    return _assemble(shorten(one_line(subject), MAX_SUBJECT), body, marks.trailers() | told)


def revert_message(subject: str, sha: str, marks: Marks) -> str:
    """Message of a commit that reverts a task's commit."""
    first = f"revert: {shorten(one_line(subject), MAX_SUBJECT - 8)}"
    trailers = {PLAN: marks.plan_id, REVERTED_TASK: marks.task_id, REVERTS: sha}
    return _assemble(first, f"This reverts commit {sha}.", trailers)


def choose_subject(wanted: str, title: str, paths: Iterable[str]) -> str:
    """Use the session's subject if it is conventional, else derive one from title and paths."""
    wanted = one_line(wanted)
    if _CONVENTIONAL.fullmatch(wanted):
        return shorten(wanted, MAX_SUBJECT)
    text = one_line(title).rstrip(".")
    # conventional subjects start in lower case, but names and abbreviations keep theirs
    text = text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
    return shorten(f"{_type_of(title, list(paths))}: {text}", MAX_SUBJECT)


def trailers(text: str) -> Mapping[str, str]:
    """Parse the trailers: the last paragraph, if every line of it is one."""
    lines = text.strip().rsplit("\n\n", 1)[-1].splitlines()
    found = [_TRAILER.fullmatch(line) for line in lines]
    # a single line of prose makes the paragraph a body: text of the model must not pass for a trailer
    return {match[1]: match[2].strip() for match in found if match} if all(found) else {}


def _assemble(subject: str, body: str, marks: Mapping[str, str]) -> str:
    paragraphs = [one_line(part) for part in re.split(r"\n\s*\n", shorten(clean(body), MAX_BODY))]
    # paths and ids stay in one piece, so a search finds them
    text = [fill(part, 72, break_long_words=False, break_on_hyphens=False) for part in paragraphs if part]
    return (
        "\n\n".join([subject, *text, "\n".join(f"{name}: {one_line(value)}" for name, value in marks.items())]) + "\n"
    )


def _type_of(title: str, paths: list[str]) -> str:
    if paths and all(_TESTS.search(path) for path in paths):
        return "test"
    if paths and all(_DOCUMENTS.search(path) for path in paths):
        return "docs"
    return "fix" if _FIX.search(title) else "feat"
