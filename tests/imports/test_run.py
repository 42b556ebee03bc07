"""Import runs from start to end on real tables: every row counts once, whatever happens."""

import asyncio
import gzip
import json

import pytest

from groundwork.adapters.dynamodb.backlog_rows import CardRow, ExternalIdRow, ProjectRow, external_key
from groundwork.adapters.dynamodb.run_rows import LockRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import Transient
from groundwork.generation import file_parts
from groundwork.imports.errors import FileChanged
from groundwork.imports.model import RowCounts
from groundwork.runs.cancel import cancel
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import ErrorCode, Run, RunPhase, RunStatus, RunType
from tests.backlog.card_import.exports import workbook
from tests.imports.world import ImportWorld
from tests.runs.world import dies


@pytest.fixture
def world(moto_tables: Tables) -> ImportWorld:
    return ImportWorld(moto_tables)


def csv(*rows: tuple[str, str]) -> bytes:
    return "".join(f"{one},{other}\n" for one, other in [("externalId", "text"), *rows]).encode()


def numbered(count: int, start: int = 1) -> bytes:
    return csv(*((f"n{number}", f"Feedback {number} is long enough") for number in range(start, start + count)))


async def test_every_row_becomes_a_card_in_the_order_of_the_file(world: ImportWorld) -> None:
    made, run = await world.imported(numbered(100))
    assert (run.status, run.total, run.completed, run.created) == (RunStatus.SUCCEEDED, 4, 4, 100)
    assert world.texts() == [f"Feedback {number} is long enough" for number in range(1, 101)]
    assert (made.counts, world.counts()) == (RowCounts(created=100), 100)
    world.check(run.id)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(gzip.compress(numbered(70)), id="gzip"),
        pytest.param(numbered(70).decode().encode("utf-16"), id="utf-16"),
        pytest.param(workbook([["Text"], *([f"Feedback {number}"] for number in range(70))]), id="xlsx"),
        pytest.param(json.dumps([{"text": f"Feedback {number}"} for number in range(70)]).encode(), id="json"),
        pytest.param(json.dumps([f"Feedback {number}" for number in range(70)]).encode(), id="json texts"),
    ],
)
async def test_a_file_that_cannot_be_read_from_the_middle_is_staged(world: ImportWorld, body: bytes) -> None:
    made, run = await world.imported(body)
    assert (run.status, made.counts) == (RunStatus.SUCCEEDED, RowCounts(created=70))
    assert len([key for key in world.files.objects if key.startswith(f"staged/{made.id}/")]) == 1


async def test_known_ids_repeated_ids_and_rows_without_text_are_counted_apart(world: ImportWorld) -> None:
    world.tables.cards.import_cards(world.project_id, [NewCard(1, "Known", external_id="a")])
    made, run = await world.imported(csv(("a", "Known again"), ("b", "New"), ("b", "New once more"), ("c", "")))
    assert (run.status, made.counts) == (RunStatus.SUCCEEDED, RowCounts(created=1, duplicates=2, rejected=1))
    (rejected,) = world.rejected(made)
    assert (rejected.row, rejected.line, rejected.reason) == (4, 5, "text: must be a text that is not empty")


async def test_equal_texts_are_duplicates_where_asked(world: ImportWorld) -> None:
    world.tables.cards.import_cards(world.project_id, [NewCard(1, "Known")])
    body = csv(("a", "Known"), ("b", "New"), ("c", "New"), ("c", "Other"))
    made, _ = await world.imported(body, dedupe="content")
    assert made.counts == RowCounts(created=2, duplicates=2)
    again, _ = await world.imported(body, dedupe="content")
    assert again.counts == RowCounts(duplicates=4)


async def test_cards_of_older_releases_are_known(world: ImportWorld) -> None:
    CardRow(world.project_id, "C#000000001", text="Old text", external_id=" 7").save()
    ExternalIdRow(world.project_id, external_key(" 7"), number=1).save()
    ProjectRow(world.project_id).update(actions=[ProjectRow.cards.add(1), ProjectRow.last_card.add(1)])
    made, _ = await world.imported(csv(("7", "Another text"), ("8", "Old text"), ("9", "New")), dedupe="content")
    assert made.counts == RowCounts(created=1, duplicates=2)


async def test_an_id_taken_between_lookup_and_commit_is_a_duplicate(
    world: ImportWorld, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    reserve = world.tables.cards.reserve

    def late(project_id: str, count: int) -> int:
        monkeypatch.setattr(world.tables.cards, "reserve", reserve)
        world.tables.cards.import_cards(project_id, [NewCard(1, "By hand", external_id="n2")])
        return reserve(project_id, count)

    monkeypatch.setattr(world.tables.cards, "reserve", late)
    made, run = await world.imported(numbered(3))
    assert (run.status, made.counts) == (RunStatus.SUCCEEDED, RowCounts(created=2, duplicates=1))
    assert sorted(world.texts()) == ["By hand", "Feedback 1 is long enough", "Feedback 3 is long enough"]


@pytest.mark.parametrize("completed", [0, 1, 3])
async def test_a_worker_lost_in_the_middle_leaves_no_row_out_and_none_twice(world: ImportWorld, completed: int) -> None:
    made, run_id = world.begin(numbered(200))
    await dies(world, run_id, lambda run: run.completed > completed)
    run = await world.to_the_end(run_id)
    assert (run.status, len(world.texts())) == (RunStatus.SUCCEEDED, 200)
    assert len(set(world.texts())) == 200
    assert world.tables.imports.load(made.id).counts == RowCounts(created=200)
    world.check(run_id)


async def test_a_worker_lost_while_queueing_resumes_after_the_last_page(
    simulated_tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = ImportWorld(simulated_tables)
    monkeypatch.setattr(file_parts, "MAX_ROWS", 1)
    made, run_id = world.begin(numbered(150))
    before = await dies(world, run_id, lambda run: run.queued > 100)
    assert (before.queued, before.phase) == (100, RunPhase.QUEUEING)
    run = await world.to_the_end(run_id)
    assert (run.status, run.total, len(world.texts())) == (RunStatus.SUCCEEDED, 150, 150)
    assert world.tables.imports.load(made.id).counts == RowCounts(created=150)


async def test_short_hops_hand_over_until_the_file_is_in(world: ImportWorld) -> None:
    world.hop_ms = 1_500
    made, run = await world.imported(numbered(600))
    assert (run.status, made.counts) == (RunStatus.SUCCEEDED, RowCounts(created=600))


async def test_a_cancel_keeps_what_is_in(world: ImportWorld) -> None:
    made, run_id = world.begin(numbered(200))
    await dies(world, run_id, lambda run: run.completed > 2)
    cancel(world.tables.runs, run_id, world.clock_ms, lambda seconds: None)
    record = world.tables.imports.load(made.id)
    assert (world.run(run_id).status, record.counts.created) == (RunStatus.CANCELLED, len(world.texts()))
    assert 0 < record.counts.created < 200
    assert world.counts() == record.counts.created
    assert await world.hop(run_id) is HopEnd.NOT_TAKEN


@pytest.mark.parametrize("replaced", [True, False])
async def test_a_file_lost_in_the_middle_ends_the_run_and_keeps_what_is_in(world: ImportWorld, replaced: bool) -> None:
    made, run_id = world.begin(numbered(200))
    await dies(world, run_id, lambda run: run.completed > 2)
    world.files.objects.pop(made.key)
    if replaced:
        world.files.objects[made.key] = numbered(200, start=1_000)
    run = await world.to_the_end(run_id)
    assert (run.status, run.next_retry_at) == (RunStatus.PARTIAL, None)
    assert run.error == "The file was deleted or replaced since the start of its import."
    failed = {entry.error_code for entry in world.entries(run_id) if entry.error_code}
    assert failed == {ErrorCode.FILE_CHANGED}
    assert world.tables.imports.load(made.id).counts.created == len(world.texts()) == world.counts()


async def test_a_file_lost_before_its_inspection_fails_the_run(world: ImportWorld) -> None:
    made, run_id = world.begin(numbered(3))
    world.files.objects.clear()
    run = await world.to_the_end(run_id)
    assert (run.status, run.next_retry_at, world.texts()) == (RunStatus.FAILED, None, [])
    assert world.tables.imports.inspection(made.id) is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"a,b\n1,2\n", "COLUMN_UNKNOWN"),
        (b"%PDF-1.7", "UNSUPPORTED_MEDIA_TYPE"),
        (gzip.compress(numbered(3))[:-9], "MALFORMED"),
        (b"\n\n", "INVALID"),
    ],
    ids=["no text column", "pdf", "cut gzip", "blank"],
)
async def test_a_file_that_is_no_feedback_fails_the_run_with_its_reason(
    world: ImportWorld, body: bytes, code: str
) -> None:
    given_up: list[str] = []
    made, run_id = world.begin(body)
    worker = world.worker()
    worker.on_give_up = lambda code, reason: given_up.append(reason)
    assert await worker.hop(run_id) is HopEnd.ENDED
    run, inspection = world.run(run_id), world.tables.imports.inspection(made.id)
    assert inspection
    assert inspection.problem
    assert (run.status, run.error, inspection.problem.code) == (RunStatus.FAILED, inspection.problem.message, code)
    # the user's file is the cause: no operator is called
    assert (run.next_retry_at, given_up) == (None, [])
    assert list(LockRow.query(world.project_id, LockRow.sk.startswith("LOCK#"))) == []


async def test_a_header_without_rows_is_said(world: ImportWorld) -> None:
    _, run = await world.imported(b"externalId,text\n")
    assert (run.status, run.error) == (RunStatus.FAILED, "The file has no row.")


async def test_a_person_may_retry_a_run_stopped_by_its_file(world: ImportWorld) -> None:
    made, run_id = world.begin(numbered(100))
    body = world.files.objects.pop(made.key)
    assert (await world.to_the_end(run_id)).status is RunStatus.FAILED
    world.files.objects[made.key] = body
    retry = world.starter.retry(run_id).run_id
    assert (await world.to_the_end(retry)).status is RunStatus.SUCCEEDED
    assert world.tables.imports.load(made.id).counts == RowCounts(created=100)
    assert world.tables.imports.latest_runs([run_id])[run_id].id == retry


async def test_parts_that_failed_are_retried_alone(world: ImportWorld, quick: None) -> None:
    made, run_id = world.begin(numbered(100))
    part = file_parts.FileReader.part

    def killing(reader: file_parts.FileReader, place: tuple[int, ...]) -> file_parts.Part:
        if place[2] == 31:
            raise FileChanged("Out of reach")
        return part(reader, place)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(file_parts.FileReader, "part", killing)
        first = await world.to_the_end(run_id)
    assert (first.status, first.failed) == (RunStatus.FAILED, 4)
    retry = await world.to_the_end(world.starter.retry(run_id).run_id)
    assert (retry.status, retry.total) == (RunStatus.SUCCEEDED, 4)
    assert world.tables.imports.load(made.id).counts == RowCounts(created=100)


async def test_an_unreachable_bucket_costs_no_attempt(world: ImportWorld, quick: None) -> None:
    made, run_id = world.begin(numbered(40))
    faults = iter([True] * 8)

    def unreachable(request: str, key: str) -> None:
        if world.run(run_id).queued_all and next(faults, False):
            raise Transient("S3: ConnectTimeoutError")

    world.files.on_request = unreachable
    run = await world.to_the_end(run_id)
    assert (run.status, world.tables.imports.load(made.id).counts) == (RunStatus.SUCCEEDED, RowCounts(created=40))
    assert {entry.attempts for entry in world.entries(run_id)} == {1}


async def test_the_lease_is_renewed_during_a_long_inspection(
    world: ImportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundwork.runs.leases.RENEW_MS", 20)
    saved: list[RunPhase] = []
    save = world.tables.runs.save

    def noted(run: Run, before: Run, changes: object) -> None:
        saved.append(run.phase)
        save(run, before, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(world.tables.runs, "save", noted)

    def slow(request: str, key: str) -> None:
        world.project()

    world.files.on_request = slow
    await world.imported(numbered(40))
    assert saved.count(RunPhase.QUEUEING) > 3


def test_the_lock_of_a_newer_release_is_no_active_run_of_ours(world: ImportWorld) -> None:
    _, run_id = world.begin(numbered(3))
    LockRow(world.project_id, "LOCK#OF_A_NEWER_RELEASE", run_id="sjmvmbtfd2-R1").save()
    assert world.tables.runs.active_by_type(world.project_id) == {RunType.IMPORT_CARDS: run_id}


async def test_a_deleted_project_leaves_nothing_of_its_imports(world: ImportWorld) -> None:
    made, _ = await world.imported(csv(("a", "New"), ("b", "")))
    world.tables.projects.delete(world.project_id)
    assert world.tables.purger.purge(world.project_id, lambda: False)
    assert world.rejected(made) == []
    assert world.tables.imports.inspection(made.id) is None
    assert world.tables.imports.page(world.project_id, None, 10) == []


def test_waiting_imports_start_one_after_another_oldest_first(world: ImportWorld) -> None:
    dropped = []
    for number in range(3):
        key = f"imports/{world.project_id}/{number}.csv"
        world.files.objects[key] = numbered(3, start=number * 10)
        file = world.files.find(key)
        assert file
        dropped.append(world.imports.create_from_object(world.project_id, file))
        # another delivery of the same event
        assert world.imports.create_from_object(world.project_id, file) == dropped[-1]
    started = [world.imports.start_or_wait(one.id) for one in dropped]
    assert [one is not None for one in started] == [True, False, False]
    assert world.imports.start_next() == []
    for waiting in (dropped[1], dropped[2]):
        asyncio.run(world.to_the_end(world.triggered[-1]))
        assert world.imports.start_next(world.project_id) == [waiting.id]
    asyncio.run(world.to_the_end(world.triggered[-1]))
    assert world.imports.start_next() == []
    assert len(world.texts()) == 9


def test_a_waiting_file_that_cannot_start_is_refused_with_the_reason(world: ImportWorld) -> None:
    world.files.objects["imports/p/empty.csv"] = b""
    file = world.files.find("imports/p/empty.csv")
    assert file
    made = world.imports.create_from_object(world.project_id, file)
    world.tables.imports.set_waiting(made.id, True)
    assert world.imports.start_next() == []
    refused = world.tables.imports.load(made.id)
    assert refused.refusal
    assert (refused.waiting, refused.refusal.code) == (False, "INVALID")
    assert "the file is empty" in refused.refusal.message
