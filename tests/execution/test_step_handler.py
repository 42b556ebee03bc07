"""Steps of the function with scripted workers: stopped, lost, replaced, faulty."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from groundwork.backlog.model import Effort
from groundwork.errors import NotFound, Transient
from groundwork.execution import commands
from groundwork.execution.claims import LEASE_MS
from groundwork.execution.commands import Actor
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.state import ExecutionState, TaskUsage
from groundwork.execution.step_handler import STAGGER_S, PlanNotEnded, StepHandler
from groundwork.execution.worker import Assignment, Completed, Failed, Suspended, TaskOutcome, TurnReport, WorkerContext
from groundwork.llm.port import Usage
from groundwork.plans.estimate import TaskMeasurements
from groundwork.plans.model import Plan, PlanStatus, TaskStatus
from groundwork.plans.repositories import Repository
from tests.fakes.executions import MemoryExecutions, MemoryMachine
from tests.plans.plans import NOW, draft, id_of, phase, plan_of

type Script = Callable[[Assignment, WorkerContext], Awaitable[TaskOutcome]]


@dataclass
class Scripted:
    """The port `TaskWorker`; records its assignments."""

    script: Script
    asked: list[Assignment] = field(default_factory=list)

    async def run_task(self, assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        self.asked.append(assignment)
        return await self.script(assignment, watch)


async def succeeds(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
    await watch.report_turn(
        TurnReport(1, ("edit",), ("a.py",), "Edits", TaskUsage(input=100, calls=1, cost_micro_usd=5))
    )
    return Completed("sha", summary=f"Did {assignment.task.key}", files=("a.py",))


async def fails(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
    return Failed(f"Attempt {assignment.attempt} did not compile.")


class World:
    """Plan under execution; `now` is its clock."""

    def __init__(self, plan: Plan, script: Script = succeeds) -> None:
        self.plan, self.now = plan, 1_000
        self.store, self.machine = MemoryExecutions(), MemoryMachine()
        self.store.add(plan)
        self.worker = Scripted(script)
        self.record_measurement: list[tuple[str, Effort, TaskMeasurements]] = []
        self.change(lambda execution_state: commands.execute(execution_state, Actor("somebody", 1_000)))

    @property
    def coordinator(self) -> ExecutionCoordinator:
        return ExecutionCoordinator(self.store, self.machine, lambda: self.now, sleep=lambda seconds: None)

    @property
    def handler(self) -> StepHandler:
        return StepHandler(
            store=self.store,
            coordinator=self.coordinator,
            worker=self.worker,
            repository=repository,
            now_ms=lambda: self.now,
            left_ms=lambda: 900_000,
            poll_s=0.01,
            record_measurement=lambda *taken: self.record_measurement.append(taken),
        )

    @property
    def execution_state(self) -> ExecutionState:
        return self.store.read(self.plan.id)

    def change(self, act: Callable[[ExecutionState], ExecutionState]) -> None:
        self.coordinator.change(self.plan.id, act)

    def gate(self, key: str, token: str, number: int = 1) -> str | None:
        """Immediate answer at the gate; "waits" without one."""
        self.handler.wait_at_gate(self.plan.id, number, id_of(self.plan, key), token)
        return self.machine.opened.get(token, "waits")

    async def work(self, key: str, number: int = 1, attempt_key: str = "") -> dict[str, Any]:
        return await self.handler.run_task(self.plan.id, number, id_of(self.plan, key), attempt_key)

    def status(self, key: str) -> TaskStatus:
        return self.execution_state.of(id_of(self.plan, key)).status


def repository(id_: str) -> Repository:
    return Repository(id=id_, name="R", url="https://example.com/r.git", created_at=NOW)


def chain(script: Script = succeeds) -> World:
    return World(plan_of(phase("One", draft("a"), draft("b", "a"))), script)


async def test_a_worker_is_told_what_was_done_before_and_what_went_wrong() -> None:
    world = chain()
    assert world.gate("a", "one") == "WORK"
    assert (await world.work("a"))["next"] == "DONE"
    world.worker.script = fails
    assert world.gate("b", "two") == "WORK"
    assert (await world.work("b"))["next"] == "WORK"
    await world.work("b")
    asked = world.worker.asked[-1]
    assert (asked.attempt, [one.reason for one in asked.failed]) == (2, ["Attempt 1 did not compile."])
    assert [(one.task.key, one.summary, one.commit_sha) for one in asked.dependencies] == [("a", "Did a", "sha")]
    assert asked.branch == f"groundwork/{world.plan.id}"


async def test_what_a_task_has_taken_is_measured_once_it_is_done() -> None:
    world = chain()
    world.gate("a", "one")
    await world.work("a")
    await world.work("a")
    ((id_, effort, taken),) = world.record_measurement
    assert (id_, effort, taken.tasks, taken.usage) == (world.plan.repository_id, "M", 1, Usage(input=100, calls=1))


async def test_a_cancel_stops_the_worker_and_counts_nothing_of_it() -> None:
    async def until_stopped(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        world.change(lambda execution_state: commands.cancel(execution_state, Actor("somebody", 1_000)))
        await asyncio.wait_for(watch.stop.wait(), 60)
        assert not await watch.claim_is_valid()
        return Completed("sha")

    world = chain(until_stopped)
    world.gate("a", "one")
    assert (await world.work("a"))["next"] == "DONE"
    assert (world.status("a"), world.execution_state.status) == (TaskStatus.CANCELLED, PlanStatus.CANCELLED)
    assert world.gate("b", "two") is None


async def test_a_second_invocation_waits_for_the_first_and_takes_over_once_it_is_lost() -> None:
    async def lost(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        raise KeyboardInterrupt

    world = chain(lost)
    world.gate("a", "one")
    with pytest.raises(KeyboardInterrupt):
        await world.work("a")
    again = await world.work("a")
    assert again["next"] == "LATER"
    assert 0 < again["waitSeconds"] <= LEASE_MS / 1000
    world.now += LEASE_MS + 1
    world.worker.script = succeeds
    assert (await world.work("a"))["next"] == "DONE"
    assert [asked.attempt for asked in world.worker.asked] == [1, 1]


async def test_of_two_workers_the_one_that_was_replaced_changes_nothing() -> None:
    async def replaced(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        world.now += LEASE_MS + 1
        world.worker.script = succeeds
        await world.work("a")
        await asyncio.wait_for(watch.stop.wait(), 60)
        return Completed("another", files=("b.py",))

    world = chain(replaced)
    world.gate("a", "one")
    assert (await world.work("a"))["next"] == "DONE"
    state = world.execution_state.of(id_of(world.plan, "a"))
    assert (state.commit_sha, state.files, state.status) == ("sha", ("a.py",), TaskStatus.COMPLETED)


async def test_a_fault_of_others_uses_up_no_attempt() -> None:
    async def troubled(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        raise Transient("DynamoDB")

    world = chain(troubled)
    world.gate("a", "one")
    for _ in range(5):
        assert (await world.work("a"))["next"] == "LATER"
    assert world.execution_state.of(id_of(world.plan, "a")).attempts == 1


async def test_a_task_whose_repository_is_gone_asks_a_person_at_once() -> None:
    async def gone(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        raise NotFound.of("repository", "r")

    world = chain(gone)
    world.gate("a", "one")
    assert (await world.work("a"))["next"] == "GATE"
    assert (world.status("a"), world.execution_state.status) == (TaskStatus.FAILED, PlanStatus.PAUSED)
    assert world.execution_state.of(id_of(world.plan, "a")).error_msg == "There is no repository 'r'."


async def lost(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
    raise KeyboardInterrupt


async def test_tried_again_after_its_last_invocation_failed_it_waits_for_no_lease() -> None:
    world = chain(lost)
    world.gate("a", "one")
    with pytest.raises(KeyboardInterrupt):
        await world.work("a", attempt_key="12:00 000")
    world.worker.script = succeeds
    assert (await world.work("a", attempt_key="12:00 001"))["next"] == "DONE"
    assert [asked.attempt for asked in world.worker.asked] == [1, 1]


@pytest.mark.parametrize("attempt_key", ["", "12:00 001", "12:00 000", "12:05 000", "12:05 002"])
async def test_a_worker_that_is_not_known_to_be_gone_is_waited_for(attempt_key: str) -> None:
    world = chain(lost)
    world.gate("a", "one")
    with pytest.raises(KeyboardInterrupt):
        await world.work("a", attempt_key="12:00 001")
    # such as a second invocation of the same try, or a late one of an earlier try
    assert (await world.work("a", attempt_key=attempt_key))["next"] == "LATER"


async def test_of_a_worker_that_was_wrongly_thought_gone_nothing_is_kept() -> None:
    async def replaced(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        world.worker.script = succeeds
        await world.work("a", attempt_key="12:00 001")
        assert not await watch.claim_is_valid()
        await asyncio.wait_for(watch.stop.wait(), 60)
        return Completed("another", files=("b.py",))

    world = chain(replaced)
    world.gate("a", "one")
    assert (await world.work("a", attempt_key="12:00 000"))["next"] == "DONE"
    assert world.execution_state.of(id_of(world.plan, "a")).commit_sha == "sha"


async def test_what_kills_its_worker_each_time_uses_up_its_attempts_however_soon_it_is_tried_again() -> None:
    world = chain(lost)
    world.gate("a", "one")
    for number in range(3 * 3):
        with pytest.raises(KeyboardInterrupt):
            await world.work("a", attempt_key=f"12:00 {number:03d}")
    assert (await world.work("a", attempt_key="12:00 009"))["next"] == "GATE"
    assert world.status("a") is TaskStatus.FAILED


def test_a_plan_whose_execution_has_ended_unheard_is_found_by_the_sweep() -> None:
    world = chain()
    world.gate("a", "one")
    world.coordinator.sweep(10**15, lambda: False)
    assert world.execution_state.status is PlanStatus.RUNNING
    world.machine.ended.append((world.plan.id, 1))
    world.coordinator.sweep(10**15, lambda: False)
    assert (world.execution_state.status, world.status("a")) == (PlanStatus.FAILED, TaskStatus.PENDING)
    world.change(lambda execution_state: commands.resume(execution_state, Actor("somebody", 1_000)))
    world.coordinator.sweep(10**15, lambda: False)
    assert (world.execution_state.status, world.execution_state.execution.number) == (PlanStatus.RUNNING, 2)


@pytest.mark.parametrize("mode", ["sequential", "manual", "parallel"])
def test_child_executions_may_begin_in_any_order(mode: str) -> None:
    world = World(plan_of(phase("One", *(draft(f"t{n}") for n in range(45)), mode=mode)))
    told = world.handler.list_tasks(world.plan.id, 1, world.plan.phases[0].id)
    assert (told["large"], told["width"]) == (True, 45)


def test_the_phases_of_a_large_plan_are_child_executions_however_small() -> None:
    world = World(plan_of(*(phase(f"P{m}", *(draft(f"p{m}t{n}") for n in range(10))) for m in range(11))))
    assert world.handler.list_tasks(world.plan.id, 1, world.plan.phases[0].id)["large"]


async def test_a_task_goes_on_in_the_next_invocation_as_the_same_attempt() -> None:
    async def held(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        return Suspended()

    world = chain(held)
    world.gate("a", "one")
    for _ in range(4):
        assert (await world.work("a"))["next"] == "WORK"
    assert {asked.attempt for asked in world.worker.asked} == {1}


async def test_a_pause_between_two_invocations_leads_back_to_the_gate() -> None:
    async def paused(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        world.change(lambda execution_state: commands.pause(execution_state, Actor("somebody", 1_000)))
        return Suspended()

    world = chain(paused)
    world.gate("a", "one")
    assert (await world.work("a"))["next"] == "GATE"
    assert world.execution_state.status is PlanStatus.PAUSED
    assert world.gate("a", "two") == "waits"
    world.change(lambda execution_state: commands.resume(execution_state, Actor("somebody", 1_000)))
    assert world.machine.opened["two"] == "WORK"
    world.worker.script = succeeds
    assert (await world.work("a"))["next"] == "DONE"
    assert world.worker.asked[-1].attempt == 1


async def test_the_same_token_and_the_same_gate_twice_change_nothing() -> None:
    world = chain()
    assert [world.gate("a", "one") for _ in range(3)] == ["WORK", "WORK", "WORK"]
    assert world.gate("a", "another") == "WORK"
    await world.work("a")
    assert world.gate("a", "third") == "DONE"
    assert world.execution_state.of(id_of(world.plan, "a")).attempts == 1


def test_an_execution_that_ends_early_leaves_its_plan_failed_and_another_takes_over() -> None:
    world = chain()
    with pytest.raises(PlanNotEnded):
        world.handler.end(world.plan.id, 1)
    assert world.handler.fail(world.plan.id, 1, "PlanNotEnded") == {"failed": True}
    assert (world.execution_state.status, world.execution_state.execution.reason) == (PlanStatus.FAILED, "PlanNotEnded")
    world.change(lambda execution_state: commands.resume(execution_state, Actor("somebody", 1_000)))
    assert world.machine.started == [(world.plan.id, 1), (world.plan.id, 2)]
    assert world.handler.fail(world.plan.id, 1, "late") == {"failed": False}
    assert world.execution_state.status is PlanStatus.RUNNING
    assert world.gate("a", "old", number=1) is None
    assert world.gate("a", "new", number=2) == "WORK"


def test_an_execution_whose_end_nobody_has_told_is_found_by_the_sweep() -> None:
    world = chain()
    world.coordinator.sweep(10**15, lambda: False)
    assert world.execution_state.status.executing
    world.machine.ended.append((world.plan.id, 1))
    world.coordinator.sweep(10**15, lambda: False)
    assert world.execution_state.status is PlanStatus.FAILED
    world.change(lambda execution_state: commands.resume(execution_state, Actor("somebody", 1_000)))
    world.coordinator.sweep(10**15, lambda: False)
    assert (world.execution_state.status, world.execution_state.execution.number) == (PlanStatus.RUNNING, 2)


class Deaf(MemoryMachine):
    """Fails to close a gate once for each fault."""

    def __init__(self, faults: list[Exception]) -> None:
        super().__init__()
        self.faults = faults

    def close_gate(self, token: str) -> None:
        if self.faults:
            raise self.faults.pop()
        super().close_gate(token)


def test_another_execution_begins_once_the_gates_of_the_last_are_closed() -> None:
    faults: list[Exception] = []
    world = chain()
    world.machine = Deaf(faults)
    world.gate("b", "waits")
    faults.append(Transient("Step Functions"))
    world.handler.fail(world.plan.id, 1, "gone")
    world.change(lambda execution_state: commands.resume(execution_state, Actor("somebody", 1_000)))
    assert (world.machine.opened, world.machine.started) == ({}, [])
    world.coordinator.sweep(10**15, lambda: False)
    assert (world.machine.opened, world.machine.started) == ({"waits": None}, [(world.plan.id, 2)])
    assert world.execution_state.of(id_of(world.plan, "b")).gate_token is None


def test_a_plan_that_is_executed_again_closes_the_gates_of_its_last_round() -> None:
    faults: list[Exception] = [Transient("Step Functions")]
    world = chain()
    world.machine = Deaf(faults)
    world.gate("b", "waits")
    world.change(lambda execution_state: commands.cancel(execution_state, Actor("somebody", 1_000)))
    assert (world.machine.opened, faults) == ({}, [])
    world.change(lambda execution_state: commands.execute(execution_state, Actor("somebody", 1_000), again=True))
    assert (world.machine.opened, world.machine.started) == ({"waits": None}, [(world.plan.id, 2)])
    world.gate("b", "newer", number=2)
    assert world.execution_state.of(id_of(world.plan, "b")).gate_token == "newer"


async def test_an_old_execution_has_no_phases_and_no_work() -> None:
    world = chain()
    world.handler.fail(world.plan.id, 1, "gone")
    world.change(lambda execution_state: commands.resume(execution_state, Actor("somebody", 1_000)))
    assert world.handler.list_phases(world.plan.id, 1) == {"phaseIds": []}
    assert world.handler.list_tasks(world.plan.id, 1, world.plan.phases[0].id)["taskIds"] == []
    assert (await world.work("a", number=1))["next"] == "DONE"
    assert world.execution_state.of(id_of(world.plan, "a")).attempts == 0


def test_a_phase_tells_its_tasks_in_the_order_of_the_work_and_how_wide_it_is() -> None:
    tasks = [draft("z", "y"), draft("y", "x"), draft("x"), *(draft(f"t{n}") for n in range(40))]
    world = World(plan_of(phase("One", *tasks, mode="parallel"), phase("Two", draft("last"))))
    one = world.handler.list_tasks(world.plan.id, 1, world.plan.phases[0].id)
    ids = [id_of(world.plan, key) for key in ("x", "y", "z")]
    assert sorted(one["taskIds"].index(id_) for id_ in ids) == [one["taskIds"].index(id_) for id_ in ids]
    assert (one["mode"], one["large"], one["width"]) == ("parallel", True, 43)
    two = world.handler.list_tasks(world.plan.id, 1, world.plan.phases[1].id)
    assert (two["mode"], two["large"], two["width"]) == ("sequential", False, 1)


def test_what_could_not_be_told_is_told_by_the_next_sweep_and_not_for_ever() -> None:
    class Deaf(MemoryMachine):
        def open_gate(self, token: str, answer: str) -> None:
            heard.append(token)
            if len(heard) == 1:
                raise Transient("Step Functions")

    heard: list[str] = []
    world = chain()
    world.machine = Deaf()
    a = id_of(world.plan, "a")
    world.store.save_pending_token(world.plan.id, a, 1, "one")
    world.change(lambda execution_state: commands.skip(execution_state, a, Actor("somebody", 1_000), "run"))
    assert heard == ["one"]
    for _ in range(3):
        world.coordinator.sweep(10**15, lambda: False)
    assert heard == ["one", "one"]


def test_a_sweep_that_could_not_tell_a_plan_that_is_over_leaves_it_to_the_next() -> None:
    class Deaf(MemoryMachine):
        def close_gate(self, token: str) -> None:
            if faults:
                raise faults.pop()
            super().close_gate(token)

    faults: list[Exception] = [Transient("Step Functions"), Transient("Step Functions")]
    world = chain()
    world.machine = Deaf()
    world.gate("b", "waits")
    world.change(lambda execution_state: commands.cancel(execution_state, Actor("somebody", 1_000)))
    for _ in range(2):
        assert world.machine.opened == {}
        world.coordinator.sweep(10**15, lambda: False)
    assert world.machine.opened == {"waits": None}
    # after this no notification is left
    world.coordinator.sweep(10**15, lambda: False)
    assert world.store.silent == {world.plan.id}


async def test_the_worker_that_finds_an_attempt_lost_begins_the_next_one_itself() -> None:
    async def lost(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        raise KeyboardInterrupt

    world = chain(lost)
    world.gate("a", "one")
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            await world.work("a")
        world.now += LEASE_MS + 1
    world.worker.script = succeeds
    assert (await world.work("a"))["next"] == "DONE"
    assert [asked.attempt for asked in world.worker.asked] == [1, 1, 1, 2]
    assert world.worker.asked[-1].failed[0].reason == "The worker was lost 3 times during this attempt."


async def test_tasks_that_begin_together_are_told_to_spread_and_one_alone_is_not() -> None:
    told: dict[str, float] = {}

    async def listens(assignment: Assignment, watch: WorkerContext) -> TaskOutcome:
        told[assignment.task.key] = assignment.stagger_s
        return Suspended()

    keys = [f"t{number}" for number in range(9)]
    phases = (phase("One", *(draft(key) for key in keys), mode="parallel"), phase("Two", draft("last")))
    world = World(plan_of(*phases, max_parallel=9), listens)
    world.gate("t0", "token t0")
    await world.work("t0")
    assert told == {"t0": 0.0}
    world.now += 60_000
    for key in keys[1:]:
        world.gate(key, f"token {key}")
    for key in keys:
        await world.work(key)
    assert told["t0"] == 0.0
    assert {told[key] for key in keys[1:]} == {7 * STAGGER_S}
