"""Faults: lost, late and duplicate workers, lost answers, concurrent requests."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from groundwork.adapters.dynamodb.backlog_rows import row_of
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.model import Subtask
from groundwork.errors import (
    IdempotencyKeyReused,
    Invalid,
    LeaseLost,
    NothingToDo,
    NothingToRetry,
    RunAlreadyActive,
    RunNotActive,
    Transient,
)
from groundwork.ids import Kind, Path
from groundwork.llm.port import Question, Unavailable
from groundwork.runs import leases
from groundwork.runs.cancel import cancel
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import ErrorCode, ItemStatus, Run, RunStatus, RunType
from groundwork.runs.ports import Changes
from groundwork.runs.start import RunRequest
from groundwork.runs.sweep import Sweeper
from tests.fakes.model import ScriptedModel
from tests.runs.clock import now_ms
from tests.runs.world import World
from tests.tables import make_tables

DOWN = Unavailable("down")


class Clock:
    """The loop's time plus `ahead_ms`."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead_ms


@pytest.fixture
def world(tables: Tables) -> World:
    world = World(tables, clock_ms=Clock())
    world.add_epics(1)
    world.add_stories(1, 10)
    return world


def pass_time(world: World, ms: int) -> None:
    assert isinstance(world.clock_ms, Clock)
    world.clock_ms.ahead_ms += ms


class Killed(BaseException):
    """SIGKILL, as far as a process can have it done to itself: nothing is tidied up."""


class Dying:
    """A store; its process dies at the nth call of a method, before or after the effect."""

    def __init__(self, store: Any, method: str, nth: int, after: bool) -> None:
        self._store, self._method, self._left, self._after = store, method, nth, after
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if not callable(real):
            return real

        def call(*args: Any) -> Any:
            if self.dead:
                raise Killed
            if name != self._method:
                return real(*args)
            self._left -= 1
            if self._left == 0 and not self._after:
                self.dead = True
                raise Killed
            result = real(*args)
            if self._left == 0:
                self.dead = True
                raise Killed
            return result

        return call


async def die(world: World, run_id: str, method: str, nth: int, after: bool) -> bool:
    """Run a hop with a process dying there; return False if the hop ended before."""
    store = Dying(world.tables.runs, method, nth, after)
    worker = world.worker("dying")
    worker.store = store
    try:
        await worker.hop(run_id)
    except Killed:
        return True
    return store.dead


@pytest.mark.parametrize("after", [False, True], ids=["before-the-write", "after-the-write"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6, 8])
async def test_a_worker_killed_at_a_write_leaves_a_run_that_ends_right(world: World, nth: int, after: bool) -> None:
    run_id = world.start(RunType.GENERATE_SUBTASKS, pacing="fast")
    assert await die(world, run_id, "save", nth, after)
    pass_time(world, leases.LEASE_MS + 1)
    run = await world.to_the_end(run_id)
    assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 10)
    assert len(world.rows("T")) == run.created == world.project().subtasks == 50
    world.check(run_id)


@pytest.mark.parametrize("after", [False, True], ids=["before-the-write", "after-the-write"])
async def test_a_worker_killed_at_the_last_write_still_ends_the_run_once(world: World, after: bool) -> None:
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    assert await die(world, run_id, "finish", 1, after)
    pass_time(world, leases.LEASE_MS + 1)
    run = await world.to_the_end(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert world.project().subtasks == 50
    assert world.tables.runs.active_by_type(world.project_id) == {}


async def test_an_item_that_kills_its_worker_each_time_fails_and_the_others_complete(world: World) -> None:
    def poison(call: int, question: Question) -> None:
        if question.material["story"]["title"] == "Story 4":
            raise Killed

    world.model = ScriptedModel(poison)
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    for hop in range(12):
        try:
            if await world.hop(run_id, f"worker-{hop}") is HopEnd.ENDED:
                break
        except Killed:
            pass_time(world, leases.LEASE_MS + 1)
    run = world.run(run_id)
    failed = [entry for entry in world.entries(run_id) if entry.status is ItemStatus.FAILED]
    assert (run.status, run.completed) == (RunStatus.PARTIAL, 9)
    assert [(entry.index, entry.error_code, entry.attempts) for entry in failed] == [(3, ErrorCode.WORKER_LOST, 3)]
    world.check(run_id)


async def test_a_second_worker_on_a_live_run_changes_nothing(world: World) -> None:
    world.model = ScriptedModel(seconds=0.1)
    # the tables answer in real time, and a busy machine may stall
    world.hop_ms = 600_000
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    ends = await asyncio.gather(*(world.hop(run_id, f"worker-{n}") for n in range(5)))
    assert ends.count(HopEnd.ENDED) == 1, ends
    assert set(ends) <= {HopEnd.ENDED, HopEnd.NOT_TAKEN, HopEnd.LEASE_LOST}
    assert len(world.rows("T")) == 50
    assert world.model.calls == 10


async def test_a_zombie_that_wakes_after_its_lease_writes_nothing(world: World) -> None:
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    before = world.run(run_id)
    zombie = leases.acquire(before, "zombie", world.clock_ms())
    world.tables.runs.save(zombie, before, Changes())
    pass_time(world, leases.LEASE_MS + 1)
    run = await world.to_the_end(run_id)
    with pytest.raises(LeaseLost):
        world.tables.runs.save(leases.renew(zombie, world.clock_ms()), zombie, Changes())
    assert world.run(run_id) == run


async def test_an_answer_that_was_lost_is_found_again_and_not_written_twice(world: World) -> None:
    store, lost = world.tables.runs, 0

    class Deaf:
        """Every third save takes effect, but its answer does not come back."""

        calls = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def save(self, run: Run, before: Run, changes: Changes) -> None:
            nonlocal lost
            store.save(run, before, changes)
            Deaf.calls += 1
            if Deaf.calls % 3 == 0:
                lost += 1
                raise Transient("the answer was lost")

    run_id = world.start(RunType.GENERATE_SUBTASKS)
    worker = world.worker()
    worker.store = Deaf()
    assert await worker.hop(run_id) is HopEnd.ENDED
    assert lost > 0
    assert len(world.rows("T")) == 50
    assert world.model.calls == 10
    world.check(run_id)


async def test_after_a_cancel_nothing_is_saved_and_no_call_begins(world: World) -> None:
    world.model = ScriptedModel(seconds=0.4)
    run_id = world.start(RunType.GENERATE_SUBTASKS, pacing="normal")
    hop = asyncio.create_task(world.hop(run_id))
    await asyncio.sleep(0.9)
    cancelled = await asyncio.to_thread(cancel, world.tables.runs, run_id, world.clock_ms)
    calls, rows = world.model.calls, len(world.rows("T"))
    assert await hop is HopEnd.LEASE_LOST
    assert cancelled.status is RunStatus.CANCELLED
    assert world.model.calls == calls
    assert len(world.rows("T")) == rows == cancelled.created == world.project().subtasks
    assert world.run(run_id) == cancelled
    with pytest.raises(RunNotActive):
        cancel(world.tables.runs, run_id, world.clock_ms)


def at_once(count: int, act: Callable[[], Any]) -> list[Any]:
    """Return the value or exception of each of `count` threads started together."""
    barrier = threading.Barrier(count)

    def one(_: int) -> Any:
        barrier.wait()
        try:
            return act()
        except Exception as error:  # noqa: BLE001  # what each caller got is the result
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture
def real_world(dynamodb_local: str) -> World:
    """DynamoDB Local serves here: moto's transactions are not atomic under concurrency."""
    world = World(make_tables(dynamodb_local))
    world.add_epics(3)
    return world


def test_of_twenty_that_start_at_once_one_run_begins(real_world: World) -> None:
    results = at_once(20, lambda: real_world.start(RunType.GENERATE_STORIES))
    begun = [result for result in results if isinstance(result, str)]
    assert len(begun) == 1
    refused = [result for result in results if isinstance(result, RunAlreadyActive | Transient)]
    assert len(refused) == 19
    assert {r.details["runId"] for r in refused if isinstance(r, RunAlreadyActive)} <= set(begun)


def test_twenty_requests_with_one_key_give_one_run(real_world: World) -> None:
    results = at_once(20, lambda: real_world.start(RunType.GENERATE_STORIES, key="monday"))
    assert len({result for result in results if isinstance(result, str)}) == 1
    assert all(isinstance(result, str | Transient) for result in results)
    assert real_world.start(RunType.GENERATE_STORIES, key="monday") == next(r for r in results if isinstance(r, str))


def test_a_key_used_with_another_body_is_refused(world: World) -> None:
    world.start(RunType.GENERATE_SUBTASKS, key="k")
    with pytest.raises(IdempotencyKeyReused):
        world.start(RunType.GENERATE_SUBTASKS, key="k", mode="detailed")


def test_a_replacing_run_is_kept_apart_from_the_runs_below_it(world: World) -> None:
    below = world.start(RunType.GENERATE_SUBTASKS)
    with pytest.raises(RunAlreadyActive) as refused:
        world.start(RunType.GENERATE_STORIES, existing_behavior="replace")
    assert refused.value.details == {"runId": below}


async def test_nothing_to_do_is_said_before_a_run_is_written(world: World) -> None:
    await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    with pytest.raises(NothingToDo):
        world.start(RunType.GENERATE_SUBTASKS)
    with pytest.raises(NothingToDo):
        world.start(RunType.ANALYZE_CARDS)


def test_ids_that_name_nothing_are_refused_by_their_place(world: World) -> None:
    good = f"{world.project_id}-E1-S1"
    with pytest.raises(Invalid) as refused:
        world.start(RunType.GENERATE_SUBTASKS, item_ids=[good, f"{world.project_id}-E1-S99", "nonsense"])
    assert [problem["field"] for problem in refused.value.details] == ["itemIds[2]"]


async def test_a_retry_does_only_what_failed_and_is_given_once(world: World) -> None:
    world.model = ScriptedModel(
        lambda call, question: DOWN if question.material["story"]["title"] == "Story 2" else None
    )
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    before = {row.sk for row in world.rows("T")}
    world.model = ScriptedModel()
    again = world.starter.retry(run.id)
    retried = await world.to_the_end(again.run_id)
    assert (run.status, retried.status, retried.total, retried.completed) == (
        RunStatus.PARTIAL,
        RunStatus.SUCCEEDED,
        1,
        1,
    )
    assert (retried.retry_of, retried.attempts) == (run.id, 2)
    assert before < {row.sk for row in world.rows("T")}
    assert len(world.rows("T")) == 50 == world.project().subtasks
    with pytest.raises(NothingToRetry):
        world.starter.retry(run.id)


def sweeper(world: World) -> Sweeper:
    return Sweeper(
        store=world.tables.runs,
        starter=world.starter,
        to_purge=list,
        purge=lambda project_id, until: True,
        now_ms=world.clock_ms,
        left_ms=lambda: 60_000,
    )


async def test_the_sweep_revives_a_run_that_was_never_triggered_and_leaves_a_live_one(world: World) -> None:
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    world.triggered.clear()
    assert sweeper(world).sweep().revived == []
    pass_time(world, leases.TRIGGER_MS + 1)
    assert run_id in sweeper(world).sweep().revived
    assert run_id in world.triggered
    run = await world.to_the_end(run_id)
    pass_time(world, leases.LEASE_MS + 1)
    assert run_id not in sweeper(world).sweep().revived
    assert run.status is RunStatus.SUCCEEDED


async def test_the_sweep_retries_what_is_due_once_and_with_growing_delays(world: World) -> None:
    world.model = ScriptedModel(lambda call, question: DOWN)
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    delays = []
    for attempts in (2, 3, 4):
        assert run.next_retry_at
        assert run.completed_at
        delays.append(run.next_retry_at - run.completed_at)
        assert sweeper(world).sweep().retried == []
        pass_time(world, delays[-1] + 1)
        (again,) = sweeper(world).sweep().retried
        run = await world.to_the_end(again)
        assert run.attempts == attempts
    assert delays == [300_000, 600_000, 1_200_000]
    assert run.next_retry_at is None
    pass_time(world, 100_000_000)
    assert sweeper(world).sweep().retried == []


async def test_a_trigger_that_fails_leaves_the_run_queued_with_the_reason(world: World) -> None:
    def down(run_id: str) -> None:
        raise Transient("Lambda: TooManyRequestsException")

    starter = replace(world.starter, invoke=down)
    started = starter.start(world.project_id, RunRequest(type=RunType.GENERATE_SUBTASKS))
    run = world.run(started.run_id)
    assert run.status is RunStatus.QUEUED
    assert "TooManyRequestsException" in run.phase_detail


async def test_a_child_made_by_hand_while_the_run_works_costs_nobody_a_code(world: World) -> None:
    path = Path(Kind.SUBTASK, world.project_id, (1, 3, 1))
    by_hand = Subtask(
        id=str(path),
        story_id=str(path.parent),
        project_id=world.project_id,
        code="ST1",
        title="By hand",
        created_at="2026-01-01T00:00:00.000Z",
    )

    def meanwhile(call: int, question: Question) -> None:
        if call == 1:
            row_of(by_hand).save()

    world.model = ScriptedModel(meanwhile)
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    codes = [row.entity().code for row in world.rows("T") if row.sk.startswith("T#000001#000003#")]
    assert codes == ["ST1", "ST2", "ST3", "ST4", "ST5", "ST6"]
    assert (run.status, len(world.rows("T"))) == (RunStatus.SUCCEEDED, 51)
