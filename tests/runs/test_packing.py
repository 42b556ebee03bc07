"""Packing of results into transactions, below DynamoDB's limits of 100 actions and 4 MB."""

import pytest

from groundwork.backlog.model import Artifact, Subtask
from groundwork.backlog.writes import DeleteArtifact, PutArtifact
from groundwork.generation.handlers.children import children_outcome
from groundwork.ids import Kind, Path
from groundwork.runs.handler import ItemFailed
from groundwork.runs.model import Claim, ErrorCode, ManifestEntry
from groundwork.runs.packing import MAX_ACTIONS, MAX_BYTES, pack
from groundwork.runs.results import CallCost, ItemResult

PROJECT = "bcdfghjkmn"


def _finished(index: int, children: int, text: str = "", old: int = 0) -> ItemResult:
    story = Path(Kind.STORY, PROJECT, (1, index + 1))

    def numbered(first: int) -> list[Artifact]:
        return [_subtask(story.child(Kind.SUBTASK, number), text) for number in range(first, first + children)]

    target = ManifestEntry(index, story.numbers, "A story", first_number=old + 1, replaced=tuple(range(1, old + 1)))
    return ItemResult(target, Claim(1), children_outcome(target, story, Kind.SUBTASK, numbered), CallCost(), 1)


def _subtask(path: Path, text: str) -> Subtask:
    fields = {"id": str(path), "story_id": str(path.parent), "project_id": PROJECT, "code": "ST1"}
    return Subtask(**fields, title="A step", description=text, created_at="2026-01-01T00:00:00.000Z")


FAT = "\U0001faa8" * 5_000


@pytest.mark.parametrize(
    ("count", "children", "old", "text"), [(40, 8, 0, ""), (30, 12, 3, ""), (40, 1, 90, ""), (80, 4, 0, FAT)]
)
def test_what_is_too_much_for_one_transaction_is_saved_in_several_and_nothing_is_lost(
    count: int, children: int, old: int, text: str
) -> None:
    waiting = [_finished(index, children, text, old) for index in range(count)]
    saved: list[int] = []
    transactions = 0
    while waiting:
        batch = pack(waiting)
        fitting, changes, waiting = batch.results, batch.changes, batch.waiting
        puts = [write for write in changes.writes if isinstance(write, PutArtifact)]
        assert changes.actions <= MAX_ACTIONS
        assert sum(len(write.artifact.model_dump_json().encode()) for write in puts) <= MAX_BYTES
        assert [entry.index for entry in changes.entries] == [one.entry.index for one in fitting]
        assert len(puts) == children * len(fitting)
        assert sum(isinstance(write, DeleteArtifact) for write in changes.writes) == old * len(fitting)
        saved += [one.entry.index for one in fitting]
        transactions += 1
    assert saved == list(range(count))
    assert transactions > 1


@pytest.mark.parametrize(("children", "old"), [(12, 90), (96, 0), (0, 99)])
def test_what_no_transaction_could_take_has_failed_and_writes_nothing_else(children: int, old: int) -> None:
    waiting = [_finished(0, 5), _finished(1, children, old=old), _finished(2, 5)]
    batch = pack(waiting)
    changes = batch.changes
    assert batch.waiting == []
    failed = batch.results[1].result
    assert isinstance(failed, ItemFailed)
    assert failed.code is ErrorCode.TOO_LARGE
    assert str(failed) == f"Its {children} new and {old} old rows are more than one transaction takes."
    entries = [(entry.index, entry.created, entry.deleted) for entry in changes.entries]
    assert entries == [(0, 5, 0), (1, 0, 0), (2, 5, 0)]
    assert {(type(write), write.index) for write in changes.writes} == {(PutArtifact, 0), (PutArtifact, 2)}
