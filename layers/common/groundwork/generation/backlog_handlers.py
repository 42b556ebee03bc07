"""What each run type does with its items: load what they are about, ask the model, say what is to be written.

An answer becomes an `JobResult`: nothing is written here. Ids and codes are given here, never by the model.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from groundwork.backlog.model import Artifact, Card, CardAnalysis, Epic, Story, Subtask, rfc3339
from groundwork.errors import GroundworkError
from groundwork.generation import analyze_cards, epics, stories, subtasks
from groundwork.generation.epics import Coverage, EpicDraft
from groundwork.ids import Kind, Path
from groundwork.llm.port import Model, Reply
from groundwork.llm.structured_output import ask
from groundwork.plans.ports import PlanServices, PlanWrite
from groundwork.runs.model import ErrorCode, ManifestEntry, Run, RunType
from groundwork.runs.ports import BacklogReader, Changes, InThread, RunStore

CARDS_PER_CALL = 10

type Spend = Callable[[Reply], None]


class ItemFailed(GroundworkError):
    """This item cannot be done."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What an item that succeeded writes. `numbered` gives the artifacts their ids, from the first free number on.

    With a `parent`, the children of this kind that the target lists as old go when the new ones come.
    """

    target: ManifestEntry
    numbered: Callable[[int], Sequence[Artifact]] = lambda first: ()
    parent: Path | None = None
    child: Kind | None = None
    analysis: CardAnalysis | None = None
    analyzed_text: str = ""
    drafts: tuple[EpicDraft, ...] = ()
    coverage: Coverage | None = None
    plan: PlanWrite | None = None

    def changes(self, project_id: str) -> Changes:
        index, card = self.target.index, Path(Kind.CARD, project_id, self.target.numbers)
        gone: tuple[Path, ...] = ()
        if self.parent and self.child:
            gone = tuple(self.parent.child(self.child, number) for number in self.target.old)
        return Changes(
            puts=tuple((index, artifact) for artifact in self.numbered(self.target.first)),
            deletes=tuple((index, path) for path in gone),
            analyses=((index, card, self.analysis, self.analyzed_text),) if self.analysis else (),
            drafts=((index, self.drafts),) if self.drafts else (),
            retired=gone if self.child is not Kind.SUBTASK else (),
            rest=self.coverage.rest_ids if self.coverage else None,
            plans=((index, self.plan),) if self.plan else (),
        )


type Results = dict[int, ItemOutcome | ItemFailed]


@dataclass(slots=True)
class JobContext:
    """What a job works with."""

    run: Run
    project_id: str
    backlog: BacklogReader
    store: RunStore
    model: Model
    io: InThread
    now_ms: Callable[[], int]
    plans: PlanServices | None = None
    themes: dict[str, None] = field(default_factory=dict)


class Job(Protocol):
    async def __call__(self, desk: JobContext, targets: Sequence[ManifestEntry], spend: Spend) -> Results:
        """Results by item index. Raises AnswerRejected or ModelError where all of the items failed alike."""
        ...


async def analyze(desk: JobContext, targets: Sequence[ManifestEntry], spend: Spend) -> Results:
    cards = await desk.io(desk.backlog.cards, desk.project_id, [target.numbers[0] for target in targets])
    found = {card.id: card for card in cards}
    by_id = {str(Path(Kind.CARD, desk.project_id, target.numbers)): target for target in targets}
    results: Results = {t.index: _gone("card", id_) for id_, t in by_id.items() if id_ not in found}
    known = list(desk.themes)[:40]
    batches = analyze_cards.batches(cards)
    answers = await asyncio.gather(*(_analyze_batch(desk, batch, known, spend) for batch in batches))
    for id_, answer in (pair for of_batch in answers for pair in of_batch.items()):
        target = by_id[id_]
        if isinstance(answer, str):
            results[target.index] = ItemFailed(ErrorCode.ANSWER_INVALID, answer)
        else:
            desk.themes[answer.theme] = None
            results[target.index] = ItemOutcome(target, analysis=answer, analyzed_text=found[id_].text)
    return results


async def _analyze_batch(
    desk: JobContext, batch: list[Card], known: list[str], spend: Spend
) -> dict[str, CardAnalysis | str]:
    question = analyze_cards.question(batch, known)
    return await ask(desk.model, question, lambda answer: analyze_cards.interpret(batch, answer), spend)


async def make_epics(desk: JobContext, targets: Sequence[ManifestEntry], spend: Spend) -> Results:
    (target,) = targets
    if target.merges:
        drafts = await desk.io(_drafts, desk, target.merges)
        return {target.index: await _merge(desk, target, drafts, spend)}
    cards = await desk.io(desk.backlog.cards, desk.project_id, list(target.cards))
    analyzed = [card for card in cards if card.analysis]
    if not analyzed:
        return {target.index: ItemFailed(ErrorCode.TARGET_GONE, "None of the batch's cards is there any more.")}
    existing = [] if desk.run.options.replaces else await desk.io(desk.backlog.all_epics, desk.project_id)
    question = epics.propose(analyzed, [epic.title for epic in existing])
    drafts = await ask(desk.model, question, lambda answer: epics.interpret_proposals(analyzed, answer), spend)
    if desk.run.total == 1:
        return {target.index: await _write_epics(desk, target, drafts)}
    return {target.index: ItemOutcome(target, drafts=tuple(drafts))}


def _drafts(desk: JobContext, first: str) -> list[EpicDraft]:
    """Those of the run whose merge this is, and of the runs since that have tried its failed batches again."""
    ids = [desk.run.id]
    while ids[-1] != first and (earlier := desk.store.load(ids[-1]).retry_of):
        ids.append(earlier)
    return [draft for run_id in reversed(ids) for draft in desk.store.drafts(run_id)]


async def _merge(
    desk: JobContext, target: ManifestEntry, drafts: list[EpicDraft], spend: Spend
) -> ItemOutcome | ItemFailed:
    if not drafts:
        return ItemFailed(ErrorCode.TARGET_GONE, "No batch has proposed an epic, so there is nothing to merge.")
    merged = await ask(desk.model, epics.merge(drafts), lambda answer: epics.interpret_merge(drafts, answer), spend)
    return await _write_epics(desk, target, merged)


async def _write_epics(desk: JobContext, target: ManifestEntry, drafts: list[EpicDraft]) -> ItemOutcome:
    """The epics, their cards most severe first, and what they leave uncovered of what the run looked at."""
    pages = await desk.io(lambda: list(desk.backlog.all_cards(desk.project_id)))
    cards = [card for page in pages for card in page if card.analysis]
    kept = [] if target.old else await desk.io(desk.backlog.all_epics, desk.project_id)
    linked = [EpicDraft(epic.title, "", "", epic.priority, epic.card_ids) for epic in kept]
    coverage = epics.coverage(cards, [*linked, *drafts])
    by_id = {card.id: card for card in cards}
    ordered = [replace(draft, card_ids=_severest_first(draft.card_ids, by_id)) for draft in drafts]
    now = rfc3339(desk.now_ms())

    def numbered(first: int) -> Sequence[Artifact]:
        return [_epic(desk, draft, first + offset, now) for offset, draft in enumerate(ordered)]

    project = Path(Kind.PROJECT, desk.project_id)
    return ItemOutcome(target, numbered, project, Kind.EPIC, coverage=coverage)


def _severest_first(card_ids: Sequence[str], by_id: dict[str, Card]) -> tuple[str, ...]:
    ranks = ("critical", "high", "medium", "low")

    def rank(id_: str) -> int:
        card = by_id.get(id_)
        return ranks.index(card.analysis.severity) if card and card.analysis else len(ranks)

    return tuple(sorted(card_ids, key=rank))


def _epic(desk: JobContext, draft: EpicDraft, number: int, now: str) -> Epic:
    path = Path(Kind.EPIC, desk.project_id, (number,))
    return Epic(
        id=str(path),
        project_id=desk.project_id,
        code=path.code,
        title=draft.title,
        description=draft.description,
        goal=draft.goal,
        card_ids=draft.card_ids,
        priority=draft.priority,
        run_id=desk.run.id,
        created_at=now,
    )


async def write_stories(desk: JobContext, targets: Sequence[ManifestEntry], spend: Spend) -> Results:
    (target,) = targets
    parent = Path(Kind.EPIC, desk.project_id, target.numbers)
    found = await desk.io(desk.backlog.epics, desk.project_id, [target.numbers[0]])
    if not found:
        return {target.index: _gone("epic", str(parent))}
    epic: Epic = found[0]
    most = [int(id_.rpartition("-C")[2]) for id_ in epic.card_ids[: stories.MAX_CARDS]]
    cards = await desk.io(desk.backlog.cards, desk.project_id, most) if most else []
    mode = desk.run.options.mode
    drafts = await ask(
        desk.model,
        stories.question(epic, cards, mode),
        lambda answer: stories.interpret(epic, cards, mode, answer),
        spend,
    )
    now = rfc3339(desk.now_ms())

    def numbered(first: int) -> Sequence[Artifact]:
        return [_story(desk, parent.child(Kind.STORY, first + n), draft, now) for n, draft in enumerate(drafts)]

    return {target.index: ItemOutcome(target, numbered, parent, Kind.STORY)}


def _story(desk: JobContext, path: Path, draft: stories.StoryDraft, now: str) -> Story:
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
        run_id=desk.run.id,
        created_at=now,
    )


async def write_subtasks(desk: JobContext, targets: Sequence[ManifestEntry], spend: Spend) -> Results:
    (target,) = targets
    parent = Path(Kind.STORY, desk.project_id, target.numbers)
    story, epic = await desk.io(desk.backlog.story_and_epic, parent)
    if not story or not epic:
        return {target.index: _gone("story", str(parent))}
    mode = desk.run.options.mode
    drafts = await ask(
        desk.model,
        subtasks.question(story, epic, mode),
        lambda answer: subtasks.interpret(story, mode, answer),
        spend,
    )
    now = rfc3339(desk.now_ms())

    def numbered(first: int) -> Sequence[Artifact]:
        return [_subtask(desk, parent.child(Kind.SUBTASK, first + n), draft, now) for n, draft in enumerate(drafts)]

    return {target.index: ItemOutcome(target, numbered, parent, Kind.SUBTASK)}


def _subtask(desk: JobContext, path: Path, draft: subtasks.SubtaskDraft, now: str) -> Subtask:
    return Subtask(
        id=str(path),
        story_id=str(path.parent),
        project_id=path.project_id,
        code=path.code,
        title=draft.title,
        description=draft.description,
        effort=draft.effort,
        run_id=desk.run.id,
        created_at=now,
    )


def _gone(kind: str, id_: str) -> ItemFailed:
    return ItemFailed(ErrorCode.TARGET_GONE, f"The {kind} {id_} is not there any more.")


JOBS: dict[RunType, Job] = {
    RunType.ANALYZE_CARDS: analyze,
    RunType.GENERATE_EPICS: make_epics,
    RunType.GENERATE_STORIES: write_stories,
    RunType.GENERATE_SUBTASKS: write_subtasks,
}


def batch_size(type_: RunType) -> int:
    """How many items may share one unit of work."""
    return CARDS_PER_CALL if type_ is RunType.ANALYZE_CARDS else 1
