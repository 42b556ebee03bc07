"""Invariants of imports: each row of a file counts once, and the counts equal the cards."""

from collections import Counter
from dataclasses import dataclass, field

from groundwork.adapters.dynamodb.backlog_rows import CardRow, ContentHashRow, hash_key
from groundwork.adapters.dynamodb.import_rows import ImportRow, RejectedRowsRow
from groundwork.adapters.dynamodb.run_rows import LinesRow, journal_entry_of
from groundwork.backlog.new_cards import content_hash
from groundwork.imports.model import ImportRecord, RowCounts
from groundwork.runs.model import ItemStatus, Run, RunStatus
from tests.simulation import retrying
from tests.simulation.dynamodb import Key
from tests.simulation.expressions import Item
from tests.simulation.import_files import FeedbackFile
from tests.simulation.invariants import Invariants
from tests.simulation.known import Known, Rows, demand, is_a

COUNTS = ("created", "duplicates", "rejected", "skipped")


def read_import(item: Item) -> ImportRecord:
    return ImportRow.from_raw_data(dict(item)).entity()


def as_tuple(counts: RowCounts) -> tuple[int, ...]:
    return tuple(getattr(counts, name) for name in COUNTS)


@dataclass(slots=True)
class ImportInvariants(Invariants):
    """`files` are the contents by import; `refused` the imports without any feedback.

    `ids`: card by external id; `imported`: cards made by runs; `done`: rows of completed parts, by import.
    """

    files: dict[str, FeedbackFile] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    ids: dict[str, Key] = field(default_factory=dict)
    imported: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    answered: dict[str, str] = field(default_factory=dict)

    def _examine(self, rows: Rows) -> None:
        Invariants._examine(self, rows)
        for key, (before, after) in rows.items():
            if is_a(key, "IMP#"):
                self._import_written(before, after)
            if key[2] == "INSPECTION":
                demand(before is None, "an_inspection_stays", f"{key[1]} was inspected anew")
            if is_a(key, "C#") and before is None and after:
                self._card_born(key, after)
        if self._acting and self._acting.function == "process_next":
            self.a_part_comes_with_its_rows(rows)

    # runs

    def _starts_rightly(self, run: Run, rows: Rows) -> None:
        if not run.retry_of:
            self.a_run_comes_with_its_key(run, rows)
            self.an_import_comes_with_its_run(run, rows)
            return
        retrying.a_retry_is_of_its_predecessor(self.seen, run)
        retrying.a_run_is_retried_once(self.seen, run)
        retrying.what_is_retried_waits_no_more(self.seen, run)

    def an_import_comes_with_its_run(self, run: Run, rows: Rows) -> None:
        """A run is written together with the name of it in its import."""
        named = [after for key, (_, after) in rows.items() if is_a(key, "IMP#") and after]
        its = [one for one in map(read_import, named) if one.run_id == run.id]
        demand(len(its) == 1, "an_import_comes_with_its_run", run.id)
        demand(its[0].file is not None, "an_import_comes_with_its_run", f"{run.id} has no version of its file")

    def _came_to(self, known: Known, before: Run | None) -> None:
        run = known.run
        if before and run.queued_all and not before.queued_all:
            self.no_row_is_left_out(known)
            retrying.a_retry_is_of_the_failed_items(self.seen, known)
        if before and before.status.active and not run.status.active:
            known.ended_at = self.seen.cloud.true_ms()
            if self._is_stopped_by_its_file(run):
                demand(
                    run.next_retry_at is None, "a_retry_is_due_as_the_items_say", f"{run.id} finds the file the same"
                )
                return
            retrying.a_retry_is_due_as_the_items_say(self.seen, known)

    def _is_stopped_by_its_file(self, run: Run) -> bool:
        return not run.queued_all and run.status is RunStatus.FAILED and not (run.error or "").startswith("The run was")

    def import_of(self, known: Known) -> str:
        project_id = known.run.id.partition("-")[0]
        first = self.seen.as_first_asked(known)
        numbers = next(iter(first.selection), None) or next(iter(known.targets.values())).numbers[1:2]
        return f"{project_id}-IM{numbers[0]}"

    def no_row_is_left_out(self, known: Known) -> None:
        """The parts of a run follow each other from the first row to the last."""
        if self.seen.as_first_asked(known).run.retry_of:
            return
        name, file = "no_row_is_left_out", self.files[self.import_of(known)]
        place: tuple[int, ...] = (file.header_bytes, 2, 0)
        for index in range(known.run.queued):
            numbers = known.targets[index].numbers
            demand(numbers[0] == index + 1, name, f"{known.run.id}: part {numbers[0]} is item {index}")
            demand(
                numbers[2:5] == place, name, f"{known.run.id}: part {index + 1} begins at {numbers[2:5]}, not {place}"
            )
            place = numbers[5:8]
        demand(place[2] == len(file.rows), name, f"{known.run.id}: {place[2]} of {len(file.rows)} rows")

    def children_come_with_their_item(self, rows: Rows, written: dict[Key, Item]) -> None:
        """Cards have no maker: see `a_part_comes_with_its_rows`."""

    # imports

    def _import_written(self, before: Item | None, after: Item | None) -> None:
        if before is None or after is None:
            return
        old, new = read_import(before), read_import(after)
        name = "an_import_starts_once"
        demand(old.run_id in (None, new.run_id), name, f"{new.id} was {old.run_id} and is {new.run_id}")
        demand(old.run_id is None or old.file == new.file, name, f"{new.id} has another file than at its start")
        down = [one for one in COUNTS if getattr(new.counts, one) < getattr(old.counts, one)]
        demand(not down, "progress_is_monotonic", f"{new.id}: {down} went down")

    def _card_born(self, key: Key, after: Item) -> None:
        card = CardRow.from_raw_data(dict(after))
        external_id = card.external_id
        if external_id:
            demand(external_id not in self.ids, "no_row_becomes_two_cards", f"{external_id} is {key} and another card")
            self.ids[external_id] = key
        if self._acting and self._acting.function == "process_next":
            texts = {text for file in self.files.values() for text in file.texts.get(external_id or "", ())}
            demand(card.text in texts, "a_card_is_a_row", f"{key} has a text of no row: {card.text!r}")

    def a_part_comes_with_its_rows(self, rows: Rows) -> None:
        """One request ends parts, writes their cards and rejected rows, and counts their rows."""
        name = "a_part_comes_with_its_rows"
        ended, created = Counter[str](), 0
        for key, (before, after) in rows.items():
            for line in LinesRow.from_raw_data(dict(after)).lines if is_a(key, "J#") and after and not before else ():
                entry, known = journal_entry_of(1, line), self.seen.runs[key[1]]
                created += entry.created
                if entry.status is ItemStatus.COMPLETED:
                    numbers = known.targets[entry.index].numbers
                    ended[f"{known.run.id.partition('-')[0]}-IM{numbers[1]}"] += numbers[7] - numbers[4]
        gained = {
            one.id: tuple(now - then for now, then in zip(as_tuple(one.counts), as_tuple(old.counts), strict=True))
            for old, one in self._imports_changed(rows)
        }
        counted = Counter({import_id: sum(more) for import_id, more in gained.items()})
        demand(+ended == +counted, name, f"parts with {dict(ended)} rows ended, {dict(counted)} were counted")
        born = sum(is_a(key, "C#") and before is None and after is not None for key, (before, after) in rows.items())
        demand(born == created == sum(more[0] for more in gained.values()), name, f"{born} cards, {created} counted")
        refused = [
            line
            for key, (before, after) in rows.items()
            if key[0] == "runs" and is_a(key, "X#") and after and not before
            for line in RejectedRowsRow.from_raw_data(dict(after)).lines
        ]
        demand(len(refused) == sum(more[2] for more in gained.values()), name, f"{len(refused)} rejected rows")
        self.done.update(ended)
        self.imported.update({import_id: more[0] for import_id, more in gained.items()})

    def _imports_changed(self, rows: Rows) -> list[tuple[ImportRecord, ImportRecord]]:
        return [
            (read_import(before), read_import(after))
            for key, (before, after) in rows.items()
            if is_a(key, "IMP#") and before and after
        ]

    def on_start(self, import_id: str, run_id: str) -> None:
        given = self.answered.setdefault(import_id, run_id)
        demand(given == run_id, "an_import_starts_once", f"{import_id} gave {given} and {run_id}")

    def on_shown_ended(self, shown: ImportRecord, run: Run) -> None:
        """An import that is shown as ended shows the counts of all its rows: nobody looks again."""
        name, known = "an_ended_import_shows_its_final_counts", self.seen.runs[run.id]
        retried = any(other.run.retry_of == run.id for other in self.seen.runs.values())
        if known.run.status is run.status and not retried:
            demand(shown.counts.total == self.done[shown.id], name, f"{shown.id} shows {shown.counts}")

    # at the end

    def at_the_end(self, rows: dict[Key, Item]) -> None:
        Invariants.at_the_end(self, rows)
        imports = [read_import(row) for key, row in rows.items() if is_a(key, "IMP#")]
        for one in imports:
            self._import_ended(one, rows)
        self.texts_are_counted(rows)

    def _import_ended(self, one: ImportRecord, rows: dict[Key, Item]) -> None:
        name = "the_counts_are_those_of_the_rows"
        demand(one.counts.total == self.done[one.id], name, f"{one.id} counts {one.counts}, {self.done[one.id]} done")
        demand(one.counts.created == self.imported[one.id], name, f"{one.id}: {self.imported[one.id]} cards")
        demand(not one.waiting, "a_waiting_import_starts", one.id)
        if not one.run_id:
            return
        last = self.seen.runs[one.run_id]
        while retry := next((known for known in self.seen.runs.values() if known.run.retry_of == last.run.id), None):
            last = retry
        if one.id in self.refused:
            demand(last.run.status is not RunStatus.SUCCEEDED, "a_file_without_feedback_fails", one.id)
        if last.run.status is RunStatus.SUCCEEDED:
            self.a_whole_file_is_in(one, rows)

    def a_whole_file_is_in(self, one: ImportRecord, rows: dict[Key, Item]) -> None:
        name, file = "a_whole_file_is_in", self.files[one.id]
        demand(one.counts.total == len(file.rows), name, f"{one.id} counts {one.counts} of {len(file.rows)} rows")
        found = [
            line
            for key, row in rows.items()
            if key[1] == one.id and is_a(key, "X#")
            for line in RejectedRowsRow.from_raw_data(dict(row)).lines
        ]
        demand(sorted(line[0] for line in found) == file.bad, name, f"{one.id} rejects {found}, not {file.bad}")
        texts = {row["text"]["S"] for key, row in rows.items() if is_a(key, "C#")}
        missing = [row for row in file.rows if row.is_card and row.external_id not in self.ids]
        missing = [row for row in missing if not (file.by_content and row.text in texts)]
        demand(not missing, name, f"{one.id}: no card of {missing[:3]}")

    def texts_are_counted(self, rows: dict[Key, Item]) -> None:
        """The counts of equal texts are those of the cards counted so far."""
        cards = [CardRow.from_raw_data(dict(row)) for key, row in rows.items() if is_a(key, "C#")]
        expected = Counter(hash_key(content_hash(card.text)) for card in cards if card.content_hash)
        hashes = [ContentHashRow.from_raw_data(dict(row)) for key, row in rows.items() if is_a(key, "H#")]
        counted = {row.sk: int(row.cards) for row in hashes if row.cards}
        demand(counted == dict(expected), "texts_are_counted", f"{len(counted)} counted, {len(expected)} there")
