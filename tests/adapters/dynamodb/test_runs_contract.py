"""What every RunStore must do, shown on the fake, on moto and on DynamoDB Local."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from groundwork.adapters.dynamodb.backlog_rows import ProjectRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.model import Subtask
from groundwork.backlog.writes import DeleteArtifact, PutArtifact
from groundwork.errors import IdempotencyKeyReused, LeaseLost, NotFound, NothingToRetry, RunAlreadyActive
from groundwork.ids import Kind, Path, new_project_id
from groundwork.runs import leases
from groundwork.runs.model import (
    CardCoverage,
    Claim,
    ItemStatus,
    JournalEntry,
    ManifestEntry,
    Run,
    RunOptions,
    RunStatus,
    RunType,
)
from groundwork.runs.ports import AlreadyStarted, Changes, Idempotency, ItemsConflict, RunStore
from tests.fakes.runs import MemoryRuns
from tests.tables import make_tables

NOW = 1_000_000


@dataclass
class Place:
    store: RunStore
    project_id: str

    def count(self) -> int:
        if isinstance(self.store, MemoryRuns):
            return self.store.projects[self.project_id]["subtasks"]
        return int(ProjectRow.get(self.project_id, "P", consistent_read=True).subtasks)

    def new(self, type_: RunType = RunType.GENERATE_SUBTASKS, **fields: Any) -> Run:
        number = self.store.next_number(self.project_id)
        run = Run(id=str(Path(Kind.RUN, self.project_id, (number,))), type=type_, created_at=NOW, total=2)
        return replace(run, **fields)

    def started(self, type_: RunType = RunType.GENERATE_SUBTASKS, **fields: Any) -> Run:
        run = self.new(type_, **fields)
        self.store.start(run, [], None)
        return run

    def taken(self) -> Run:
        run = self.started()
        taken = leases.acquire(run, "worker", NOW)
        self.store.save(taken, run, Changes())
        return taken

    def subtask(self, number: int) -> Subtask:
        path = Path(Kind.SUBTASK, self.project_id, (1, 1, number))
        return Subtask(
            id=str(path),
            story_id=str(path.parent),
            project_id=self.project_id,
            code=path.code,
            title="A step",
            created_at="2026-01-01T00:00:00.000Z",
        )


@pytest.fixture(params=["fake", "simulated_tables", "moto_server", "dynamodb_local"])
def place(request: pytest.FixtureRequest) -> Place:
    project_id = new_project_id()
    if request.param == "fake":
        counts = dict.fromkeys(("cards", "epics", "stories", "subtasks"), 0)
        return Place(MemoryRuns(projects={project_id: counts}), project_id)
    found = request.getfixturevalue(request.param)
    tables = found if isinstance(found, Tables) else make_tables(found)
    ProjectRow(project_id, name="Test", created_at=1).save()
    return Place(tables.runs, project_id)


def test_a_run_comes_back_as_it_was_written(place: Place) -> None:
    run = place.started(
        options=RunOptions(max_cost_usd=2.5),
        claims={3: Claim(2, 17), 4: Claim(1, 0, lost=True, cost=7)},
        coverage=CardCoverage(9, 4),
    )
    assert place.store.load(run.id) == run
    assert place.store.active_ids() == [run.id]
    assert place.store.active_by_type(place.project_id) == {run.type: run.id}


def test_only_one_run_of_a_type_is_active(place: Place) -> None:
    run = place.started()
    with pytest.raises(RunAlreadyActive) as refused:
        place.started()
    assert refused.value.details == {"runId": run.id}


def test_a_run_that_replaces_is_kept_apart_from_those_below(place: Place) -> None:
    place.started(RunType.GENERATE_STORIES, options=RunOptions(existing_behavior="replace"))
    with pytest.raises(RunAlreadyActive):
        place.started(RunType.GENERATE_SUBTASKS)


def test_a_key_gives_its_run_again_and_refuses_another_body(place: Place) -> None:
    run = place.new()
    place.store.start(run, [], Idempotency("k", "a"))
    with pytest.raises(AlreadyStarted) as again:
        place.store.start(place.new(), [], Idempotency("k", "a"))
    assert again.value.run_id == run.id == place.store.find_by_key(place.project_id, Idempotency("k", "a"))
    with pytest.raises(IdempotencyKeyReused):
        place.store.find_by_key(place.project_id, Idempotency("k", "b"))


def test_no_run_begins_in_a_project_that_is_not_there(place: Place) -> None:
    with pytest.raises(NotFound):
        place.store.next_number(new_project_id())


def test_a_write_under_an_old_epoch_or_seq_changes_nothing(place: Place) -> None:
    taken = place.taken()
    newer = leases.renew(taken, NOW + 1)
    place.store.save(newer, taken, Changes())
    with pytest.raises(LeaseLost):
        place.store.save(leases.renew(taken, NOW + 2), taken, Changes(writes=(PutArtifact(0, place.subtask(1)),)))
    assert place.store.load(taken.id) == newer
    # the artifact of the refused write is not there: it can still be put
    place.store.save(leases.renew(newer, NOW + 3), newer, Changes(writes=(PutArtifact(0, place.subtask(1)),)))


def test_a_commit_writes_all_of_its_changes_or_none(place: Place) -> None:
    taken = place.taken()
    entry = JournalEntry(0, ItemStatus.COMPLETED, created=1, seq=taken.seq + 1)
    first = leases.renew(taken.with_entries([entry]), NOW)
    place.store.save(first, taken, Changes(entries=(entry,), writes=(PutArtifact(0, place.subtask(1)),)))
    second = JournalEntry(1, ItemStatus.COMPLETED, created=2, seq=first.seq + 1)
    puts = (PutArtifact(1, place.subtask(2)), PutArtifact(1, place.subtask(1)))
    with pytest.raises(ItemsConflict) as conflict:
        place.store.save(leases.renew(first, NOW), first, Changes(entries=(second,), writes=puts))
    assert conflict.value.indexes == {1}
    assert list(place.store.journal(taken.id)) == [entry]
    assert place.store.load(taken.id) == first


def test_a_delete_of_what_is_not_there_is_a_conflict_of_its_item(place: Place) -> None:
    taken = place.taken()
    path = Path(Kind.SUBTASK, place.project_id, (1, 1, 9))
    with pytest.raises(ItemsConflict) as conflict:
        place.store.save(leases.renew(taken, NOW), taken, Changes(writes=(DeleteArtifact(1, path),)))
    assert conflict.value.indexes == {1}


def test_the_manifest_and_the_journal_are_read_by_range(place: Place) -> None:
    taken = place.taken()
    targets = tuple(
        ManifestEntry(n, (1, n + 1), f"Story {n}", first_number=n + 1, replaced=tuple(range(n))) for n in range(5)
    )
    saved = leases.renew(taken, NOW)
    entries = tuple(JournalEntry(n, ItemStatus.COMPLETED, seq=saved.seq) for n in range(2))
    place.store.save(saved, taken, Changes(manifest=targets, entries=entries))
    assert place.store.manifest(taken.id, 1, 4) == list(targets[1:4])
    assert list(place.store.journal(taken.id, saved.seq - 1)) == list(entries)
    assert list(place.store.journal(taken.id, saved.seq)) == []


def test_the_end_gives_the_lock_back_counts_and_is_final(place: Place) -> None:
    taken = replace(place.taken(), created=6, failed=1, retryable=1)
    ended = replace(leases.end(taken, RunStatus.PARTIAL, NOW), next_retry_at=NOW + 5)
    place.store.finish(ended, place.store.load(taken.id), Changes())
    assert place.count() == 6
    assert place.store.active_by_type(place.project_id) == {}
    assert place.store.active_ids() == []
    assert place.store.due_for_retry(NOW) == []
    assert place.store.due_for_retry(NOW + 5) == [taken.id]
    with pytest.raises(LeaseLost):
        place.store.save(leases.renew(ended, NOW), ended, Changes())


def test_a_run_is_retried_once(place: Place) -> None:
    taken = replace(place.taken(), failed=1)
    ended = replace(leases.end(taken, RunStatus.FAILED, NOW), next_retry_at=NOW)
    place.store.finish(ended, place.store.load(taken.id), Changes())
    again = place.started(retry_of=ended.id)
    assert place.store.due_for_retry(NOW + 1) == []
    done = leases.end(again, RunStatus.SUCCEEDED, NOW)
    place.store.finish(done, again, Changes())
    with pytest.raises(NothingToRetry):
        place.started(retry_of=ended.id)
