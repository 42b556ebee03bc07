"""The message of a task's commit: conventional, with trailers by which the commit is found again."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import fill

from groundwork.text import clean, one_line, shorten

PLAN, TASK, ATTEMPT = "Plan-Id", "Task-Id", "Attempt"
REVERTS, REVERTED_TASK = "Reverts-Commit", "Reverts-Task"
MAX_SUBJECT = 72
MAX_BODY = 2_000

_CONVENTIONAL = re.compile(
    r"(?P<type>build|chore|ci|docs|feat|fix|perf|refactor|style|test)(\([A-Za-z0-9_./ -]{1,30}\))?!?: \S.*"
)
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")
_TESTS = re.compile(r"(^|/)(tests?|spec|__tests__)(/|[_.-])|[_.-](test|spec)\.[a-z]+$|(^|/)conftest\.py$", re.I)
_DOCUMENTS = re.compile(r"\.(md|rst|adoc|txt)$|(^|/)docs?/|(^|/)(licen[sc]e|changelog)", re.I)
_FIX = re.compile(r"\b(fix|repair|correct|bug|mend)\w*\b", re.I)


@dataclass(frozen=True, slots=True)
class Marks:
    """What a task's commit is found by."""

    plan_id: str
    task_id: str
    attempt: int

    def trailers(self) -> dict[str, str]:
        return {PLAN: self.plan_id, TASK: self.task_id, ATTEMPT: str(self.attempt)}


def message(subject: str, body: str, marks: Marks) -> str:
    """Subject, body and trailers. The trailers are a paragraph of their own: nothing in the body can pass for one."""
    return _put_together(shorten(one_line(subject), MAX_SUBJECT), body, marks.trailers())


def reverting(subject: str, sha: str, marks: Marks) -> str:
    """The message of a commit that takes back a task's commit."""
    first = f"revert: {shorten(one_line(subject), MAX_SUBJECT - 8)}"
    trailers = {PLAN: marks.plan_id, REVERTED_TASK: marks.task_id, REVERTS: sha}
    return _put_together(first, f"This takes back commit {sha}.", trailers)


def subject_of(wished: str, title: str, paths: Iterable[str]) -> str:
    """The subject as the session wished it where it is a conventional one; else made of the title and what changed."""
    wished = one_line(wished)
    if _CONVENTIONAL.fullmatch(wished):
        return shorten(wished, MAX_SUBJECT)
    text = one_line(title).rstrip(".")
    # conventional subjects begin small, but names and abbreviations stay as they are
    text = text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
    return shorten(f"{_type_of(title, list(paths))}: {text}", MAX_SUBJECT)


def trailers(text: str) -> Mapping[str, str]:
    """Those of a commit's message: lines of its last paragraph, if all of that are such lines."""
    lines = text.strip().rsplit("\n\n", 1)[-1].splitlines()
    found = [_TRAILER.fullmatch(line) for line in lines]
    return {match[1]: match[2].strip() for match in found if match} if all(found) else {}


def _put_together(subject: str, body: str, marks: Mapping[str, str]) -> str:
    paragraphs = [one_line(part) for part in re.split(r"\n\s*\n", shorten(clean(body), MAX_BODY))]
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
