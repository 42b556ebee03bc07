"""Invariants of items: those of a run, and the backlog after the end of one."""

from collections import Counter
from collections.abc import Iterable

from groundwork.adapters.dynamodb.backlog_rows import prefix
from groundwork.adapters.dynamodb.run_rows import LinesRow
from groundwork.generation.epics import ACTIONABLE_KINDS
from groundwork.ids import Kind, Path
from groundwork.runs.model import ItemStatus, JournalEntry, ManifestEntry, RunType
from tests.simulation.dynamodb import Key
from tests.simulation.expressions import Item
from tests.simulation.known import (
    CHILD_OF,
    Known,
    Rows,
    Seen,
    analysis_of,
    cards_of,
    demand,
    is_a,
    is_child,
    maker_of,
    mark_of,
    path_of,
    project_of,
)

type Numbers = tuple[int, ...]


# when it is queued


def what_is_there_is_skipped_or_replaced(seen: Seen, known: Known, target: ManifestEntry) -> None:
    """Check a new entry of the manifest."""
    run, name = known.run, "what_is_there_is_skipped_or_replaced"
    if run.type is RunType.GENERATE_EPICS:
        return
    what = f"{run.id}: item {target.index}, {target.numbers}"
    if run.type is RunType.ANALYZE_CARDS:
        since = seen.analyzed.get(("backlog", project_of(run), f"C#{target.numbers[0]:09d}"))
        done = since is not None and since <= known.born_at
        demand(target.skipped or run.options.replaces or not done, name, f"{what} is analysed")
        return
    there = seen.older(seen.children(known, target), known.born_at)
    numbers = {path_of(key).number for key in there}
    if run.options.replaces:
        demand(numbers <= set(target.replaced), name, f"{what} has {numbers}, which is not all in {target.replaced}")
    demand(target.skipped or run.options.replaces or not there, name, f"{what} has {numbers}")
    ever = prefix(CHILD_OF[run.type], _parent(known, target)).removesuffix("#") in seen.parents_ever
    demand(ever or not target.skipped, name, f"{what} is skipped and never had anything")


def _parent(known: Known, target: ManifestEntry) -> Path:
    kind = Kind.EPIC if known.run.type is RunType.GENERATE_STORIES else Kind.STORY
    return Path(kind, project_of(known.run), target.numbers)


def the_items_are_what_was_asked_for(seen: Seen, known: Known) -> None:
    """Check a queued run: its selection, the children of its epic, or everything."""
    asked = seen.as_first_asked(known)
    if asked.run.retry_of or known.spent_before:
        return
    name, run = "the_items_are_what_was_asked_for", known.run
    targets = known.targets.values()
    has = Counter(_cards(targets)) if run.type is RunType.GENERATE_EPICS else Counter(t.numbers for t in targets)
    twice = [numbers for numbers, times in has.items() if times > 1]
    demand(not twice, name, f"{run.id} has {twice} more than once")
    strange = {numbers for numbers in has if not _is_asked_for(asked, numbers)}
    demand(not strange, name, f"{run.id} has {sorted(strange)}, which nobody asked for")
    left_out = {numbers for numbers in _to_be_done(seen, known) if _is_asked_for(asked, numbers)} - has.keys()
    demand(not left_out, name, f"{run.id} leaves out {sorted(left_out)}")


def _cards(targets: Iterable[ManifestEntry]) -> list[Numbers]:
    return [(number,) for target in targets for number in target.card_numbers]


def _is_asked_for(asked: Known, numbers: Numbers) -> bool:
    below = asked.run.epic is None or numbers[0] == asked.run.epic
    return below and (not asked.run.selected or numbers in asked.selection)


def _to_be_done(seen: Seen, known: Known) -> set[Numbers]:
    """Return the targets ready for such a run since before its start."""
    run, project = known.run, Path(Kind.PROJECT, project_of(known.run))
    if run.type is RunType.GENERATE_EPICS:
        ready = {path_of(key) for key, since in seen.analyzed.items() if since <= known.born_at}
        linked = set() if run.options.replaces else seen.linked
        return {path.numbers for path in ready if path.number not in linked}
    kind = {RunType.ANALYZE_CARDS: Kind.CARD, RunType.GENERATE_STORIES: Kind.EPIC}.get(run.type, Kind.STORY)
    there = {path_of(key) for key in seen.older(seen.below(kind, project), known.born_at)}
    return {path.numbers for path in there if kind is not Kind.STORY or seen.row(path.parent)}


# when it has completed


def a_completed_item_is_there(seen: Seen, known: Known, entry: JournalEntry, rows: Rows) -> None:
    """The results of a completed item come with the request of its journal entry."""
    target = known.targets[entry.index]
    match known.run.type:
        case RunType.ANALYZE_CARDS:
            a_completed_card_has_its_analysis(seen, known, target)
        case RunType.GENERATE_EPICS:
            if target.merge_of_run or known.run.total == 1:
                each_card_is_in_one_epic(seen, known, target, rows)
                nothing_older_stands_beside_it(seen, known, seen.below(Kind.EPIC, _project(known)), rows)
            else:
                drafts = ("runs", known.run.id, f"D#{entry.index:05d}")
                what = f"{known.run.id}: batch {entry.index} has left no drafts"
                demand(seen.cloud.database.row(drafts) is not None, "a_completed_batch_has_its_drafts", what)
        case _:
            nothing_older_stands_beside_it(seen, known, seen.children(known, target), rows)


def _project(known: Known) -> Path:
    return Path(Kind.PROJECT, project_of(known.run))


def a_completed_card_has_its_analysis(seen: Seen, known: Known, target: ManifestEntry) -> None:
    card = seen.row(Path(Kind.CARD, project_of(known.run), target.numbers))
    what = f"{known.run.id}: card {target.numbers}"
    demand(card is not None and "analysis" in card, "a_completed_card_has_its_analysis", what)


def an_analysis_is_of_its_card(seen: Seen, rows: Rows) -> None:
    """An analysis comes with its card's journal entry, and is of the card's present text."""
    name, completed = "an_analysis_is_of_its_card", set[Numbers]()
    for key, (_, after) in rows.items():
        if is_a(key, "J#") and after:
            known = seen.runs[key[1]]
            completed |= {
                known.targets[line[0]].numbers
                for line in LinesRow.from_raw_data(dict(after)).lines
                if line[1] == "C" and known.run.type is RunType.ANALYZE_CARDS
            }
    for key, (before, after) in rows.items():
        if not is_a(key, "C#") or after is None or after.get("analysis") == (before or {}).get("analysis"):
            continue
        analysis = analysis_of(after) or {}
        demand(path_of(key).numbers in completed, name, f"{key} was analysed and its item has not completed")
        demand(analysis.get("summary") == f"About {after['text']['S'][:40]}", name, f"{key}: {analysis}")


def results_name_their_maker(seen: Seen, rows: Rows) -> None:
    """A new artifact names its run's model, or a person.

    An analysis names the model of the run with the journal entry beside it. A mark stays.
    """
    name, runs = "results_name_their_maker", [key[1] for key in rows if is_a(key, "J#")]
    for key, (before, after) in rows.items():
        if key[0] != "backlog" or after is None:
            continue
        if is_child(key):
            maker = maker_of(key, after)
            wanted = before.get("madeBy") if before else {"S": mark_of(seen.runs[maker].run) if maker else "person"}
            demand(after.get("madeBy") == wanted, name, f"{key}: {after.get('madeBy')}, not {wanted}")
        elif is_a(key, "C#"):
            mark = after.get("analysisMadeBy")
            demand("analysis" in after or mark is None, name, f"{key}: {mark} without an analysis")
            if "analysis" in after and after["analysis"] != (before or {}).get("analysis"):
                wanted = {"S": mark_of(seen.runs[runs[0]].run)}
                demand(mark == wanted, name, f"{key}: {mark}, not {wanted}")


def nothing_older_stands_beside_it(seen: Seen, known: Known, there: set[Key], rows: Rows) -> None:
    """Below a completed target are its results, and objects of users if not replaced.

    Epics added to others replace nothing; those of a retry neither, for the first run has done so.
    """
    run, name = known.run, "nothing_older_stands_beside_it"
    old = {key for key in seen.older(there, known.born_at) if rows.get(key, (None, None))[1] is None}
    epics = run.type is RunType.GENERATE_EPICS
    if not epics or (run.options.replaces and not run.retry_of):
        demand(not old, name, f"{run.id}: {sorted(old)[:3]}")
    if run.options.replaces and not epics:
        beside = {key for key in there if rows.get(key, (None, None))[1] is None}
        demand(not beside, name, f"{run.id}: {sorted(beside)[:3]}")


def each_card_is_in_one_epic(seen: Seen, known: Known, target: ManifestEntry, rows: Rows) -> None:
    """Each card of the completed batches is in one new epic, or listed as uncovered.

    A card with a text changed meanwhile may be anywhere.
    """
    name, run_id = "each_card_is_in_one_epic", known.run.id
    linked = Counter(
        card
        for key, (before, after) in rows.items()
        if is_a(key, "E#") and after and not before
        for card in cards_of(after)
    )
    twice = [card for card, times in linked.items() if times > 1]
    demand(not twice, name, f"{run_id}: cards {twice} are in more than one")
    if target.merge_of_run:
        open_ = [i for i, t in known.targets.items() if i != target.index and i not in known.entries and not t.skipped]
        demand(not open_, name, f"{run_id} was merged before its batches {open_} had ended")
    proposed = set(_proposed(seen, known, target))
    demand(linked.keys() <= proposed, name, f"{run_id}: nobody proposed {linked.keys() - proposed}")
    lost = proposed - linked.keys() - seen.patched
    demand(not lost, name, f"{run_id}: cards {sorted(lost)} are in none")
    _the_rest_is_listed(seen, known, linked.keys(), rows)


def _proposed(seen: Seen, known: Known, target: ManifestEntry) -> list[int]:
    if not target.merge_of_run:
        return list(target.card_numbers)
    cards: list[int] = []
    for one in seen.predecessors(known):
        done = [index for index, entry in one.entries.items() if entry.status is ItemStatus.COMPLETED]
        cards += [
            card for index in done if not one.targets[index].merge_of_run for card in one.targets[index].card_numbers
        ]
        if one.run.id == target.merge_of_run:
            break
    return cards


def _the_rest_is_listed(seen: Seen, known: Known, linked: Iterable[int], rows: Rows) -> None:
    name, row = "each_card_is_in_one_epic", rows.get(("runs", known.run.id, "REST"), (None, None))[1]
    demand(row is not None, name, f"{known.run.id} does not list the rest")
    assert row
    rest = set(LinesRow.from_raw_data(dict(row)).lines)
    both = rest & set(linked)
    demand(not both, name, f"{known.run.id}: {sorted(both)} are listed as the rest and in epics")
    nowhere = {card for (card,) in _cards(known.targets.values()) if _states(seen, known, card)}
    nowhere -= rest | seen.linked | seen.patched
    demand(not nowhere, name, f"{known.run.id}: {sorted(nowhere)} are in no epic and not in the rest")


def _states(seen: Seen, known: Known, card: int) -> bool:
    row: Item | None = seen.row(Path(Kind.CARD, project_of(known.run), (card,)))
    analysis = analysis_of(row) if row else None
    return bool(analysis) and (analysis or {}).get("kind") in ACTIONABLE_KINDS
