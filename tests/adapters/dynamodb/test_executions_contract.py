"""Contract of the stores of executions: the fake, moto and DynamoDB Local."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import NotFound, WriteConflict
from groundwork.execution import attempt_result, claims, commands
from groundwork.execution.commands import Actor
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.ports import Event, Executions
from groundwork.execution.reconcile import reconcile
from groundwork.execution.state import ExecutionState, TaskUsage
from groundwork.execution.worker import Completed, Failed, TurnReport
from groundwork.ids import Kind, Path, new_plan_id, new_repository_id
from groundwork.plans.draft import PhaseDraft, add_phases
from groundwork.plans.history import Iteration, IterationKind
from groundwork.plans.model import Plan, PlanStatus, TaskStatus
from groundwork.plans.repositories import Repository
from tests.fakes.executions import MemoryExecutions, MemoryMachine
from tests.plans.plans import NOW, draft, id_of, phase
from tests.tables import make_tables

ASKED = Actor("somebody", 1_000)
ROOM = 3


@dataclass
class Place:
    store: Executions
    add: Callable[[Plan], None]
    repository_id: str

    def plan(self, *phases: PhaseDraft) -> Plan:
        bare = Plan(id=new_plan_id(), repository_id=self.repository_id, title="A plan", created_at=NOW, updated_at=NOW)
        plan = add_phases(bare, phases).changed(version=1)
        self.add(plan)
        return plan

    def executed(self, *phases: PhaseDraft) -> ExecutionState:
        plan = self.plan(*phases)
        before = self.store.read(plan.id)
        self.write(before, commands.execute(before, ASKED))
        return self.store.read(plan.id)

    def write(self, before: ExecutionState, after: ExecutionState) -> None:
        after = reconcile(after, 1_000, self.store.free_slots()).execution_state
        self.store.commit(before, after.with_execution(seq=before.execution.seq + 1), (Event(1_000, "changed"),))

    def change(self, plan_id: str, act: Callable[[ExecutionState], ExecutionState]) -> ExecutionState:
        return ExecutionCoordinator(self.store, MemoryMachine(), lambda: 1_000).change(plan_id, act)


def in_memory() -> Place:
    store = MemoryExecutions(limit=ROOM)
    return Place(store, store.add, new_repository_id())


def on_dynamo(tables: Tables) -> Place:
    repository = Repository(id=new_repository_id(), name="R", url="https://example.com/r.git", created_at=NOW)
    tables.repositories.create(repository)
    tables.executions.limit = ROOM

    def add(plan: Plan) -> None:
        about = {"who": "a test", "summary": "Something", "kind": IterationKind.CREATED, "created_at": NOW}
        number = str(Path(Kind.ITERATION, plan.id, (1,)))
        made = Iteration.model_validate(
            about | {"id": number, "plan_id": plan.id, "number": 1, "from_version": 0, "version": 1}
        )
        tables.plans.create(plan, made)

    return Place(tables.executions, add, repository.id)


@pytest.fixture(params=["fake", "simulated_tables", "moto_server", "dynamodb_local"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "fake":
        return in_memory()
    found = request.getfixturevalue(request.param)
    return on_dynamo(found if isinstance(found, Tables) else make_tables(found))


def chain(number: int = 3) -> PhaseDraft:
    return phase("One", *(draft(f"t{n}", *([f"t{n - 1}"] if n else [])) for n in range(number)), mode="parallel")


def wide(number: int) -> PhaseDraft:
    return phase("One", *(draft(f"t{n}") for n in range(number)), mode="parallel")


def test_a_plan_that_was_never_carried_out_stands_at_its_beginning(place: Place) -> None:
    execution_state = place.store.read(place.plan(chain()).id)
    assert (execution_state.status, execution_state.execution.seq, execution_state.states) == (PlanStatus.DRAFT, 0, {})


def test_what_is_no_plan_is_not_found(place: Place) -> None:
    with pytest.raises(NotFound):
        place.store.read("plk3v9x2m4q8")


def test_a_change_comes_back_as_it_was_written(place: Place) -> None:
    execution_state = place.executed(wide(3))
    assert execution_state.status is PlanStatus.RUNNING
    assert (execution_state.execution.number, execution_state.execution.round, execution_state.execution.seq) == (
        1,
        1,
        1,
    )
    first = id_of(execution_state.plan, "t0")
    failed = execution_state.with_task(
        first, status=TaskStatus.FAILED, error_msg="No.", files=("a", "b"), summary="What"
    )
    place.write(execution_state, failed)
    after = place.store.read(execution_state.plan.id)
    assert after.of(first) == failed.of(first)
    assert after.execution == failed.execution.changed(seq=2)


def test_of_two_changes_of_the_same_standing_one_is_made(place: Place) -> None:
    execution_state = place.executed(chain())
    place.write(execution_state, commands.pause(execution_state, ASKED))
    with pytest.raises(WriteConflict):
        place.write(execution_state, commands.cancel(execution_state, ASKED))
    assert place.store.read(execution_state.plan.id).status is PlanStatus.PAUSED


def test_a_knock_is_kept_whatever_is_written_meanwhile(place: Place) -> None:
    execution_state = place.executed(chain())
    first, second, _ = (task.id for task in execution_state.plan.tasks)
    place.store.save_pending_token(execution_state.plan.id, first, 1, "token")
    place.write(execution_state, execution_state.with_task(first, note="by somebody who has not seen it"))
    heard = place.store.read(execution_state.plan.id)
    assert (heard.of(first).pending_token, heard.of(first).note) == ("token", "by somebody who has not seen it")
    place.store.save_pending_token(execution_state.plan.id, second, 1, "other")
    after = place.change(execution_state.plan.id, lambda execution_state: execution_state)
    assert after.of(first).status is TaskStatus.RUNNING
    assert place.store.read(execution_state.plan.id).of(second).status is TaskStatus.WAITING


def test_a_knock_that_comes_while_another_is_heard_is_not_lost(place: Place) -> None:
    execution_state = place.executed(chain())
    first = id_of(execution_state.plan, "t0")
    place.store.save_pending_token(execution_state.plan.id, first, 1, "token")
    before = place.store.read(execution_state.plan.id)
    place.store.save_pending_token(execution_state.plan.id, first, 1, "newer")
    with pytest.raises(WriteConflict):
        place.write(before, before)
    assert (
        place.change(execution_state.plan.id, lambda execution_state: execution_state).of(first).gate_token == "newer"
    )


def test_a_knock_that_comes_late_takes_no_later_ones_place(place: Place) -> None:
    execution_state = place.executed(chain())
    plan_id, first = execution_state.plan.id, id_of(execution_state.plan, "t0")
    tries = [(1, "2026-11-21T09:00:02Z 000"), (1, "2026-11-21T09:00:02Z 001"), (2, "2026-11-21T09:00:00Z 000")]
    for number, attempt_key in tries:
        place.store.save_pending_token(plan_id, first, number, f"token {number} {attempt_key}", attempt_key)
        for earlier in tries[: tries.index((number, attempt_key))]:
            place.store.save_pending_token(plan_id, first, earlier[0], "late", earlier[1])
        assert place.store.read(plan_id).of(first).pending_token == f"token {number} {attempt_key}"
    place.change(plan_id, lambda execution_state: execution_state)
    place.store.save_pending_token(plan_id, first, 1, "late", "2026-11-21T09:00:02Z 001")
    assert place.store.read(plan_id).of(first).pending_token is None


def test_a_worker_holds_its_task_until_another_claims_it(place: Place) -> None:
    execution_state = place.executed(chain())
    plan_id, first = execution_state.plan.id, id_of(execution_state.plan, "t0")
    place.store.save_pending_token(plan_id, first, 1, "token")
    place.change(
        plan_id, lambda execution_state: claims.claim_task(settle(execution_state), first, 1_000).execution_state
    )
    held = place.store.read(plan_id).of(first)
    assert place.store.claim_is_valid(plan_id, first, held.epoch)
    assert place.store.renew_lease(plan_id, first, held.epoch, 5_000)
    assert place.store.read(plan_id).of(first).lease_until == 5_000
    place.change(plan_id, lambda execution_state: claims.claim_task(execution_state, first, 6_000).execution_state)
    assert not place.store.claim_is_valid(plan_id, first, held.epoch)
    assert not place.store.renew_lease(plan_id, first, held.epoch, 9_000)
    place.change(plan_id, lambda execution_state: commands.cancel(execution_state, ASKED))
    assert not place.store.claim_is_valid(plan_id, first, held.epoch + 1)


def test_what_a_turn_has_cost_is_added_up_beside_all_else(place: Place) -> None:
    execution_state = place.executed(chain())
    plan_id, first = execution_state.plan.id, id_of(execution_state.plan, "t0")
    spent = TaskUsage(input=10, output=2, calls=1, cost_micro_usd=7)
    for number in (1, 2):
        place.store.record_turn(plan_id, first, TurnReport(number, ("read",), ("a.py",), "Looks", spent), 1_000)
    place.change(plan_id, lambda execution_state: execution_state.with_task(first, note="meanwhile"))
    state = place.store.read(plan_id).of(first)
    assert (state.usage, state.turns, state.note) == (spent.plus(spent), 2, "meanwhile")


def test_a_turn_that_is_told_again_is_counted_once(place: Place) -> None:
    execution_state = place.executed(chain())
    plan_id, first = execution_state.plan.id, id_of(execution_state.plan, "t0")
    turn = TurnReport(1, ("read",), (), "Looks", TaskUsage(input=10, calls=1, cost_micro_usd=7))
    for _ in range(3):
        place.store.record_turn(plan_id, first, turn, 1_000)
    assert place.store.read(plan_id).of(first).usage == turn.usage


def test_the_rest_of_a_turn_is_told_and_not_counted_again(place: Place) -> None:
    execution_state = place.executed(chain())
    plan_id, first = execution_state.plan.id, id_of(execution_state.plan, "t0")
    spent = TaskUsage(input=10, calls=1, cost_micro_usd=7)
    place.store.record_turn(plan_id, first, TurnReport(1, ("check",), (), "Checks", spent), 1_000)
    for _ in range(2):
        place.store.record_turn(plan_id, first, TurnReport(1, message="passed", continued=True), 2_000)
    state = place.store.read(plan_id).of(first)
    assert (state.turns, state.usage) == (1, spent)


def test_no_more_tasks_begin_than_the_account_lets(place: Place) -> None:
    one, two = place.executed(wide(2)), place.executed(wide(2))
    for execution_state in (one, two):
        for task in execution_state.plan.tasks:
            place.store.save_pending_token(execution_state.plan.id, task.id, 1, f"token {task.id}")
    stale = [place.store.read(execution_state.plan.id) for execution_state in (one, two)]
    place.write(stale[0], stale[0])
    assert place.store.free_slots() == 1
    blind = reconcile(stale[1], 1_000, account_slots=100).execution_state
    with pytest.raises(WriteConflict):
        place.store.commit(stale[1], blind.with_execution(seq=stale[1].execution.seq + 1), ())
    place.change(two.plan.id, lambda execution_state: execution_state)
    assert place.store.free_slots() == 0
    assert len(place.store.read(two.plan.id).running) == 1


def test_a_plan_without_room_goes_on_as_soon_as_another_makes_some(place: Place) -> None:
    one, two = place.executed(wide(3)), place.executed(wide(1))
    for execution_state in (one, two):
        for task in execution_state.plan.tasks:
            place.store.save_pending_token(execution_state.plan.id, task.id, 1, f"token {task.id}")
        place.change(execution_state.plan.id, lambda execution_state: execution_state)
    assert not place.store.read(two.plan.id).running
    first = id_of(one.plan, "t0")
    place.change(one.plan.id, lambda execution_state: claims.claim_task(execution_state, first, 1_000).execution_state)
    place.change(
        one.plan.id,
        lambda execution_state: (
            attempt_result.record_outcome(execution_state, first, Completed("sha"), 1_000).execution_state
        ),
    )
    assert place.store.read(two.plan.id).running


def test_what_does_not_fit_into_a_transaction_is_written_in_several(place: Place) -> None:
    execution_state = place.executed(
        phase("One", draft("a"), *(draft(f"b{n}", "a") for n in range(200)), mode="parallel")
    )
    a = id_of(execution_state.plan, "a")
    after = place.change(execution_state.plan.id, lambda execution_state: commands.skip(execution_state, a, ASKED))
    assert after.status is PlanStatus.COMPLETED
    kept = place.store.read(execution_state.plan.id)
    assert {kept.of(task.id).status for task in kept.plan.tasks} == {TaskStatus.SKIPPED}


def test_a_plan_begun_anew_has_nothing_done_whatever_its_size(place: Place) -> None:
    execution_state = place.executed(wide(150))
    plan_id = execution_state.plan.id
    place.change(plan_id, lambda execution_state: commands.cancel(execution_state, ASKED))
    place.change(plan_id, lambda execution_state: commands.execute(execution_state, ASKED, again=True))
    kept = place.store.read(plan_id)
    assert (kept.status, kept.execution.round) == (PlanStatus.RUNNING, 2)
    assert {kept.of(task.id).status for task in kept.plan.tasks} == {TaskStatus.PENDING}


def test_what_was_done_before_a_plan_was_begun_anew_is_shown_no_more(dynamodb_local: str) -> None:
    tables = make_tables(dynamodb_local)
    place = on_dynamo(tables)
    plan_id = place.executed(wide(2)).plan.id
    place.change(plan_id, lambda execution_state: commands.cancel(execution_state, ASKED))
    assert {state.status for state in tables.plans.states(plan_id).values()} == {TaskStatus.CANCELLED}
    place.change(plan_id, lambda execution_state: commands.execute(execution_state, ASKED, again=True))
    assert {state.status for state in tables.plans.states(plan_id).values()} <= {TaskStatus.PENDING}


def test_many_conductors_at_once_lose_and_double_nothing(dynamodb_local: str) -> None:
    tables = make_tables(dynamodb_local)
    place = on_dynamo(tables)
    tables.executions.limit = 100
    plan_id = place.executed(wide(24)).plan.id
    machine = MemoryMachine()

    def carry(task_id: str) -> None:
        conductor = ExecutionCoordinator(tables.executions, machine, lambda: 1_000)
        conductor.register_gate(plan_id, 1, task_id, f"token {task_id}")
        while machine.opened.get(f"token {task_id}") is None:
            conductor.change(plan_id, lambda execution_state: execution_state)
        conductor.change(
            plan_id, lambda execution_state: claims.claim_task(execution_state, task_id, 1_000).execution_state
        )
        conductor.change(
            plan_id,
            lambda execution_state: (
                attempt_result.record_outcome(execution_state, task_id, Completed(None), 1_000).execution_state
            ),
        )

    tasks = [task.id for task in tables.executions.read(plan_id).plan.tasks]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(carry, tasks))
    execution_state = tables.executions.read(plan_id)
    assert execution_state.status is PlanStatus.COMPLETED
    assert {execution_state.of(id_).attempts for id_ in tasks} == {1}
    assert tables.executions.free_slots() == 100


def test_a_failed_attempt_and_its_reason_are_kept(place: Place) -> None:
    execution_state = place.executed(chain())
    plan_id, first = execution_state.plan.id, id_of(execution_state.plan, "t0")
    place.store.save_pending_token(plan_id, first, 1, "token")
    place.change(
        plan_id, lambda execution_state: claims.claim_task(settle(execution_state), first, 1_000).execution_state
    )
    place.change(
        plan_id,
        lambda execution_state: (
            attempt_result.record_outcome(execution_state, first, Failed("No."), 1_000).execution_state
        ),
    )
    state = place.store.read(plan_id).of(first)
    assert [(one.number, one.reason) for one in state.failed] == [(1, "No.")]
    assert (state.attempts, state.status, state.lease_until) == (1, TaskStatus.RUNNING, 0)


def test_a_plan_is_looked_at_until_nothing_of_it_is_left_to_be_told(place: Place) -> None:
    execution_state = place.executed(chain())
    plan_id, later = execution_state.plan.id, 10**15
    assert plan_id in place.store.needing_attention(later)
    conductor = ExecutionCoordinator(place.store, MemoryMachine(), lambda: 1_000)
    conductor.sweep(later, lambda: False)
    assert plan_id in place.store.needing_attention(later)
    stale = place.store.read(plan_id)
    place.change(plan_id, lambda execution_state: commands.cancel(execution_state, ASKED))
    place.store.mark_idle(stale)
    conductor.sweep(later, lambda: False)
    assert plan_id not in place.store.needing_attention(later)


def settle(execution_state: ExecutionState) -> ExecutionState:
    return reconcile(execution_state, 1_000, 10).execution_state
