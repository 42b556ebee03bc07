"""Records of imports: one behaviour on every engine."""

from random import Random

import pytest

from groundwork.adapters.dynamodb.backlog_rows import CardRow
from groundwork.adapters.dynamodb.import_rows import RejectedRowsRow, rejected_row
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.card_import import importer
from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.layout import Layout
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.errors import NotFound
from groundwork.imports.model import ImportProblem, ImportRecord, RowCounts, StoredFile
from groundwork.imports.ports import Inspection, RejectedImportRow

FILE = StoredFile("imports/p/a.csv", '"etag"', 12)


@pytest.fixture
def tables(tables_of_every_engine: Tables) -> Tables:
    return tables_of_every_engine


@pytest.fixture
def project(tables: Tables) -> str:
    return tables.projects.create("Shop", "").id


def made(tables: Tables, project: str) -> ImportRecord:
    return tables.imports.create(project, "a.csv", 12, {"text": ["A", "B"], "dedupe": "content"})


def test_an_import_is_read_as_it_was_made(tables: Tables, project: str) -> None:
    record = made(tables, project)
    assert tables.imports.load(record.id) == record
    assert (record.id, record.key) == (f"{project}-IM1", f"uploads/{project}-IM1")
    assert record.parameters == {"text": ["A", "B"], "dedupe": "content"}
    assert (record.counts, record.origin, record.file) == (RowCounts(), "upload", None)


def test_numbers_rise_and_a_page_is_newest_first(tables: Tables, project: str) -> None:
    ids = [made(tables, project).id for _ in range(3)]
    assert [record.id for record in tables.imports.page(project, None, 2)] == ids[:0:-1]
    assert [record.id for record in tables.imports.page(project, 2, 2)] == ids[:1]


def test_a_missing_project_or_import_is_not_found(tables: Tables, project: str) -> None:
    with pytest.raises(NotFound):
        tables.imports.create("zzzzzzzzzz", "a", 1, {})
    with pytest.raises(NotFound):
        tables.imports.create_for("../etc", FILE, "a", {})
    for id_ in (f"{project}-IM9", f"{project}-R1", "x"):
        with pytest.raises(NotFound):
            tables.imports.load(id_)


def test_one_version_of_an_object_is_one_import(tables: Tables, project: str) -> None:
    first = tables.imports.create_for(project, FILE, "a.csv", {})
    assert (first.origin, first.file) == ("drop", FILE)
    assert tables.imports.create_for(project, FILE, "a.csv", {}) == first
    versions = [StoredFile(FILE.key, '"other"', 12), StoredFile(FILE.key, FILE.etag, 12, "v1")]
    others = {tables.imports.create_for(project, other, "a.csv", {}).id for other in versions}
    assert len({first.id, *others}) == 3


def test_a_version_is_pinned_until_the_start(tables: Tables, project: str) -> None:
    record = made(tables, project)
    file = StoredFile(record.key, '"one"', 12, "v1")
    assert tables.imports.pin(record.id, file).file == file
    other = StoredFile(record.key, '"two"', 12)
    assert tables.imports.pin(record.id, other).file == other


def test_waiting_imports_are_listed_oldest_first(tables: Tables, project: str) -> None:
    first, second, third = (made(tables, project) for _ in range(3))
    for record in (second, first, third):
        tables.imports.set_waiting(record.id, True)
    assert {*tables.imports.waiting(project)} == {first.id, second.id, third.id}
    tables.imports.set_waiting(second.id, False)
    problem = ImportProblem("INVALID", "No.", ({"name": "a", "samples": ["1"]},))
    tables.imports.refuse(third.id, problem)
    assert tables.imports.waiting_everywhere() == [first.id]
    assert tables.imports.load(third.id).refusal == problem
    assert tables.imports.waiting("zzzzzzzzzz") == []


def layout_of(header: str) -> Layout:
    return importer.inspect(Memory(f"{header}\n1,Good feedback\n".encode()), Parameters()).layout


def test_the_first_inspection_stays(tables: Tables, project: str) -> None:
    record = made(tables, project)
    assert tables.imports.inspection(record.id) is None
    first = Inspection(layout_of("id,text"), FILE)
    kept = tables.imports.record_inspection(record.id, first)
    assert kept == tables.imports.inspection(record.id) == first
    late = Inspection(problem=ImportProblem("MALFORMED", "No."))
    assert tables.imports.record_inspection(record.id, late) == first


def test_an_inspection_larger_than_a_row_becomes_a_refusal(tables: Tables, project: str) -> None:
    record = made(tables, project)
    random = Random(1)
    names = ",".join(random.randbytes(50).hex() for _ in range(9_000))
    kept = tables.imports.record_inspection(record.id, Inspection(layout_of(f"text,{names}"), FILE))
    assert kept.problem
    assert kept.problem.code == "TOO_LARGE"


def test_rejected_rows_come_in_pages_in_the_order_of_the_file(tables: Tables, project: str) -> None:
    record = made(tables, project)
    rows = [RejectedImportRow(number, number + 1, f"reason {number}") for number in range(1, 96)]
    # written by parts, in any order
    for start in (62, 0, 31):
        rejected_row(record.id, tuple(rows[start : start + 31])).save()
    rejected_row(record.id, tuple(rows[93:])).save()
    assert tables.imports.rejected(record.id, 0, 40) == rows[:40]
    assert tables.imports.rejected(record.id, 40, 1_000) == rows[40:]
    assert len(list(RejectedRowsRow.query(record.id))) == 4
    assert list(CardRow.query(project, CardRow.sk.startswith("C#"))) == []
