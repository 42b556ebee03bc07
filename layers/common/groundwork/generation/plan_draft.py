"""GENERATE_PLAN: a complete, valid plan from a description, stories or a template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.backlog.model import Mode, Story, Subtask
from groundwork.generation.answer_fields import Answer, Prose, Title
from groundwork.generation.plan_prompts import WRITE_PLAN
from groundwork.generation.task_texts import KeyedTask
from groundwork.llm.port import ModelTask, Question
from groundwork.plans.draft import PhaseDraft, add_phases
from groundwork.plans.errors import InvalidPlan
from groundwork.plans.generate import MAX_GENERATED_TASKS
from groundwork.plans.model import PhaseMode, Plan
from groundwork.plans.repo_survey import Survey
from groundwork.plans.templates import Template
from groundwork.plans.validation import Fault, faults

# about the output of one call within its timeout
MAX_TOKENS = 16_000
MAX_SHOWN_FAULTS = 12

_RANGES = {Mode.COMPACT: (3, 12), Mode.STANDARD: (5, 25), Mode.DETAILED: (10, 45)}

type StoriesWithSubtasks = Sequence[tuple[Story, Sequence[Subtask]]]


@dataclass(frozen=True, slots=True)
class PlanBrief:
    """Input of a generation. `template` has its parameters filled in."""

    plan: Plan
    survey: Survey
    mode: Mode = Mode.STANDARD
    stories: StoriesWithSubtasks = ()
    template: Template | None = None

    def refs(self) -> dict[str, tuple[str, str | None]]:
        """Return (story id, subtask id) by ref.

        S1.2 is a story's second subtask, S3 a story without subtasks.
        """
        found: dict[str, tuple[str, str | None]] = {}
        for number, (story, subtasks) in enumerate(self.stories, 1):
            if not subtasks:
                found[f"S{number}"] = (story.id, None)
            for position, subtask in enumerate(subtasks, 1):
                found[f"S{number}.{position}"] = (story.id, subtask.id)
        return found

    def about(self) -> str:
        """Return the words for the choice of relevant parts of the repository."""
        titles = [story.title for story, _ in self.stories] + [
            part.title for _, parts in self.stories for part in parts
        ]
        return " ".join([self.plan.title, self.plan.description, *titles])

    def task_range(self) -> tuple[int, int]:
        """Return the minimum and maximum number of tasks."""
        minimum, maximum = _RANGES[self.mode]
        if self.template:
            count = sum(len(phase.tasks) for phase in self.template.phases)
            minimum, maximum = min(minimum, count), max(maximum, count + count // 2)
        if parts := len(self.refs()):
            # each ref needs a task of its own, and some work belongs to no story
            minimum, maximum = parts, max(maximum, parts + 2 + parts // 4)
        return minimum, min(maximum, MAX_GENERATED_TASKS)


class WrittenTask(KeyedTask):
    ref: str


class WrittenPhase(Answer):
    title: Title
    description: Prose
    mode: PhaseMode
    pause_after: bool
    tasks: list[WrittenTask]


class WrittenPlan(Answer):
    phases: list[WrittenPhase]


def question(brief: PlanBrief) -> Question:
    minimum, maximum = brief.task_range()
    material: dict[str, Any] = {
        "tasks_wanted": {"fewest": minimum, "most": maximum},
        "plan": {"title": brief.plan.title, "description": brief.plan.description},
        "repository": brief.survey.material(brief.about()),
    }
    if brief.stories:
        material["stories"] = _stories(brief.stories)
    if brief.template:
        material["template"] = _template(brief.template)
    return Question(
        task=ModelTask.WRITE_PLAN,
        instructions=WRITE_PLAN,
        material=material,
        answer=WrittenPlan,
        max_tokens=min(MAX_TOKENS, 1_500 + 400 * maximum),
    )


def _stories(stories: StoriesWithSubtasks) -> list[dict[str, Any]]:
    return [
        {
            "ref": f"S{number}",
            "title": story.title,
            "role": story.role,
            "want": story.want,
            "benefit": story.benefit,
            "acceptance_criteria": list(story.acceptance_criteria),
            "effort": story.effort,
            "subtasks": [
                {
                    "ref": f"S{number}.{position}",
                    "title": subtask.title,
                    "description": subtask.description,
                    "effort": subtask.effort,
                }
                for position, subtask in enumerate(subtasks, 1)
            ],
        }
        for number, (story, subtasks) in enumerate(stories, 1)
    ]


def _template(template: Template) -> dict[str, Any]:
    return {
        "title": template.title,
        "description": template.plan_description,
        "phases": [phase.model_dump(mode="json", exclude_defaults=True) for phase in template.phases],
    }


def interpret(brief: PlanBrief, answer: WrittenPlan) -> Plan:
    """Return the plan with ids.

    Raises ValueError with all faults found, for the model to correct.
    """
    refs = brief.refs()
    tasks = [task for phase in answer.phases for task in phase.tasks]
    # the model gets one correction, so it must see all faults at once
    problems = [*_count_problems(brief, len(tasks)), *_ref_problems(refs, tasks)]
    try:
        plan = add_phases(brief.plan, [_phase(phase, refs) for phase in answer.phases])
        problems += [_describe(fault) for fault in faults(plan, complete=True)]
    except InvalidPlan as invalid:
        problems.append(str(invalid))
    if problems:
        more = f" (and {len(problems) - MAX_SHOWN_FAULTS} more)" if len(problems) > MAX_SHOWN_FAULTS else ""
        raise ValueError("; ".join(problems[:MAX_SHOWN_FAULTS]) + more)
    return plan


def _count_problems(brief: PlanBrief, count: int) -> list[str]:
    minimum, maximum = brief.task_range()
    return [] if minimum <= count <= maximum else [f"{count} tasks given, {minimum} to {maximum} wanted"]


def _ref_problems(refs: Mapping[str, Any], tasks: Sequence[WrittenTask]) -> list[str]:
    """Return faults of the refs.

    Each part of each story must have exactly one task, to report its progress.
    """
    given = [task.ref.strip() for task in tasks if task.ref.strip()]
    problems = [f"there is no ref {ref}" for ref in dict.fromkeys(given) if ref not in refs]
    problems += [f"no task has the ref {ref}" for ref in refs if ref not in given]
    # a story without subtasks may have several tasks
    duplicates = [ref for ref in dict.fromkeys(given) if given.count(ref) > 1 and refs.get(ref, ("", None))[1]]
    return problems + [f"several tasks have the ref {ref}" for ref in duplicates]


def _describe(fault: Fault) -> str:
    return f"{fault.code}: {fault.message}"


def _phase(phase: WrittenPhase, refs: Mapping[str, tuple[str, str | None]]) -> PhaseDraft:
    def links(task: WrittenTask) -> dict[str, object]:
        story_id, subtask_id = refs.get(task.ref.strip(), (None, None))
        return {"story_id": story_id, "subtask_id": subtask_id}

    return PhaseDraft(
        title=phase.title,
        description=phase.description,
        mode=phase.mode,
        pause_after=phase.pause_after,
        tasks=tuple(task.draft(**links(task)) for task in phase.tasks),
    )
