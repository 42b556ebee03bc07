"""GENERATE_EPICS: items are batches of cards.

With several batches, a last item merges their drafts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from groundwork.backlog.model import Card, Epic, rfc3339
from groundwork.backlog.writes import DeleteArtifact, PutArtifact
from groundwork.generation import epics, token_estimates
from groundwork.generation.epics import EpicDraft
from groundwork.generation.handlers.entries import card_number, entry_title, last_number
from groundwork.generation.writes import StoreDrafts, StoreUncovered
from groundwork.ids import Kind, Path
from groundwork.llm.structured_output import ask
from groundwork.runs.handler import (
    ItemFailed,
    ItemOutcome,
    JobContext,
    Results,
    RunHandler,
    RunScope,
    Spend,
    StartScope,
)
from groundwork.runs.model import CardCoverage, ErrorCode, ManifestEntry, Run, RunType
from groundwork.runs.ports import BacklogReader, RunStore, Write

SEVERITIES = ("critical", "high", "medium", "low")


class DraftReader(Protocol):
    def drafts(self, run_id: str) -> list[EpicDraft]:
        """Return the stored drafts of a run's batches, in order."""
        ...


class GenerateEpics(RunHandler):
    type = RunType.GENERATE_EPICS
    activity = "Proposing epics"
    selects = Kind.CARD
    builds_on = (RunType.ANALYZE_CARDS,)
    uses = frozenset({Kind.CARD, Kind.EPIC})
    counts = "epics"
    call_seconds = 40

    def __init__(self, drafts: DraftReader | None = None) -> None:
        self._stored = drafts

    # manifest

    def count_items(self, scope: StartScope) -> int:
        if not scope.counts.cards:
            return 0
        return with_merge(epics.chunk_count(len(scope.selection) or scope.counts.cards))

    def entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        """Yield as many batches as the run was started with, then the merge if there are several."""
        run = scope.run
        queued = scope.store.manifest(run.id, 0, run.queued)
        existing = scope.backlog.all_epics(scope.project_id)
        cards = _unlinked_cards(scope, existing, {number for entry in queued for number in entry.card_numbers})
        # the start fixed the number of batches, so new cards only change their size
        batches = run.total if run.total == 1 else run.total - 1
        replaced = tuple(last_number(epic.id) for epic in existing) if run.options.replaces else ()
        first = max([scope.backlog.project_floor(scope.project_id), *(last_number(epic.id) for epic in existing)]) + 1
        missing = batches - len(queued)
        for number, chunk in enumerate(epics.chunks(cards, missing) if missing > 0 else (), len(queued) + 1):
            alone = run.total == 1
            # a batch beside others creates no epics: the merge does, and replaces the old ones
            yield _batch(number, chunk, first if alone else 1, replaced if alone else ())
        if run.total > 1:
            yield _merge_entry(run, batches + 1, batches, first, replaced)

    def refresh(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> Iterator[ManifestEntry]:
        first, existing = _epic_numbers(scope.project_id, scope.backlog)
        for entry in entries:
            creates_epics = scope.run.total == 1 or entry.merge_of_run
            replaced = tuple(number for number in entry.replaced if number in existing) if creates_epics else ()
            yield replace(entry, first_number=first, replaced=replaced)

    def current(self, scope: RunScope, entry: ManifestEntry) -> ManifestEntry | None:
        (fresh,) = self.refresh(scope, [entry])
        return replace(fresh, index=entry.index)

    def entries_after_retried(self, scope: RunScope, failed: Sequence[int]) -> Iterator[ManifestEntry]:
        """Yield a merge, unless the merge itself is among the failed items.

        Epics of a batch that failed are added to those of the other batches. They replace nothing: the earlier merge
        has replaced the old epics already.
        """
        run, earlier = scope.run, scope.run.retry_of or ""
        if run.total == 1 or _merge_failed(scope.store, earlier, failed):
            return
        first, _ = _epic_numbers(scope.project_id, scope.backlog)
        yield _merge_entry(run, _highest_batch(scope.store, earlier) + 1, run.total - 1, first, ())

    def retried_total(self, earlier: Run) -> int:
        """Count the failed batches, and a merge of their own if there are several batches."""
        # coverage comes with a completed merge; a failed one is counted already
        if earlier.total == 1 or earlier.coverage is None:
            return earlier.failed
        return with_merge(earlier.failed)

    # processing

    async def process(self, context: JobContext, entries: Sequence[ManifestEntry], spend: Spend) -> Results:
        (entry,) = entries
        if entry.merge_of_run:
            return {entry.index: await self._merge(context, entry, entry.merge_of_run, spend)}
        cards = await context.io(context.backlog.cards, context.project_id, list(entry.card_numbers))
        analyzed = [card for card in cards if card.analysis]
        if not analyzed:
            return {entry.index: ItemFailed(ErrorCode.TARGET_GONE, "No card of the batch exists any more.")}
        replaces = context.run.options.replaces
        # epics about to be replaced must not limit the new ones
        existing = [] if replaces else await context.io(context.backlog.all_epics, context.project_id)
        question = epics.propose(analyzed, [epic.title for epic in existing])
        drafts = await ask(context.model, question, lambda answer: epics.interpret_proposals(analyzed, answer), spend)
        if context.run.total == 1:
            return {entry.index: await _epics_outcome(context, entry, drafts)}
        stored = tuple(drafts)
        return {entry.index: ItemOutcome(entry, lambda current: [StoreDrafts(current.index, stored)])}

    async def _merge(
        self, context: JobContext, entry: ManifestEntry, first_run: str, spend: Spend
    ) -> ItemOutcome | ItemFailed:
        drafts = await context.io(self._drafts, context, first_run)
        if not drafts:
            return ItemFailed(ErrorCode.TARGET_GONE, "No batch has proposed an epic, so there is nothing to merge.")
        question = epics.merge(drafts)
        merged = await ask(context.model, question, lambda answer: epics.interpret_merge(drafts, answer), spend)
        return await _epics_outcome(context, entry, merged)

    def _drafts(self, context: JobContext, first_run: str) -> list[EpicDraft]:
        """Return the drafts of the merge's run and of the later retries of its failed batches."""
        assert self._stored
        ids = [context.run.id]
        while ids[-1] != first_run and (earlier := context.store.load(ids[-1]).retry_of):
            ids.append(earlier)
        return [draft for run_id in reversed(ids) for draft in self._stored.drafts(run_id)]

    # estimate

    def estimate_calls(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> list[tuple[int, int]]:
        batches = [entry for entry in entries if entry.card_numbers]
        merges = [token_estimates.merge_call(8 * len(batches)) for entry in entries if entry.merge_of_run]
        return [token_estimates.epics_call(len(entry.card_numbers)) for entry in batches] + merges


def with_merge(batches: int) -> int:
    """Return the number of items for so many batches: several need a merge besides."""
    return batches if batches == 1 else batches + 1


def _unlinked_cards(scope: RunScope, existing: Sequence[Epic], queued: set[int]) -> list[Card]:
    # the cards of epics about to be replaced are free again
    linked = set() if scope.run.options.replaces else {id_ for epic in existing for id_ in epic.card_ids}
    return [
        card
        for page in scope.backlog.all_cards(scope.project_id)
        for card in page
        if card.analysis
        and card.id not in linked
        and card_number(card) not in queued
        and scope.includes((card_number(card),))
    ]


def _batch(number: int, cards: Sequence[Card], first: int, replaced: tuple[int, ...]) -> ManifestEntry:
    themes = list(dict.fromkeys(card.analysis.theme for card in cards if card.analysis))
    title = entry_title(f"{len(cards)} cards: {', '.join(themes[:3])}")
    return ManifestEntry(0, (number,), title, not cards, first, replaced, tuple(card_number(card) for card in cards))


def _merge_entry(run: Run, number: int, batches: int, first: int, replaced: tuple[int, ...]) -> ManifestEntry:
    return ManifestEntry(0, (number,), f"Merge of {batches} batches", False, first, replaced, (), run.id)


def _highest_batch(store: RunStore, run_id: str) -> int:
    return max(entry.numbers[0] for entry in store.manifest(run_id, 0, store.load(run_id).total))


def _merge_failed(store: RunStore, run_id: str, failed: Sequence[int]) -> bool:
    # the merge is always the last item
    last = max(failed, default=-1)
    return any(entry.merge_of_run for entry in store.manifest(run_id, last, last + 1))


def _epic_numbers(project_id: str, backlog: BacklogReader) -> tuple[int, frozenset[int]]:
    """Return the first free number for an epic, and the numbers in use."""
    existing = frozenset(last_number(epic.id) for epic in backlog.all_epics(project_id))
    return max([backlog.project_floor(project_id), *existing]) + 1, existing


async def _epics_outcome(context: JobContext, entry: ManifestEntry, drafts: list[EpicDraft]) -> ItemOutcome:
    """Return the outcome: create the epics, delete the replaced ones, report the coverage."""
    pages = await context.io(lambda: list(context.backlog.all_cards(context.project_id)))
    cards = [card for page in pages for card in page if card.analysis]
    # replaced epics cover no card any more
    kept = [] if entry.replaced else await context.io(context.backlog.all_epics, context.project_id)
    linked = [EpicDraft(epic.title, "", "", epic.priority, epic.card_ids) for epic in kept]
    coverage = epics.coverage(cards, [*linked, *drafts])
    by_id = {card.id: card for card in cards}
    # stories are written from an epic's first cards only
    ordered = [replace(draft, card_ids=_most_severe_first(draft.card_ids, by_id)) for draft in drafts]
    project, now = Path(Kind.PROJECT, context.project_id), rfc3339(context.now_ms())

    def writes(current: ManifestEntry) -> Sequence[Write]:
        paths = [project.child(Kind.EPIC, current.first_number + offset) for offset in range(len(ordered))]
        created = [_epic(context.run, path, draft, now) for path, draft in zip(paths, ordered, strict=True)]
        return [
            *(PutArtifact(current.index, epic) for epic in created),
            *(DeleteArtifact(current.index, project.child(Kind.EPIC, number)) for number in current.replaced),
            StoreUncovered(current.index, coverage.rest_ids),
        ]

    return ItemOutcome(entry, writes, CardCoverage(coverage.stated, coverage.covered))


def _most_severe_first(card_ids: Sequence[str], by_id: dict[str, Card]) -> tuple[str, ...]:
    def rank(id_: str) -> int:
        card = by_id.get(id_)
        return SEVERITIES.index(card.analysis.severity) if card and card.analysis else len(SEVERITIES)

    return tuple(sorted(card_ids, key=rank))


def _epic(run: Run, path: Path, draft: EpicDraft, now: str) -> Epic:
    return Epic(
        id=str(path),
        project_id=path.project_id,
        code=path.code,
        title=draft.title,
        description=draft.description,
        goal=draft.goal,
        card_ids=draft.card_ids,
        priority=draft.priority,
        run_id=run.id,
        made_by=run.made_by,
        created_at=now,
    )
