"""Links between stories and plans: tasks made from subtasks, and progress on a story."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from groundwork.backlog.model import Story, Subtask
from groundwork.errors import Invalid, NotFound
from groundwork.ids import Kind, Path, path_of
from groundwork.plans.draft import PhaseDraft, TaskDraft
from groundwork.plans.model import MAX_TASKS, Plan, TaskState, TaskStatus

ENDED = (TaskStatus.COMPLETED, TaskStatus.SKIPPED)


class StoryReader(Protocol):
    """The part of the backlog read by plans."""

    def get(self, path: Path) -> Any:
        """Return a story or subtask. Raises NotFound."""
        ...

    def iter_all(self, kind: Kind, parent: Path) -> Iterable[Any]: ...


def check_linked(before: Plan | None, after: Plan, backlog: StoryReader) -> None:
    """Raise Invalid for new links to missing stories or subtasks."""
    # a story may be deleted after it was linked: such a link must not block every edit
    known = _linked_ids(before) if before else {}
    problems = [
        {"field": field, "message": f"There is no {kind.name.lower()} {id_!r}."}
        for id_, (kind, field) in _linked_ids(after).items()
        if id_ not in known and not _exists(kind, id_, backlog)
    ]
    if problems:
        raise Invalid(problems)


def _linked_ids(plan: Plan) -> dict[str, tuple[Kind, str]]:
    named = dict.fromkeys(plan.story_ids, (Kind.STORY, "storyIds"))
    for task in plan.tasks:
        for id_, kind, field in (
            (task.story_id, Kind.STORY, "storyId"),
            (task.subtask_id, Kind.SUBTASK, "subtaskId"),
        ):
            if id_:
                named.setdefault(id_, (kind, field))
    return named


def _exists(kind: Kind, id_: str, backlog: StoryReader) -> bool:
    path = path_of(kind, id_)
    try:
        return path is not None and bool(backlog.get(path))
    except NotFound:
        return False


def phases_of_stories(story_ids: Iterable[str], backlog: StoryReader) -> tuple[PhaseDraft, ...]:
    """Return a phase per story, with a task per subtask, or one task for none. Raises Invalid."""
    phases = []
    for id_ in dict.fromkeys(story_ids):
        path = path_of(Kind.STORY, id_)
        if path is None or not _exists(Kind.STORY, id_, backlog):
            raise Invalid.field("storyIds", f"There is no story {id_!r}.")
        subtasks = list(backlog.iter_all(Kind.SUBTASK, path))
        # refused here: the plan's own check could not name the story
        if len(subtasks) > MAX_TASKS:
            raise Invalid.field("storyIds", f"{id_} has {len(subtasks)} subtasks; the limit of a plan is {MAX_TASKS}")
        phases.append(phase_of_story(backlog.get(path), subtasks))
    return tuple(phases)


def phase_of_story(story: Story, subtasks: list[Subtask]) -> PhaseDraft:
    """Return the story as a phase; the last task takes over the acceptance criteria."""
    tasks = [_task_of_subtask(story, subtask) for subtask in subtasks] or [_task_of_story(story)]
    criteria = tuple(text for text in story.acceptance_criteria if text.strip())
    # only the last task completes the story, so only it can meet the story's criteria
    tasks[-1] = tasks[-1].model_copy(update={"acceptance_criteria": criteria})
    return PhaseDraft(title=story.title, description=story_sentence(story), tasks=tuple(tasks))


def story_sentence(story: Story) -> str:
    """Return the story as one sentence, without the parts it lacks."""
    parts = [("As ", story.role), ("I want ", story.want), ("so that ", story.benefit)]
    return ", ".join(start + text for start, text in parts if text)


def _task_of_subtask(story: Story, subtask: Subtask) -> TaskDraft:
    return TaskDraft(
        title=subtask.title,
        description=subtask.description,
        effort=subtask.effort,
        story_id=story.id,
        subtask_id=subtask.id,
    )


def _task_of_story(story: Story) -> TaskDraft:
    return TaskDraft(title=story.title, description=story_sentence(story), effort=story.effort, story_id=story.id)


def progress_on_story(
    summary: Mapping[str, Any], tasks: Sequence[tuple[str, str | None]], states: Mapping[str, TaskState]
) -> dict[str, Any]:
    """Summarize a plan's progress on a story. `tasks`: pairs of task id and subtask id."""
    statuses = [states.get(id_, TaskState()).status for id_, _ in tasks]
    ended = sum(status in ENDED for status in statuses)
    return {
        "planId": summary["id"],
        "title": summary["title"],
        "status": summary["status"],
        "version": summary["version"],
        "progress": 100 * ended // len(statuses) if statuses else 0,
        "counts": {status.value: statuses.count(status) for status in dict.fromkeys(statuses)},
        "tasks": [
            {"id": id_, "subtaskId": subtask_id, "status": status.value}
            for (id_, subtask_id), status in zip(tasks, statuses, strict=True)
        ],
    }
