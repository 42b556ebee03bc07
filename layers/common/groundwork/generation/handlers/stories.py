"""GENERATE_STORIES: each item is an epic."""

from collections.abc import Sequence

from groundwork.backlog.model import Artifact, Epic, Story, rfc3339
from groundwork.generation import stories, token_estimates
from groundwork.generation.handlers.children import ChildrenHandler, children_outcome
from groundwork.generation.handlers.entries import target_gone
from groundwork.ids import Kind, Path
from groundwork.llm.structured_output import ask
from groundwork.runs.handler import JobContext, Results, RunScope, Spend, StartScope
from groundwork.runs.model import ManifestEntry, Run, RunType


class GenerateStories(ChildrenHandler):
    type = RunType.GENERATE_STORIES
    activity = "Writing stories"
    target = selects = parent = Kind.EPIC
    child = Kind.STORY
    builds_on = (RunType.ANALYZE_CARDS, RunType.GENERATE_EPICS)
    uses = frozenset({Kind.EPIC, Kind.STORY})
    counts = "stories"
    call_seconds = 35

    def count_parents(self, scope: StartScope) -> int:
        return scope.counts.epics

    async def process(self, context: JobContext, entries: Sequence[ManifestEntry], spend: Spend) -> Results:
        (entry,) = entries
        parent = Path(Kind.EPIC, context.project_id, entry.numbers)
        found = await context.io(context.backlog.epics, context.project_id, [entry.numbers[0]])
        if not found:
            return {entry.index: target_gone("epic", str(parent))}
        epic: Epic = found[0]
        # generated epics list their most severe cards first
        numbers = [int(id_.rpartition("-C")[2]) for id_ in epic.card_ids[: stories.MAX_CARDS]]
        cards = await context.io(context.backlog.cards, context.project_id, numbers) if numbers else []
        mode = context.run.options.mode
        drafts = await ask(
            context.model,
            stories.question(epic, cards, mode),
            lambda answer: stories.interpret(epic, cards, mode, answer),
            spend,
        )
        now = rfc3339(context.now_ms())

        def numbered(first: int) -> Sequence[Artifact]:
            paths = (parent.child(Kind.STORY, first + offset) for offset in range(len(drafts)))
            return [_story(context.run, path, draft, now) for path, draft in zip(paths, drafts, strict=True)]

        return {entry.index: children_outcome(entry, parent, Kind.STORY, numbered)}

    def estimate_calls(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> list[tuple[int, int]]:
        mode = scope.run.options.mode
        return [token_estimates.stories_call(_linked_cards(scope, entry), mode) for entry in entries]


def _story(run: Run, path: Path, draft: stories.StoryDraft, now: str) -> Story:
    return Story(
        id=str(path),
        epic_id=str(path.parent),
        project_id=path.project_id,
        code=path.code,
        title=draft.title,
        role=draft.role,
        want=draft.want,
        benefit=draft.benefit,
        acceptance_criteria=draft.acceptance_criteria,
        priority=draft.priority,
        effort=draft.effort,
        card_ids=draft.card_ids,
        run_id=run.id,
        made_by=run.made_by,
        created_at=now,
    )


def _linked_cards(scope: RunScope, entry: ManifestEntry) -> int:
    found = scope.backlog.epics(scope.project_id, [entry.numbers[0]])
    return len(found[0].card_ids) if found else 0
