"""Sessions and patches in the tables: always readable, above the item limit, never older."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from groundwork.adapters.dynamodb import sessions
from groundwork.adapters.dynamodb.execution_rows import BlobPartRow, BlobRow
from groundwork.adapters.dynamodb.sessions import DynamoSessions
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.agent.changes import as_json
from groundwork.agent.patches import Patch, PatchRef
from groundwork.agent.session import AttemptLimits, Session
from groundwork.agent.workspace import MAX_CHANGED_BYTES
from groundwork.errors import Transient
from tests.agent.world import brief

TASK = "plk3v9x2m4q8-T1"
PLAN = "plk3v9x2m4q8"


@pytest.fixture
def kept(moto_tables: Tables) -> DynamoSessions:
    return moto_tables.sessions


def noise(size: int) -> str:
    """Incompressible text."""
    return random.Random(1).randbytes(size // 2).hex()


def session(turns: int = 1, attempt: int = 1, text: str = "") -> Session:
    return Session(brief=brief(attempt=attempt), base="0" * 40, turns=turns).with_text(text or f"turn {turns}")


def at_its_limits() -> Session:
    """The largest conversation and changes allowed, both incompressible."""
    words, changes = (
        noise(4 * AttemptLimits().conversation_tokens),
        {"a.bin": random.Random(2).randbytes(MAX_CHANGED_BYTES)},
    )
    return session(turns=60, text=words).changed(changes=as_json(changes))


def parts(letter: str = "K") -> list[Any]:
    return [row.sk for row in BlobPartRow.query(PLAN, BlobPartRow.sk.startswith(f"{letter}#")) if row.sk.count("#") > 1]


def test_a_session_is_kept_turn_by_turn_and_only_its_last_state_stays(kept: DynamoSessions) -> None:
    assert kept.load(TASK, 1) is None
    for turns in (1, 2, 2, 3):
        kept.save(session(turns))
    assert kept.load(TASK, 1) == session(3)
    assert kept.load(TASK, 2) is None
    assert len(parts()) == 1


def test_a_session_at_its_limits_is_larger_than_an_item_may_be_and_is_kept_all_the_same(tables: Tables) -> None:
    kept, largest = tables.sessions, at_its_limits()
    assert len(largest.compress()) > 5 * 400_000
    kept.save(session(59))
    kept.save(largest)
    assert kept.load(TASK, 1) == largest
    assert len(parts()) > 5
    kept.save(session(61))
    assert (kept.load(TASK, 1), len(parts())) == (session(61), 1)


@pytest.mark.parametrize("writes", range(1, 12))
def test_a_write_that_is_cut_off_anywhere_leaves_what_was_there_or_what_was_to_come(
    kept: DynamoSessions, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    monkeypatch.setattr(sessions, "MAX_PART_BYTES", 300)
    before, after = session(1, text=noise(2_000)), session(2, text=noise(2_400))
    kept.save(before)
    left = [writes]

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def die_after_some(*given: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return write(*given, **named)

        return die_after_some

    with pytest.MonkeyPatch.context() as patch:
        for row in (BlobPartRow, BlobRow):
            patch.setattr(row, "save", dying(row.save))
            patch.setattr(row, "delete", dying(row.delete))
        with pytest.raises(KeyboardInterrupt):
            kept.save(after)
    assert kept.load(TASK, 1) in (before, after)
    kept.save(session(3))
    assert kept.load(TASK, 1) == session(3)


def test_a_reader_in_the_middle_of_a_write_reads_one_of_the_two(
    kept: DynamoSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.save(session(1))
    query, writes = BlobPartRow.query, [session(2), session(3)]

    def meanwhile(*given: Any, **named: Any) -> Any:
        if writes:
            kept.save(writes.pop(0))
        return query(*given, **named)

    monkeypatch.setattr(BlobPartRow, "query", meanwhile)
    assert kept.load(TASK, 1) == session(3)


def test_what_changes_faster_than_it_is_read_is_read_later(
    kept: DynamoSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.save(session(1))
    monkeypatch.setattr(BlobPartRow, "query", lambda *given, **named: iter(()))
    with pytest.raises(Transient):
        kept.load(TASK, 1)


def test_a_worker_that_was_replaced_does_not_set_a_session_back(kept: DynamoSessions) -> None:
    kept.save(session(5))
    with pytest.raises(Transient):
        kept.save(session(4))
    kept.save(session(1, attempt=2))
    with pytest.raises(Transient):
        kept.save(session(6, attempt=1))
    assert (kept.load(TASK, 1), kept.load(TASK, 2)) == (None, session(1, attempt=2))


def test_of_two_workers_that_write_at_once_one_does_and_the_other_leaves_nothing(
    kept: DynamoSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.save(session(1))
    save, others = BlobRow.save, [session(3)]

    def overtaken(row: BlobRow, *given: Any, **named: Any) -> Any:
        if others:
            kept.save(others.pop())
        return save(row, *given, **named)

    monkeypatch.setattr(BlobRow, "save", overtaken)
    with pytest.raises(Transient):
        kept.save(session(2))
    assert kept.load(TASK, 1) == session(3)
    assert len(parts()) == 1


def test_a_write_whose_answer_was_lost_and_that_was_sent_again_has_been_made(
    kept: DynamoSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.save(session(1))
    save = BlobRow.save

    def twice(row: BlobRow, *given: Any, **named: Any) -> Any:
        save(row, *given, **named)
        return save(row, *given, **named)

    monkeypatch.setattr(BlobRow, "save", twice)
    kept.save(session(2))
    assert kept.load(TASK, 1) == session(2)
    assert len(parts()) == 1


def test_a_patch_is_kept_by_its_attempt_and_shown_as_text(kept: DynamoSessions) -> None:
    under = PatchRef(task_id="plk3v9x2m4q8-T2", attempt=4)
    one = Patch(
        task_id=TASK,
        attempt=1,
        base="0" * 40,
        base_patches=(under,),
        changes=as_json({"a": b"\xff"}),
        text="diff \ufffd\n",
    )
    assert (kept.newest_patch(TASK), kept.load_patch(PatchRef(task_id=TASK, attempt=1))) == (None, None)
    kept.save_patch(one)
    assert kept.load_patch(PatchRef(task_id=TASK, attempt=1)) == one
    assert kept.load_patch(PatchRef(task_id=TASK, attempt=2)) is None
    again = one.model_copy(update={"text": "the same again\n"})
    kept.save_patch(again)
    assert kept.newest_patch(TASK) == again


def test_a_patch_that_was_withdrawn_is_there_for_what_was_built_on_it_when_there_is_a_newer(
    kept: DynamoSessions,
) -> None:
    first = Patch(task_id=TASK, attempt=1, base="0" * 40, changes=as_json({"a": b"one"}), text="first\n")
    second, third = (first.model_copy(update={"attempt": number, "text": f"{number}\n"}) for number in (2, 4))
    for patch in (first, second, second, third, third):
        kept.save_patch(patch)
    assert kept.newest_patch(TASK) == third
    for patch in (first, second, third):
        assert kept.load_patch(PatchRef(task_id=TASK, attempt=patch.attempt)) == patch
    assert kept.load_patch(PatchRef(task_id=TASK, attempt=3)) is None
    assert len(parts("D")) == 3
