"""The contract of PlanStore, on the fake, the simulated tables, moto and DynamoDB Local."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import NotFound
from groundwork.ids import Kind, Path, new_plan_id, new_repository_id
from groundwork.plans.draft import PhaseDraft, add_phases
from groundwork.plans.errors import PlanNotEditable, TaskAlreadyStarted, VersionConflict
from groundwork.plans.history import Iteration, IterationKind, change_fields, compare, restore
from groundwork.plans.model import Plan, PlanStatus, TaskState, TaskStatus
from groundwork.plans.operations import MovePhase, Operation, RemoveTask, UpdatePlan, UpdateTask, apply
from groundwork.plans.ports import PlanStore
from groundwork.plans.repositories import Repository
from tests.fakes.plans import MemoryPlans
from tests.plans.plans import NOW, draft, id_of, phase
from tests.tables import make_tables


@dataclass
class Place:
    store: PlanStore
    set_status: Callable[[str, PlanStatus], None]
    set_state: Callable[[str, TaskState], None]
    repository_id: str

    def plan(self, *phases: PhaseDraft) -> Plan:
        bare = Plan(id=new_plan_id(), repository_id=self.repository_id, title="A plan", created_at=NOW, updated_at=NOW)
        return add_phases(bare, phases).changed(version=1)

    def created(self, *phases: PhaseDraft) -> Plan:
        plan = self.plan(*phases)
        self.store.create(plan, iteration(plan, 1, IterationKind.CREATED))
        return plan

    def edited(self, before: Plan, *operations: Operation) -> Plan:
        after = before
        for operation in operations:
            after = apply(after, operation)
        return self.committed(before, after)

    def committed(self, before: Plan, after: Plan) -> Plan:
        after = after.changed(version=before.version + 1)
        self.store.commit(before, after, iteration(after, self.store.next_iteration(before.id)))
        return after

    def executing(self, plan: Plan, status: PlanStatus = PlanStatus.RUNNING) -> Plan:
        self.set_status(plan.id, status)
        return self.store.load(plan.id)


def iteration(plan: Plan, number: int, kind: IterationKind = IterationKind.EDITED) -> Iteration:
    return Iteration(
        id=str(Path(Kind.ITERATION, plan.id, (number,))),
        plan_id=plan.id,
        number=number,
        kind=kind,
        actor="a test",
        summary="Something",
        from_version=plan.version - 1,
        version=plan.version,
        created_at=NOW,
        **change_fields(compare(plan.changed(phases=()), plan)),
    )


def in_memory() -> Place:
    store = MemoryPlans()
    repository = Repository(id=new_repository_id(), name="R", url="https://example.com/r.git", created_at=NOW)
    store.repositories[repository.id] = repository

    def set_status(plan_id: str, status: PlanStatus) -> None:
        store.heads[plan_id] = store.heads[plan_id].changed(status=status)

    return Place(store, set_status, store.begun.__setitem__, repository.id)


def on_dynamo(tables: Tables) -> Place:
    repository = Repository(id=new_repository_id(), name="R", url="https://example.com/r.git", created_at=NOW)
    tables.repositories.create(repository)

    def set_status(plan_id: str, status: PlanStatus) -> None:
        PlanRow(plan_id).update(actions=[PlanRow.status.set(status.value)])

    def set_state(task_id: str, state: TaskState) -> None:
        StateRow(task_id.rpartition("-")[0], state_key(task_id), status=state.status.value).save()

    return Place(tables.plans, set_status, set_state, repository.id)


@pytest.fixture(params=["fake", "simulated_tables", "moto_server", "dynamodb_local"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "fake":
        return in_memory()
    found = request.getfixturevalue(request.param)
    return on_dynamo(found if isinstance(found, Tables) else make_tables(found))


def two_phases() -> tuple[PhaseDraft, PhaseDraft]:
    first = phase("First", draft("a"), draft("b", "a", acceptance_criteria=("It works.",), files=("src/b.py",)))
    return first, phase("Second", draft("c", "b"), mode="parallel", pause_after=True)


def test_a_plan_comes_back_as_it_was_written(place: Place) -> None:
    plan = place.created(*two_phases())
    assert place.store.load(plan.id) == plan
    assert place.store.iteration(f"{plan.id}-I1") == iteration(plan, 1, IterationKind.CREATED)


def test_a_plan_without_phases_comes_back_too(place: Place) -> None:
    plan = place.created()
    assert place.store.load(plan.id) == plan


def test_a_plan_of_five_hundred_tasks_comes_back_as_it_was_written_and_edited(place: Place) -> None:
    tasks = [[draft(f"t{number}-{n}", description="What to do. " * 20) for n in range(50)] for number in range(10)]
    plan = place.created(*(phase(f"Phase {number}", *of_phase) for number, of_phase in enumerate(tasks)))
    assert place.store.load(plan.id) == plan
    every = [UpdateTask(task_id=task.id, fields={"title": f"New {task.key}"}) for task in plan.tasks]
    after = place.edited(plan, *every)
    assert place.store.load(plan.id) == after
    assert place.store.at_version(plan.id, 1).phases == plan.phases


def test_a_plan_needs_a_repository_that_is_there(place: Place) -> None:
    place.repository_id = new_repository_id()
    with pytest.raises(NotFound):
        place.created()


@pytest.mark.parametrize("id_", ["", "nonsense", "plk3v9x2m4q8", "k3v9x2m4q8", "plk3v9x2m4q8-T1"])
def test_what_is_no_plan_is_not_found(place: Place, id_: str) -> None:
    with pytest.raises(NotFound):
        place.store.load(id_)
    with pytest.raises(NotFound):
        place.store.next_iteration(id_)
    with pytest.raises(NotFound):
        place.store.iteration(f"{id_}-I1")


def test_an_edit_is_the_next_version_and_the_one_before_stays(place: Place) -> None:
    plan = place.created(*two_phases())
    after = place.edited(plan, UpdateTask(task_id=id_of(plan, "a"), fields={"title": "Another"}))
    assert place.store.load(plan.id) == after
    assert place.store.at_version(plan.id, 1).content() == plan.content()
    assert place.store.iteration(f"{plan.id}-I2").version == 2
    with pytest.raises(NotFound):
        place.store.at_version(plan.id, 3)


def test_of_two_who_edit_the_same_version_the_second_is_told_the_current_one(place: Place) -> None:
    plan = place.created(*two_phases())
    after = place.edited(plan, UpdateTask(task_id=id_of(plan, "a"), fields={"title": "First"}))
    with pytest.raises(VersionConflict) as conflict:
        place.edited(plan, UpdateTask(task_id=id_of(plan, "b"), fields={"title": "Second"}))
    assert conflict.value.details == {"version": 2}
    assert place.store.load(plan.id) == after


def test_a_restored_version_is_exactly_the_earlier_one_and_numbers_go_on(place: Place) -> None:
    plan = place.created(*two_phases())
    gone = place.edited(plan, RemoveTask(task_id=id_of(plan, "b")), UpdatePlan(fields={"title": "Other"}))
    back = place.committed(gone, restore(gone, place.store.at_version(plan.id, 1)))
    assert back.content() == plan.content()
    assert place.store.load(plan.id) == back
    assert place.store.load(plan.id).last_task == 3


def test_a_plan_that_cannot_be_edited_is_not(place: Place) -> None:
    plan = place.created(*two_phases())
    place.set_status(plan.id, PlanStatus.COMPLETED)
    with pytest.raises(PlanNotEditable):
        place.edited(plan, UpdateTask(task_id=id_of(plan, "a"), fields={"title": "Too late"}))


def test_a_status_that_has_changed_meanwhile_makes_the_editor_look_again(place: Place) -> None:
    plan = place.created(*two_phases())
    place.set_status(plan.id, PlanStatus.RUNNING)
    with pytest.raises(VersionConflict) as conflict:
        place.edited(plan, UpdateTask(task_id=id_of(plan, "a"), fields={"title": "Unaware"}))
    assert conflict.value.details == {"version": 1}


def test_while_it_is_carried_out_tasks_that_have_not_begun_can_be_edited(place: Place) -> None:
    plan = place.executing(place.created(*two_phases()))
    place.set_state(id_of(plan, "a"), TaskState(status=TaskStatus.COMPLETED))
    place.set_state(id_of(plan, "b"), TaskState(status=TaskStatus.WAITING))
    after = place.edited(
        plan,
        UpdateTask(task_id=id_of(plan, "b"), fields={"title": "Later"}),
        RemoveTask(task_id=id_of(plan, "c")),
    )
    assert place.store.load(plan.id) == after


@pytest.mark.parametrize("status", [one for one in TaskStatus if one.started])
def test_a_task_that_has_begun_cannot_be_edited(place: Place, status: TaskStatus) -> None:
    plan = place.executing(place.created(*two_phases()))
    place.set_state(id_of(plan, "a"), TaskState(status=status))
    with pytest.raises(TaskAlreadyStarted) as begun:
        place.edited(plan, UpdateTask(task_id=id_of(plan, "a"), fields={"title": "Too late"}))
    assert begun.value.details == {"taskIds": [id_of(plan, "a")]}
    assert place.store.load(plan.id) == plan


def test_a_task_that_waits_at_its_gate_cannot_be_deleted(place: Place) -> None:
    plan = place.executing(place.created(*two_phases()), PlanStatus.PAUSED)
    place.set_state(id_of(plan, "c"), TaskState(status=TaskStatus.WAITING))
    with pytest.raises(TaskAlreadyStarted, match="waiting at its gate cannot be deleted: skip it") as waiting:
        place.edited(plan, RemoveTask(task_id=id_of(plan, "c")))
    assert waiting.value.details == {"taskIds": [id_of(plan, "c")], "waitingTaskIds": [id_of(plan, "c")]}
    place.set_state(id_of(plan, "c"), TaskState(status=TaskStatus.RUNNING))
    with pytest.raises(TaskAlreadyStarted, match="has started"):
        place.edited(plan, RemoveTask(task_id=id_of(plan, "c")))


def test_a_plan_under_execution_keeps_its_phases_and_what_it_says(place: Place) -> None:
    plan = place.executing(place.created(*two_phases()))
    for operation in (UpdatePlan(fields={"title": "Other"}), MovePhase(phase_id=plan.phases[1].id, position=0)):
        with pytest.raises(PlanNotEditable):
            place.edited(plan, operation)
    assert place.store.load(plan.id) == plan


def test_numbers_of_iterations_are_given_once(place: Place) -> None:
    plan = place.created()
    assert [place.store.next_iteration(plan.id) for _ in range(3)] == [2, 3, 4]


def test_content_that_was_put_is_no_version_of_the_plan(place: Place) -> None:
    plan = place.created()
    place.store.put_content(add_phases(plan, two_phases()))
    assert place.store.load(plan.id) == plan
