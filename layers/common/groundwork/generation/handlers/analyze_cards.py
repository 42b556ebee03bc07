"""ANALYZE_CARDS: each item is a card; one call analyses several."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

from groundwork.backlog.model import Card, CardAnalysis
from groundwork.backlog.writes import SetAnalysis
from groundwork.generation import analyze_cards, token_estimates
from groundwork.generation.handlers.entries import card_number, entry_title, target_gone
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
from groundwork.runs.manifest import after_queued
from groundwork.runs.model import ErrorCode, ManifestEntry, RunType


class AnalyzeCards(RunHandler):
    type = RunType.ANALYZE_CARDS
    activity = "Analysing cards"
    target = Kind.CARD
    selects = Kind.CARD
    uses = frozenset({Kind.CARD})
    batch_size = analyze_cards.CARDS_PER_CALL
    call_seconds = 12

    def count_items(self, scope: StartScope) -> int:
        return len(scope.selection) or scope.counts.cards

    def entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        return after_queued(scope, self._entries(scope))

    def _entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        for page in scope.backlog.all_cards(scope.project_id):
            for card in page:
                number = card_number(card)
                if scope.includes((number,)):
                    done = card.analysis is not None and not scope.run.options.replaces
                    yield ManifestEntry(0, (number,), entry_title(card.text), skipped=done)

    def refresh(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> Iterator[ManifestEntry]:
        cards = scope.backlog.cards(scope.project_id, [entry.numbers[0] for entry in entries])
        done = {card_number(card) for card in cards if card.analysis and not scope.run.options.replaces}
        yield from (replace(entry, skipped=entry.numbers[0] in done) for entry in entries)

    def current(self, scope: RunScope, entry: ManifestEntry) -> ManifestEntry | None:
        card = Path(Kind.CARD, scope.project_id, entry.numbers)
        return entry if scope.backlog.existing([card]) else None

    async def process(self, context: JobContext, entries: Sequence[ManifestEntry], spend: Spend) -> Results:
        cards = await context.io(context.backlog.cards, context.project_id, [entry.numbers[0] for entry in entries])
        found = {card.id: card for card in cards}
        by_id = {str(Path(Kind.CARD, context.project_id, entry.numbers)): entry for entry in entries}
        results: Results = {e.index: target_gone("card", id_) for id_, e in by_id.items() if id_ not in found}
        # themes of this hop only: earlier ones would need a read of all cards
        known = list(context.themes)[:40]
        batches = analyze_cards.batches(cards)
        answers = await asyncio.gather(*(_analyze(context, batch, known, spend) for batch in batches))
        for id_, answer in (pair for of_batch in answers for pair in of_batch.items()):
            entry = by_id[id_]
            if isinstance(answer, str):
                results[entry.index] = ItemFailed(ErrorCode.ANSWER_INVALID, answer)
            else:
                context.themes[answer.theme] = None
                results[entry.index] = _outcome(context, entry, answer, found[id_].text)
        return results

    def estimate_calls(self, scope: RunScope, entries: Sequence[ManifestEntry]) -> list[tuple[int, int]]:
        wanted = {entry.numbers[0] for entry in entries}
        pages = scope.backlog.all_cards(scope.project_id)
        cards = [card for page in pages for card in page if card_number(card) in wanted]
        return [
            token_estimates.analyze_call(sum(len(card.text) for card in batch), len(batch))
            for batch in analyze_cards.batches(cards)
        ]


async def _analyze(
    context: JobContext, batch: list[Card], known: list[str], spend: Spend
) -> dict[str, CardAnalysis | str]:
    question = analyze_cards.question(batch, known)
    return await ask(context.model, question, lambda answer: analyze_cards.interpret(batch, answer), spend)


def _outcome(context: JobContext, entry: ManifestEntry, analysis: CardAnalysis, text: str) -> ItemOutcome:
    card = Path(Kind.CARD, context.project_id, entry.numbers)
    marked = analysis.model_copy(update={"made_by": context.run.made_by})
    # an edited card must not get the analysis of its old text: the model is asked again
    return ItemOutcome(entry, lambda current: [SetAnalysis(current.index, card, marked, text)], rebasable=False)
