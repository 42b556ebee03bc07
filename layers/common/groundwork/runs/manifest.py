"""The first thing a run does: write down its items, as they stand now, in pages of its manifest."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import batched, count, islice

from groundwork.backlog.model import Card
from groundwork.generation import epics as epic_steps
from groundwork.ids import Kind, Path
from groundwork.runs.model import ItemStatus, JournalEntry, ManifestEntry, Run, RunType
from groundwork.runs.ports import BacklogReader, Parent, RunStore
from groundwork.text import one_line, shorten

PAGE = 100
TITLE = 48
"""Characters of a title that the manifest keeps: enough to recognise an item by, few enough to stay cheap."""


def manifest_entries(
    run: Run, project_id: str, backlog: BacklogReader, store: RunStore, selection: Sequence[tuple[int, ...]] = ()
) -> Iterator[ManifestEntry]:
    """The run's items in order, from the first that is not in its manifest yet.

    The backlog may grow between two hops, in the middle too. So what is queued goes on behind the last item, whatever
    its position is now; and a page that is not full says that the end had been reached.
    `selection` is that of a run which is not yet written; otherwise the store has it.
    """
    if run.type.of_plan:
        # which part of the plan an item is about follows from the plan's version and the item's number
        whole = run.total == 1
        return (
            ManifestEntry(n, (n + 1,), "The plan" if whole else f"Part {n + 1} of {run.total}")
            for n in range(run.queued, run.total)
        )
    if run.queued % PAGE:
        return iter(())
    asked, source = _as_first_asked(run, store)
    lines: Iterator[ManifestEntry]
    if asked.retry_of:
        lines = islice(_again(asked, backlog, store, project_id), run.queued, None)
    else:
        chosen = frozenset(selection or store.selection(source)) if asked.selected else None
        lines = _fresh(asked, project_id, backlog, store, chosen)
    return (replace(target, index=index) for index, target in zip(count(run.queued), lines, strict=False))


def _as_first_asked(run: Run, store: RunStore) -> tuple[Run, str]:
    """And the id of the run that has the selection.

    A retry of a run that was given up before its items were queued does all that one was to do, not what failed of it.
    """
    source = run.id
    while run.retry_of and (earlier := store.load(run.retry_of)).given_up_unqueued:
        run, source = replace(run, retry_of=earlier.retry_of, epic=earlier.epic, selected=earlier.selected), earlier.id
    return run, source


def _fresh(
    run: Run, project_id: str, backlog: BacklogReader, store: RunStore, chosen: frozenset[tuple[int, ...]] | None
) -> Iterator[ManifestEntry]:
    if run.type is RunType.GENERATE_EPICS:
        return _card_batches(run, project_id, backlog, store.manifest(run.id, 0, run.queued), chosen)
    lines = (_cards if run.type is RunType.ANALYZE_CARDS else _parents)(run, project_id, backlog, chosen)
    if not run.queued:
        return lines
    (last,) = store.manifest(run.id, run.queued - 1, run.queued)
    return (target for target in lines if target.numbers > last.numbers)


def _cards(
    run: Run, project_id: str, backlog: BacklogReader, chosen: frozenset[tuple[int, ...]] | None
) -> Iterator[ManifestEntry]:
    for page in backlog.all_cards(project_id):
        for card in page:
            number = _number(card)
            if chosen is None or (number,) in chosen:
                done = card.analysis is not None and not run.options.replaces
                yield ManifestEntry(0, (number,), _title(card.text), skipped=done)


def _card_batches(
    run: Run,
    project_id: str,
    backlog: BacklogReader,
    queued: Sequence[ManifestEntry],
    chosen: frozenset[tuple[int, ...]] | None,
) -> Iterator[ManifestEntry]:
    """As many batches as the run was started with, and behind them the merge where there are several."""
    existing = backlog.all_epics(project_id)
    linked = set() if run.options.replaces else {id_ for epic in existing for id_ in epic.card_ids}
    taken = {number for target in queued for number in target.cards}
    cards = [
        card
        for page in backlog.all_cards(project_id)
        for card in page
        if card.analysis
        and card.id not in linked
        and _number(card) not in taken
        and (chosen is None or (_number(card),) in chosen)
    ]
    batches = run.total if run.total == 1 else run.total - 1
    old = tuple(_last(epic.id) for epic in existing) if run.options.replaces else ()
    first = max([backlog.project_floor(project_id), *(_last(epic.id) for epic in existing)]) + 1
    left = batches - len(queued)
    for number, chunk in enumerate(epic_steps.chunks(cards, left) if left > 0 else (), len(queued) + 1):
        alone = run.total == 1
        yield _card_batch(number, chunk, first if alone else 1, old if alone else ())
    if run.total > 1:
        yield ManifestEntry(0, (batches + 1,), f"Merge of {batches} batches", False, first, old, (), run.id)


def _card_batch(number: int, cards: Sequence[Card], first: int, old: tuple[int, ...]) -> ManifestEntry:
    themes = list(dict.fromkeys(card.analysis.theme for card in cards if card.analysis))
    title = _title(f"{len(cards)} cards: {', '.join(themes[:3])}")
    return ManifestEntry(0, (number,), title, not cards, first, old, tuple(_number(card) for card in cards))


def _parents(
    run: Run, project_id: str, backlog: BacklogReader, chosen: frozenset[tuple[int, ...]] | None
) -> Iterator[ManifestEntry]:
    kind = Kind.EPIC if run.type is RunType.GENERATE_STORIES else Kind.STORY
    for page in backlog.parents(project_id, kind, run.epic):
        wanted = [parent for parent in page if chosen is None or parent.path.numbers in chosen]
        yield from described(wanted, backlog, run.options.replaces)


def described(parents: Sequence[Parent], backlog: BacklogReader, replaces: bool) -> Iterator[ManifestEntry]:
    """Targets for these parents, with what stands below them now."""
    below = backlog.children([parent.path for parent in parents]) if parents else {}
    for parent in parents:
        there = tuple(below.get(parent.path.numbers, ()))
        first = max([parent.floor, *there]) + 1
        old = there if replaces else ()
        yield ManifestEntry(0, parent.path.numbers, _title(parent.title), bool(there) and not replaces, first, old)


def as_it_stands(run: Run, target: ManifestEntry, project_id: str, backlog: BacklogReader) -> ManifestEntry | None:
    """The target with what stands below it now, for an item whose commit found the backlog changed; None if gone."""
    if run.type.of_plan:
        return None
    if run.type is RunType.ANALYZE_CARDS:
        card = Path(Kind.CARD, project_id, target.numbers)
        return target if backlog.existing([card]) else None
    (fresh,) = _refreshed(run, [target], project_id, backlog)
    return replace(fresh, index=target.index)


def _again(run: Run, backlog: BacklogReader, store: RunStore, project_id: str) -> Iterator[ManifestEntry]:
    """The failed items of the run that this one tries again, with what stands below them now.

    Epics from a batch that failed come to those that the other batches have given: they replace nothing, unless
    the merge itself failed and so nothing was replaced yet.
    """
    earlier = run.retry_of or ""
    failed = [entry.index for entry in last_entries(store, earlier).values() if entry.status is ItemStatus.FAILED]
    for group in batched(sorted(failed), PAGE, strict=False):
        page = store.manifest(earlier, group[0], group[-1] + 1)
        again = [target for target in page if target.index in frozenset(group)]
        yield from _refreshed(run, again, project_id, backlog)
    if run.type is RunType.GENERATE_EPICS and run.total > 1 and not _has_merge(store, earlier, failed):
        first, _ = _epic_numbers(project_id, backlog)
        number = _highest_batch(store, earlier) + 1
        yield ManifestEntry(0, (number,), f"Merge of {run.total - 1} batches", False, first, (), (), run.id)


def _refreshed(
    run: Run, again: list[ManifestEntry], project_id: str, backlog: BacklogReader
) -> Iterator[ManifestEntry]:
    if run.type is RunType.ANALYZE_CARDS:
        cards = backlog.cards(project_id, [target.numbers[0] for target in again])
        done = {_number(card) for card in cards if card.analysis and not run.options.replaces}
        yield from (replace(target, skipped=target.numbers[0] in done) for target in again)
    elif run.type is RunType.GENERATE_EPICS:
        first, existing = _epic_numbers(project_id, backlog)
        for target in again:
            old = (
                tuple(number for number in target.old if number in existing) if run.total == 1 or target.merges else ()
            )
            yield replace(target, first=first, old=old)
    else:
        kind = Kind.EPIC if run.type is RunType.GENERATE_STORIES else Kind.STORY
        for target in again:
            # retries are few and scattered: each is read by itself
            path = Path(kind, project_id, target.numbers)
            floor = max(target.first - 1, backlog.floor(path))
            yield from described([Parent(path, target.title, floor)], backlog, run.options.replaces)


def _highest_batch(store: RunStore, run_id: str) -> int:
    return max(target.numbers[0] for target in store.manifest(run_id, 0, store.load(run_id).total))


def _has_merge(store: RunStore, run_id: str, failed: list[int]) -> bool:
    last = max(failed, default=-1)
    return any(target.merges for target in store.manifest(run_id, last, last + 1))


def _epic_numbers(project_id: str, backlog: BacklogReader) -> tuple[int, frozenset[int]]:
    existing = frozenset(_last(epic.id) for epic in backlog.all_epics(project_id))
    return max([backlog.project_floor(project_id), *existing]) + 1, existing


def last_entries(store: RunStore, run_id: str) -> dict[int, JournalEntry]:
    """What became of each item: its last line in the journal, by index."""
    return {entry.index: entry for entry in store.journal(run_id)}


def _number(card: Card) -> int:
    return _last(card.id)


def _last(id_: str) -> int:
    return int(id_.rpartition("-")[2].lstrip("CERST"))


def _title(text: str) -> str:
    return shorten(one_line(text), TITLE)
