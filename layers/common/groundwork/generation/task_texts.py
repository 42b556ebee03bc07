"""Task texts in answers about plans, and their normalization."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from groundwork.backlog.model import Effort
from groundwork.generation.answer_fields import Answer, Line, Prose, Title
from groundwork.plans.draft import TaskDraft
from groundwork.plans.model import Plan, Task

Criteria = Annotated[list[Line], Field(min_length=1, max_length=10)]
Reason = Annotated[Line, Field(description="Why, in one or two sentences")]

_NOT_IN_KEYS = re.compile(r"[^a-z0-9._-]+")
MAX_FILES = 30


class TaskTexts(Answer):
    title: Title
    description: Prose
    acceptance_criteria: Criteria
    effort: Effort
    files: list[str]

    def fields(self) -> dict[str, object]:
        """Return the fields by their names in `TaskDraft`."""
        return {
            "title": self.title,
            "description": self.description,
            "acceptance_criteria": tuple(self.acceptance_criteria),
            "effort": self.effort,
            "files": normalize_files(self.files),
        }


class KeyedTask(TaskTexts):
    """A task with a temporary key: code assigns the ids."""

    key: str
    depends_on: list[str]

    def draft(self, **links: object) -> TaskDraft:
        needs = tuple(dict.fromkeys(normalize_key(key) for key in self.depends_on))
        return TaskDraft.model_validate(self.fields() | {"key": normalize_key(self.key), "depends_on": needs} | links)


def normalize_key(text: str) -> str:
    """Convert a model's key to a valid one.

    Different keys may become equal: the validator reports it.
    """
    return _NOT_IN_KEYS.sub("-", text.strip().casefold()).strip("-._")[:40].rstrip("-._") or "task"


def normalize_files(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths inside the repository, as git writes them; others are dropped."""
    inside: dict[str, None] = {}
    for path in paths:
        plain = path.strip().replace("\\", "/").removeprefix("./").lstrip("/")
        parts = plain.split("/")
        # untrusted: a path must lead neither out of the checkout nor into git's own files
        if plain and len(plain) <= 300 and ".." not in parts and ".git" not in parts and plain.isprintable():
            inside[plain] = None
    return tuple(inside)[:MAX_FILES]


def task_refs(plan: Plan) -> dict[str, str]:
    """Return task ids by short ref: "1", "2" … in the plan's order."""
    return {str(number): task.id for number, task in enumerate(plan.tasks, 1)}


def phase_refs(plan: Plan) -> dict[str, str]:
    """Return phase ids by short ref: "P1", "P2" …"""
    return {f"P{number}": phase.id for number, phase in enumerate(plan.phases, 1)}


def task_material(task: Task, ref: str) -> dict[str, object]:
    """Return a task's texts as material of a question."""
    return {
        "ref": ref,
        "title": task.title,
        "description": task.description,
        "acceptance_criteria": list(task.acceptance_criteria),
        "effort": task.effort,
        "files": list(task.files),
    }
