"""What every store of plans that are carried out must do, shown on the fake, on moto and on DynamoDB Local."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import NotFound, WriteConflict
from groundwork.execution import attempts, commands
from groundwork.execution.commands import Asked
from groundwork.execution.coordinator import Conductor
from groundwork.execution.ports import Event, Executions
from groundwork.execution.reconcile import settled
from groundwork.execution.state import Spent, Standing
from groundwork.execution.worker import Done, Failed, Turn
from groundwork.ids import Kind, Path, new_plan_id, new_repository_id
from groundwork.plans.draft import PhaseDraft, with_phases
from groundwork.plans.history import Iteration, IterationKind
from groundwork.plans.model import Plan, PlanStatus, TaskStatus
from groundwork.plans.repositories import Repository
from tests.fakes.executions import MemoryExecutions, MemoryMachine
from tests.plans.plans import NOW, draft, id_of, phase
from tests.tables import make_tables

ASKED = Asked("somebody", 1_000)
ROOM = 3


@dataclass
class Place:
    store: Executions
    add: Callable[[Plan], None]
    repository_id: str

    def plan(self, *phases: PhaseDraft) -> Plan:
        bare = Plan(id=new_plan_id(), repository_id=self.repository_id, title="A plan", created_at=NOW, updated_at=NOW)
        plan = with_phases(bare, phases).changed(version=1)
        self.add(plan)
        return plan

    def executed(self, *phases: PhaseDraft) -> Standing:
        plan = self.plan(*phases)
        before = self.store.read(plan.id)
        self.write(before, commands.execute(before, ASKED))
        return self.store.read(plan.id)

    def write(self, before: Standing, after: Standing) -> None:
        after = settled(after, 1_000, self.store.room()).standing
        self.store.commit(before, after.execution_changed(seq=before.execution.seq + 1), (Event(1_000, "changed"),))

    def change(self, plan_id: str, act: Callable[[Standing], Standing]) -> Standing:
        return Conductor(self.store, MemoryMachine(), lambda: 1_000).change(plan_id, act)


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
    standing = place.store.read(place.plan(chain()).id)
    assert (standing.status, standing.execution.seq, standing.states) == (PlanStatus.DRAFT, 0, {})


def test_what_is_no_plan_is_not_found(place: Place) -> None:
    with pytest.raises(NotFound):
        place.store.read("plk3v9x2m4q8")


def test_a_change_comes_back_as_it_was_written(place: Place) -> None:
    standing = place.executed(wide(3))
    assert standing.status is PlanStatus.RUNNING
    assert (standing.execution.number, standing.execution.round, standing.execution.seq) == (1, 1, 1)
    first = id_of(standing.plan, "t0")
    failed = standing.with_task(first, status=TaskStatus.FAILED, error_msg="No.", files=("a", "b"), summary="What")
    place.write(standing, failed)
    after = place.store.read(standing.plan.id)
    assert after.of(first) == failed.of(first)
    assert after.execution == failed.execution.changed(seq=2)


def test_of_two_changes_of_the_same_standing_one_is_made(place: Place) -> None:
    standing = place.executed(chain())
    place.write(standing, commands.pause(standing, ASKED))
    with pytest.raises(WriteConflict):
        place.write(standing, commands.cancel(standing, ASKED))
    assert place.store.read(standing.plan.id).status is PlanStatus.PAUSED


def test_a_knock_is_kept_whatever_is_written_meanwhile(place: Place) -> None:
    standing = place.executed(chain())
    first, second, _ = (task.id for task in standing.plan.tasks)
    place.store.knock(standing.plan.id, first, 1, "token")
    place.write(standing, standing.with_task(first, note="by somebody who has not seen it"))
    heard = place.store.read(standing.plan.id)
    assert (heard.of(first).knock, heard.of(first).note) == ("token", "by somebody who has not seen it")
    place.store.knock(standing.plan.id, second, 1, "other")
    after = place.change(standing.plan.id, lambda standing: standing)
    assert after.of(first).status is TaskStatus.RUNNING
    assert place.store.read(standing.plan.id).of(second).status is TaskStatus.WAITING


def test_a_knock_that_comes_while_another_is_heard_is_not_lost(place: Place) -> None:
    standing = place.executed(chain())
    first = id_of(standing.plan, "t0")
    place.store.knock(standing.plan.id, first, 1, "token")
    before = place.store.read(standing.plan.id)
    place.store.knock(standing.plan.id, first, 1, "newer")
    with pytest.raises(WriteConflict):
        place.write(before, before)
    assert place.change(standing.plan.id, lambda standing: standing).of(first).token == "newer"


def test_a_knock_that_comes_late_takes_no_later_ones_place(place: Place) -> None:
    standing = place.executed(chain())
    plan_id, first = standing.plan.id, id_of(standing.plan, "t0")
    tries = [(1, "2026-11-21T09:00:02Z 000"), (1, "2026-11-21T09:00:02Z 001"), (2, "2026-11-21T09:00:00Z 000")]
    for number, try_ in tries:
        place.store.knock(plan_id, first, number, f"token {number} {try_}", try_)
        for earlier in tries[: tries.index((number, try_))]:
            place.store.knock(plan_id, first, earlier[0], "late", earlier[1])
        assert place.store.read(plan_id).of(first).knock == f"token {number} {try_}"
    place.change(plan_id, lambda standing: standing)
    place.store.knock(plan_id, first, 1, "late", "2026-11-21T09:00:02Z 001")
    assert place.store.read(plan_id).of(first).knock is None


def test_a_worker_holds_its_task_until_another_claims_it(place: Place) -> None:
    standing = place.executed(chain())
    plan_id, first = standing.plan.id, id_of(standing.plan, "t0")
    place.store.knock(plan_id, first, 1, "token")
    place.change(plan_id, lambda standing: attempts.claimed(settle(standing), first, 1_000).standing)
    held = place.store.read(plan_id).of(first)
    assert place.store.holds(plan_id, first, held.epoch)
    assert place.store.renew(plan_id, first, held.epoch, 5_000)
    assert place.store.read(plan_id).of(first).lease_until == 5_000
    place.change(plan_id, lambda standing: attempts.claimed(standing, first, 6_000).standing)
    assert not place.store.holds(plan_id, first, held.epoch)
    assert not place.store.renew(plan_id, first, held.epoch, 9_000)
    place.change(plan_id, lambda standing: commands.cancel(standing, ASKED))
    assert not place.store.holds(plan_id, first, held.epoch + 1)


def test_what_a_turn_has_cost_is_added_up_beside_all_else(place: Place) -> None:
    standing = place.executed(chain())
    plan_id, first = standing.plan.id, id_of(standing.plan, "t0")
    spent = Spent(input=10, output=2, calls=1, cost_micro_usd=7)
    for number in (1, 2):
        place.store.turn(plan_id, first, Turn(number, ("read",), ("a.py",), "Looks", spent), 1_000)
    place.change(plan_id, lambda standing: standing.with_task(first, note="meanwhile"))
    state = place.store.read(plan_id).of(first)
    assert (state.spent, state.turns, state.note) == (spent.plus(spent), 2, "meanwhile")


def test_a_turn_that_is_told_again_is_counted_once(place: Place) -> None:
    standing = place.executed(chain())
    plan_id, first = standing.plan.id, id_of(standing.plan, "t0")
    turn = Turn(1, ("read",), (), "Looks", Spent(input=10, calls=1, cost_micro_usd=7))
    for _ in range(3):
        place.store.turn(plan_id, first, turn, 1_000)
    assert place.store.read(plan_id).of(first).spent == turn.spent


def test_no_more_tasks_begin_than_the_account_lets(place: Place) -> None:
    one, two = place.executed(wide(2)), place.executed(wide(2))
    for standing in (one, two):
        for task in standing.plan.tasks:
            place.store.knock(standing.plan.id, task.id, 1, f"token {task.id}")
    stale = [place.store.read(standing.plan.id) for standing in (one, two)]
    place.write(stale[0], stale[0])
    assert place.store.room() == 1
    blind = settled(stale[1], 1_000, account_room=100).standing
    with pytest.raises(WriteConflict):
        place.store.commit(stale[1], blind.execution_changed(seq=stale[1].execution.seq + 1), ())
    place.change(two.plan.id, lambda standing: standing)
    assert place.store.room() == 0
    assert len(place.store.read(two.plan.id).running) == 1


def test_a_plan_without_room_goes_on_as_soon_as_another_makes_some(place: Place) -> None:
    one, two = place.executed(wide(3)), place.executed(wide(1))
    for standing in (one, two):
        for task in standing.plan.tasks:
            place.store.knock(standing.plan.id, task.id, 1, f"token {task.id}")
        place.change(standing.plan.id, lambda standing: standing)
    assert not place.store.read(two.plan.id).running
    first = id_of(one.plan, "t0")
    place.change(one.plan.id, lambda standing: attempts.claimed(standing, first, 1_000).standing)
    place.change(one.plan.id, lambda standing: attempts.finished(standing, first, Done("sha"), 1_000).standing)
    assert place.store.read(two.plan.id).running


def test_what_does_not_fit_into_a_transaction_is_written_in_several(place: Place) -> None:
    standing = place.executed(phase("One", draft("a"), *(draft(f"b{n}", "a") for n in range(200)), mode="parallel"))
    a = id_of(standing.plan, "a")
    after = place.change(standing.plan.id, lambda standing: commands.skip(standing, a, ASKED))
    assert after.status is PlanStatus.COMPLETED
    kept = place.store.read(standing.plan.id)
    assert {kept.of(task.id).status for task in kept.plan.tasks} == {TaskStatus.SKIPPED}


def test_a_plan_begun_anew_has_nothing_done_whatever_its_size(place: Place) -> None:
    standing = place.executed(wide(150))
    plan_id = standing.plan.id
    place.change(plan_id, lambda standing: commands.cancel(standing, ASKED))
    place.change(plan_id, lambda standing: commands.execute(standing, ASKED, again=True))
    kept = place.store.read(plan_id)
    assert (kept.status, kept.execution.round) == (PlanStatus.RUNNING, 2)
    assert {kept.of(task.id).status for task in kept.plan.tasks} == {TaskStatus.PENDING}


def test_what_was_done_before_a_plan_was_begun_anew_is_shown_no_more(dynamodb_local: str) -> None:
    tables = make_tables(dynamodb_local)
    place = on_dynamo(tables)
    plan_id = place.executed(wide(2)).plan.id
    place.change(plan_id, lambda standing: commands.cancel(standing, ASKED))
    assert {state.status for state in tables.plans.states(plan_id).values()} == {TaskStatus.CANCELLED}
    place.change(plan_id, lambda standing: commands.execute(standing, ASKED, again=True))
    assert {state.status for state in tables.plans.states(plan_id).values()} <= {TaskStatus.PENDING}


def test_many_conductors_at_once_lose_and_double_nothing(dynamodb_local: str) -> None:
    tables = make_tables(dynamodb_local)
    place = on_dynamo(tables)
    tables.executions.limit = 100
    plan_id = place.executed(wide(24)).plan.id
    machine = MemoryMachine()

    def carry(task_id: str) -> None:
        conductor = Conductor(tables.executions, machine, lambda: 1_000)
        conductor.arrived(plan_id, 1, task_id, f"token {task_id}")
        while machine.opened.get(f"token {task_id}") is None:
            conductor.change(plan_id, lambda standing: standing)
        conductor.change(plan_id, lambda standing: attempts.claimed(standing, task_id, 1_000).standing)
        conductor.change(plan_id, lambda standing: attempts.finished(standing, task_id, Done(None), 1_000).standing)

    tasks = [task.id for task in tables.executions.read(plan_id).plan.tasks]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(carry, tasks))
    standing = tables.executions.read(plan_id)
    assert standing.status is PlanStatus.COMPLETED
    assert {standing.of(id_).attempts for id_ in tasks} == {1}
    assert tables.executions.room() == 100


def test_a_failed_attempt_and_its_reason_are_kept(place: Place) -> None:
    standing = place.executed(chain())
    plan_id, first = standing.plan.id, id_of(standing.plan, "t0")
    place.store.knock(plan_id, first, 1, "token")
    place.change(plan_id, lambda standing: attempts.claimed(settle(standing), first, 1_000).standing)
    place.change(plan_id, lambda standing: attempts.finished(standing, first, Failed("No."), 1_000).standing)
    state = place.store.read(plan_id).of(first)
    assert [(one.number, one.reason) for one in state.failed] == [(1, "No.")]
    assert (state.attempts, state.status, state.lease_until) == (1, TaskStatus.RUNNING, 0)


def test_a_plan_is_looked_at_until_nothing_of_it_is_left_to_be_told(place: Place) -> None:
    standing = place.executed(chain())
    plan_id, later = standing.plan.id, 10**15
    assert plan_id in place.store.unquiet(later)
    conductor = Conductor(place.store, MemoryMachine(), lambda: 1_000)
    conductor.sweep(later, lambda: False)
    assert plan_id in place.store.unquiet(later)
    stale = place.store.read(plan_id)
    place.change(plan_id, lambda standing: commands.cancel(standing, ASKED))
    place.store.quiet(stale)
    conductor.sweep(later, lambda: False)
    assert plan_id not in place.store.unquiet(later)


def settle(standing: Standing) -> Standing:
    return settled(standing, 1_000, 10).standing
