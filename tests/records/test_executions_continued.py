"""Executions of 29c4d3d continue with today's code on real tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.agent.commit_message import TASK, trailers
from groundwork.execution import commands
from groundwork.execution.agent_worker import AgentWorker
from groundwork.execution.commands import Actor
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.git_reverter import GitReverter
from groundwork.execution.rollback_runner import RollbackRunner
from groundwork.execution.schedule import fire
from groundwork.execution.state import ExecutionState
from groundwork.execution.step_handler import StepHandler
from groundwork.llm.mock.model import MockModel
from groundwork.llm.prices import cost_micro_usd
from groundwork.plans.model import PlanStatus, TaskStatus
from groundwork.plans.repositories import Repository
from tests.agent.world import MODEL
from tests.fakes.executions import MemoryMachine
from tests.fakes.upstream import FakeServer, FakeUpstream
from tests.records.loading import load
from tests.records.recorded import moment_of, recorded
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.tables import make_tables, settings_at

EXECUTIONS = recorded("executions")
ON_MOTO = {"29c4d3d running", "29c4d3d patching", "29c4d3d awaiting"}
PLAN = "plsjmvmbtfd2"
SINCE = 1_800_000_000_000
"""A year after the recorded writes: all leases of 29c4d3d have expired."""


@dataclass
class Going:
    """Stands in for the state machine and a user.

    It follows `statemachines/plan.asl.json`. The user answers waiting gates.
    """

    tables: Tables
    servers: dict[str, FakeServer]
    machine: MemoryMachine = field(default_factory=MemoryMachine)
    now: int = SINCE
    tokens: int = 0

    @contextmanager
    def opened(self, repository: Repository, folder: Path) -> Iterator[FakeUpstream]:
        yield FakeUpstream(self.servers[repository.id])

    @property
    def execution_state(self) -> ExecutionState:
        return self.tables.executions.read(PLAN)

    def coordinator(self, who: str | None = None) -> ExecutionCoordinator:
        return ExecutionCoordinator(
            self.tables.executions, self.machine, lambda: self.now, who, sleep=lambda seconds: None
        )

    def carrier(self) -> StepHandler:
        model = lambda model_id, effort: MockModel(MODEL, latency_ms=0)  # noqa: E731
        return StepHandler(
            store=self.tables.executions,
            coordinator=self.coordinator(),
            worker=AgentWorker(self.opened, model, cost_micro_usd, self.tables.sessions),
            repository=self.tables.repositories.get,
            now_ms=lambda: self.now,
            left_ms=lambda: 900_000,
            record_measurement=self.tables.measures.add,
        )

    def ask(self, act: Any, *more: Any) -> ExecutionState:
        asked = Actor("somebody", self.now)

        def changed(execution_state: ExecutionState) -> ExecutionState:
            return cast(ExecutionState, act(execution_state, *more, asked))

        return self.coordinator("somebody").change(PLAN, changed)

    def undo(self) -> str:
        reverter = GitReverter(self.opened, self.tables.sessions)
        store, repository = self.tables.executions, self.tables.repositories.get
        return RollbackRunner(store, self.coordinator(), reverter, repository, lambda: self.now).run(PLAN)

    async def to_the_end(self) -> None:
        for _ in range(12):
            execution_state = self.execution_state
            if execution_state.execution.rolling_back:
                assert self.undo() == "DONE"
            elif execution_state.status is PlanStatus.COMPLETED:
                return
            elif execution_state.status in (PlanStatus.RUNNING, PlanStatus.PAUSING):
                await self.execution(execution_state.execution.number)
            else:
                self.resumed(execution_state)
        raise AssertionError(f"{self.execution_state.status} {self.execution_state.execution}")

    def resumed(self, execution_state: ExecutionState) -> None:
        for task_id in execution_state.failed:
            self.ask(commands.retry, task_id)
        if execution_state.status in (PlanStatus.DRAFT, PlanStatus.READY):
            self.ask(commands.execute)
        elif self.execution_state.status in (PlanStatus.PAUSED, PlanStatus.FAILED):
            self.ask(commands.resume)

    async def execution(self, number: int) -> None:
        carrier = self.carrier()
        for phase_id in carrier.list_phases(PLAN, number)["phaseIds"]:
            for task_id in carrier.list_tasks(PLAN, number, phase_id)["taskIds"]:
                if not await self.task(number, task_id):
                    return

    async def task(self, number: int, task_id: str) -> bool:
        """Run a task through its gate; False if the gate stays closed and the execution waits."""
        next_ = "GATE"
        while next_ != "DONE":
            if next_ == "GATE":
                answer = self.at_gate(number, task_id)
                if answer is None:
                    return False
                next_ = answer
                continue
            worked = await self.carrier().run_task(PLAN, number, task_id)
            next_, self.now = worked["next"], self.now + worked["waitSeconds"] * 1_000
        return True

    def at_gate(self, number: int, task_id: str) -> str | None:
        self.tokens += 1
        token = f"token {self.tokens}"
        # later than any try recorded in the rows
        self.carrier().wait_at_gate(PLAN, number, task_id, token, f"99999999.{self.tokens:03d} 000")
        if self.execution_state.of(task_id).status is TaskStatus.AWAITING_APPROVAL:
            self.ask(commands.approve, task_id)
        return self.machine.opened.get(token)


@pytest.fixture
def going(request: pytest.FixtureRequest) -> Iterator[Going]:
    """Use moto for some records, the faster in-memory DynamoDB of the simulator for the others."""
    moment, database = moment_of(EXECUTIONS[request.param]), Database()
    if request.param in ON_MOTO:
        endpoint = request.getfixturevalue("moto_server")
        tables = make_tables(endpoint)
        load(endpoint, moment["rows"])
        yield going_on(tables, moment)
        return
    with in_place_of_aws(database.carry_out):
        database.load(moment["rows"])
        yield going_on(open_tables(settings_at("backlog", "runs")), moment)


def going_on(tables: Tables, moment: Any) -> Going:
    servers = {id_: FakeServer.recorded(git["branches"], git["commits"]) for id_, git in moment["git"].items()}
    return Going(tables, servers)


def named(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("going", [f"29c4d3d {name}"], indirect=True)


@pytest.mark.parametrize("going", EXECUTIONS, indirect=True)
async def test_a_plan_goes_on_to_its_end(going: Going) -> None:
    before = going.execution_state
    before_done = {id_ for id_, state in before.states.items() if state.status is TaskStatus.COMPLETED}
    shas = {id_: before.of(id_).commit_sha for id_ in before_done}
    await going.to_the_end()
    after = going.execution_state
    assert going.tables.executions.free_slots() == going.tables.executions.limit
    assert going.tables.executions.events(PLAN)
    if before.execution.rolling_back:
        assert not [id_ for id_, state in after.states.items() if state.status is TaskStatus.COMPLETED]
        return
    assert {after.of(task.id).status for task in after.plan.tasks} == {TaskStatus.COMPLETED}
    assert {id_: after.of(id_).commit_sha for id_ in before_done} == shas
    if after.plan.auto_commit:
        server = going.servers[after.plan.repository_id]
        landed = [trailers(commit.text).get(TASK) for commit in server.history(after.branch)]
        assert {task.id for task in after.plan.tasks} <= set(landed)


@named("running")
async def test_a_session_in_the_middle_is_taken_up_where_it_was(going: Going) -> None:
    (task_id,) = going.execution_state.running
    state = going.execution_state.of(task_id)
    kept = going.tables.sessions.load(task_id, state.attempts)
    assert kept is not None
    assert kept.turns > 0
    await going.to_the_end()
    ended = going.tables.sessions.load(task_id, state.attempts)
    assert ended is not None
    assert ended.messages[: len(kept.messages)] == kept.messages
    assert going.execution_state.of(task_id).attempts == state.attempts


@named("patching")
async def test_patches_of_before_lie_under_those_of_today(going: Going) -> None:
    done = [id_ for id_, state in going.execution_state.states.items() if state.status is TaskStatus.COMPLETED]
    before = {id_: going.tables.sessions.newest_patch(id_) for id_ in done}
    await going.to_the_end()
    assert {id_: going.tables.sessions.newest_patch(id_) for id_ in done} == before
    later = [task.id for task in going.execution_state.plan.tasks if task.id not in done]
    under = [patch.base_patches for id_ in later if (patch := going.tables.sessions.newest_patch(id_))]
    assert under
    assert all({one.task_id for one in patches} >= set(done) for patches in under)


@named("rolling-back")
def test_a_rollback_is_finished(going: Going) -> None:
    assert going.undo() == "DONE"
    rollback = going.execution_state.execution.rollback
    assert rollback is not None
    assert rollback.status == "DONE"
    assert not [id_ for id_, state in going.execution_state.states.items() if state.status is TaskStatus.COMPLETED]


@named("failed")
async def test_a_failed_task_is_tried_again_and_knows_why_it_failed(going: Going) -> None:
    (task_id,) = going.execution_state.failed
    state = going.execution_state.of(task_id)
    assert len(state.failed) == state.attempts == 3
    await going.to_the_end()
    kept = going.tables.sessions.load(task_id, 4)
    assert kept is not None
    assert [one.reason for one in kept.brief.earlier] == [one.reason for one in state.failed]


@named("scheduled")
def test_a_schedule_fires_with_the_payload_that_was_given_to_eventbridge(going: Going) -> None:
    timing = going.execution_state.execution.schedule
    assert timing is not None
    asked = Actor("schedule", going.now)
    going.coordinator("schedule").change(
        PLAN, lambda execution_state: fire(execution_state, timing.expression, "2027-01-15T08:00:00Z", asked)
    )
    assert going.execution_state.status is PlanStatus.RUNNING
    assert going.machine.started == [(PLAN, 1)]
