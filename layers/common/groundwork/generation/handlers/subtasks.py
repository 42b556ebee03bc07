"""GENERATE_SUBTASKS: each item is a story."""

from collections.abc import Sequence

from groundwork.backlog.model import Artifact, Subtask, rfc3339
from groundwork.generation import subtasks, token_estimates
from groundwork.generation.handlers.children import ChildrenHandler, children_outcome
from groundwork.generation.handlers.entries import target_gone
from groundwork.ids import Kind, Path
from groundwork.llm.structured_output import ask
from groundwork.runs.handler import JobContext, Results, RunScope, Spend, StartScope
from groundwork.runs.model import ManifestEntry, Run, RunType


class GenerateSubtasks(ChildrenHandler):
    type = RunType.GENERATE_SUBTASKS
    activity = "Writing subtasks"
    target = selects = parent = Kind.STORY
    child = Kind.SUBTASK
    builds_on = (RunType.ANALYZE_CARDS, RunType.GENERATE_EPICS, RunType.GENERATE_STORIES)
    uses = frozenset({Kind.EPIC, Kind.STORY, Kind.SUBTASK})
    counts = "subtasks"
    call_seconds = 20

    def count_parents(self, scope: StartScope) -> int:
        return scope.counts.stories

    async def process(self, context: JobContext, entries: Sequence[ManifestEntry], spend: Spend) -> Results:
        (entry,) = entries
        parent = Path(Kind.STORY, context.project_id, entry.numbers)
        story, epic = await context.io(context.backlog.story_and_epic, parent)
        if not story or not epic:
            return {entry.index: target_gone("story", str(parent))}
        mode = context.run.options.mode
        drafts = await ask(
            context.model,
            subtasks.question(story, epic, mode),
            lambda answer: subtasks.interpret(story, mode, answer),
            spend,
        )
        now = rfc3339(context.now_ms())

        def numbered(first: int) -> Sequence[Artifact]:
            paths = (parent.child(Kind.SUBTASK, first + offset) for offset in range(len(drafts)))
            return [_subtask(context.run, path, draft, now) for path, draft in zip(paths, drafts, strict=True)]

        return {entry.index: children_outcome(entry, parent, Kind.SUBTASK, numbered)}

    def estimate_calls(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> list[tuple[int, int]]:
        return [token_estimates.subtasks_call(scope.run.options.mode) for _ in entries]


def _subtask(run: Run, path: Path, draft: subtasks.SubtaskDraft, now: str) -> Subtask:
    return Subtask(
        id=str(path),
        story_id=str(path.parent),
        project_id=path.project_id,
        code=path.code,
        title=draft.title,
        description=draft.description,
        effort=draft.effort,
        run_id=run.id,
        made_by=run.made_by,
        created_at=now,
    )
