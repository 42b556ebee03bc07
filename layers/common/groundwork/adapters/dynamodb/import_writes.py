"""Transaction actions of import runs."""

from groundwork.adapters.dynamodb.backlog_rows import CardRow, ExternalIdRow, card_row, external_key
from groundwork.adapters.dynamodb.card_hashes import claim_text, count_texts
from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.import_rows import ImportRow, import_key, rejected_row
from groundwork.adapters.dynamodb.run_rows import run_key
from groundwork.backlog.model import BY_IMPORT
from groundwork.backlog.new_cards import content_hash
from groundwork.imports.writes import SaveRows, StartImport
from groundwork.runs.model import Run


def start_import(transaction: Transaction, run: Run, write: StartImport) -> None:
    actions = [
        ImportRow.run_id.set(write.run_id),
        ImportRow.attention.remove(),
        ImportRow.attention_at.remove(),
        # a reason of an earlier try in vain
        ImportRow.problem.remove(),
    ]
    unstarted = ImportRow.pk.exists() & ImportRow.run_id.does_not_exist()
    transaction.update(ImportRow(*import_key(write.import_id)), actions, unstarted, "import")


def save_rows(transaction: Transaction, run: Run, write: SaveRows) -> None:
    project_id, _ = run_key(run.id)
    hashes = [content_hash(card.text) for card in write.cards]
    for number, (card, text_hash) in enumerate(zip(write.cards, hashes, strict=True), write.first_number):
        row = card_row(card.numbered(project_id, number, BY_IMPORT), text_hash)
        transaction.put(row, CardRow.pk.does_not_exist(), write.index)
        if card.external_id:
            # another import or a person may have taken the id since it was looked for
            taken = ExternalIdRow(project_id, external_key(card.external_id), number=number)
            transaction.put(taken, ExternalIdRow.pk.does_not_exist(), write.index)
        if write.by_content:
            claim_text(transaction, project_id, text_hash, write.index)
    if not write.by_content:
        count_texts(transaction, project_id, hashes)
    if write.rejected:
        transaction.put(rejected_row(write.import_id, write.rejected))
    # with the rows it counts, so that the sums are those of the file whatever happens
    counts = write.counts
    actions = [
        ImportRow.created.add(counts.created),
        ImportRow.duplicates.add(counts.duplicates),
        ImportRow.rejected.add(counts.rejected),
        ImportRow.skipped.add(counts.skipped),
    ]
    transaction.update(ImportRow(*import_key(write.import_id)), actions, ImportRow.pk.exists(), "run")
