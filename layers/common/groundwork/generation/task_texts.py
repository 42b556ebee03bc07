"""What the answers about plans are made of: a task's texts, as the model writes them, and what is kept of them."""

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
        """By the names of `TaskDraft`."""
        return {
            "title": self.title,
            "description": self.description,
            "acceptance_criteria": tuple(self.acceptance_criteria),
            "effort": self.effort,
            "files": normalize_files(self.files),
        }


class KeyedTask(TaskTexts):
    """`key` is temporary: ids are given by code."""

    key: str
    depends_on: list[str]

    def draft(self, **links: object) -> TaskDraft:
        needs = tuple(dict.fromkeys(normalize_key(key) for key in self.depends_on))
        return TaskDraft.model_validate(self.fields() | {"key": normalize_key(self.key), "depends_on": needs} | links)


def normalize_key(text: str) -> str:
    """The key a model gave, in the form keys have. Different keys may become one: the validator says so."""
    return _NOT_IN_KEYS.sub("-", text.strip().casefold()).strip("-._")[:40].rstrip("-._") or "task"


def normalize_files(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths that lie within a repository, in the form git has them."""
    inside: dict[str, None] = {}
    for path in paths:
        plain = path.strip().replace("\\", "/").removeprefix("./").lstrip("/")
        parts = plain.split("/")
        if plain and len(plain) <= 300 and ".." not in parts and ".git" not in parts and plain.isprintable():
            inside[plain] = None
    return tuple(inside)[:MAX_FILES]


def task_refs(plan: Plan) -> dict[str, str]:
    """Ids of tasks by short ref: "1", "2" … in the plan's order."""
    return {str(number): task.id for number, task in enumerate(plan.tasks, 1)}


def phase_refs(plan: Plan) -> dict[str, str]:
    """Ids of phases by short ref: "P1", "P2" …"""
    return {f"P{number}": phase.id for number, phase in enumerate(plan.phases, 1)}


def task_material(task: Task, ref: str) -> dict[str, object]:
    """A task's texts as material."""
    return {
        "ref": ref,
        "title": task.title,
        "description": task.description,
        "acceptance_criteria": list(task.acceptance_criteria),
        "effort": task.effort,
        "files": list(task.files),
    }
