"""REVIEW_PLAN: the model's suggestions as typed operations, each applicable on its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from groundwork.generation.review_answers import FORMS, Proposed, ReviewScope
from groundwork.generation.task_texts import phase_refs, task_material, task_refs
from groundwork.llm.port import Question
from groundwork.plans.graph import schedule
from groundwork.plans.history import ReviewType
from groundwork.plans.model import Plan, Task
from groundwork.plans.operations import Operation
from groundwork.plans.repo_survey import Survey
from groundwork.plans.suggestions import Suggestion, select_applicable
from groundwork.plans.validation import faults

MAX_SUGGESTIONS = 90
"""Per call: they are written in one transaction."""

MAX_TOKENS = 16_000
SURVEYED: tuple[ReviewType, ...] = ("refine_descriptions", "add_missing", "break_down")
"""Types with a survey of the repository in the material."""


def question(scope: ReviewScope, type_: ReviewType, survey: Survey | None) -> Question:
    """Return the question about one part of a plan; `survey` is None for types without one."""
    form, plan = FORMS[type_], scope.plan
    refs = {id_: ref for ref, id_ in task_refs(plan).items()}
    reviewed = [task for task in plan.tasks if task.id in scope.task_ids]
    material: dict[str, Any] = {
        "plan": {"title": plan.title, "description": plan.description},
        "phases": _outline(plan),
        "tasks": _task_material(reviewed, refs, type_),
    }
    if survey:
        material["repository"] = survey.material(
            " ".join([plan.title, plan.description, *(task.title for task in reviewed)])
        )
    if type_ == "optimize_order":
        material["schedule"] = _schedule(plan, refs)
    if type_ == "add_missing":
        ids = {id_: ref for ref, id_ in phase_refs(plan).items()}
        material["phases_open"] = [ids[id_] for id_ in scope.phase_ids]
    limit = min(MAX_TOKENS, 1_500 + form.tokens * max(1, len(reviewed)))
    return Question(form.task, form.instructions, material, form.answer, limit)


def _task_material(tasks: Sequence[Task], refs: dict[str, str], type_: ReviewType) -> list[Any]:
    if type_ != "optimize_order":
        return [task_material(task, refs[task.id]) for task in tasks]
    # the order depends on links and files only: full texts of 500 tasks would cost much and add nothing
    return [{"ref": refs[task.id], "files": list(task.files)} for task in tasks]


def _outline(plan: Plan) -> list[dict[str, Any]]:
    refs = {id_: ref for ref, id_ in task_refs(plan).items()}
    return [
        {
            "ref": ref,
            "title": phase.title,
            "mode": phase.mode,
            "pause_after": phase.pause_after,
            "tasks": [
                {
                    "ref": refs[task.id],
                    "key": task.key,
                    "title": task.title,
                    "effort": task.effort,
                    "depends_on": [refs[id_] for id_ in task.depends_on],
                }
                for task in phase.tasks
            ],
        }
        for ref, phase in zip(phase_refs(plan), plan.phases, strict=True)
    ]


def _schedule(plan: Plan, refs: dict[str, str]) -> dict[str, Any]:
    now = schedule(plan)
    return now.as_json() | {"criticalPath": [refs[id_] for id_ in now.critical_path]}


type Judge = Callable[[Any], tuple[list[Suggestion], list[str]]]


def judge(scope: ReviewScope, type_: ReviewType) -> Judge:
    """Return a function from an answer to its (suggestions, reasons for dropped ones).

    It raises ValueError for unknown refs, and on the first answer also if no proposal could be applied: the model then
    corrects itself with the validator's messages.
    """
    answers_read = 0

    def interpret(answer: Any) -> tuple[list[Suggestion], list[str]]:
        nonlocal answers_read
        answers_read += 1
        # a fresh copy: keys taken by a first answer are free again
        proposed = FORMS[type_].read(replace(scope), answer)
        kept, dropped = select_applicable(scope.plan, _in_scope_only(proposed, scope)[:MAX_SUGGESTIONS])
        # a plan with faults of its own rejects most suggestions: no reason for a correction
        if dropped and not kept and answers_read == 1 and not faults(scope.plan):
            raise ValueError("none of it can be applied: " + "; ".join(dropped[:8]))
        return kept, dropped

    return interpret


def _in_scope_only(proposed: Sequence[Proposed], scope: ReviewScope) -> list[tuple[Operation, str]]:
    return [(operation, reason) for operation, reason in proposed if scope.allows(operation)]
