"""Edits of plans: refusals, retries, and no lost or repeated edits."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier

import pytest

from groundwork.errors import GroundworkError, Invalid, NotFound, Transient
from groundwork.ids import new_repository_id
from groundwork.plans.draft import PhaseDraft, add_phases
from groundwork.plans.editor import MAX_ATTEMPTS, Editor
from groundwork.plans.errors import InvalidPlan, VersionConflict
from groundwork.plans.history import Iteration, IterationKind
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.operations import AddTask, Operation, RemoveTask, UpdatePlan, UpdateTask
from groundwork.plans.repositories import Repository
from tests.fakes.plans import MemoryPlans, MemoryStories
from tests.plans.plans import NOW, draft, id_of, phase
from tests.tables import make_tables

REPOSITORY = Repository(id=new_repository_id(), name="R", url="https://example.com/r.git", created_at=NOW)


@dataclass
class Busy(MemoryPlans):
    """A store that runs one of `meanwhile` before each commit; returned errors are raised."""

    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    answers_lost: int = 0

    def commit(self, before: Plan, after: Plan, iteration: Iteration) -> None:
        fault = self.meanwhile.pop(0)() if self.meanwhile else None
        if isinstance(fault, GroundworkError):
            raise fault
        super().commit(before, after, iteration)
        if self.answers_lost:
            self.answers_lost -= 1
            raise Transient


@pytest.fixture
def store() -> Busy:
    return Busy(repositories={REPOSITORY.id: REPOSITORY})


def editor_of(store: MemoryPlans, who: str = "Ada") -> Editor:
    return Editor(store, MemoryStories(), lambda: 1_800_000_000_000, who, sleep=lambda seconds: None)


@pytest.fixture
def editor(store: Busy) -> Editor:
    return editor_of(store)


def made(editor: Editor, *phases: PhaseDraft) -> Plan:
    def drafted(plan_id: str, now: str) -> Plan:
        bare = Plan(id=plan_id, repository_id=REPOSITORY.id, title="A plan", created_at=now, updated_at=now)
        return add_phases(bare, phases or (phase("One", draft("a"), draft("b", "a")),))

    return editor.create(drafted)


def titled(plan: Plan, key: str, title: str) -> UpdateTask:
    return UpdateTask(task_id=id_of(plan, key), fields={"title": title})


def titles(plan: Plan) -> list[str]:
    return [task.title for task in plan.tasks]


def test_a_plan_that_is_not_valid_is_not_made(store: Busy, editor: Editor) -> None:
    with pytest.raises(InvalidPlan):
        made(editor, phase("One", draft("a", "nobody")))
    assert store.heads == {}


def test_an_edit_is_a_version_and_an_iteration(store: Busy, editor: Editor) -> None:
    plan = made(editor)
    after = editor.edit(plan.id, [titled(plan, "a", "New")])
    assert (after.version, titles(after)) == (2, ["New", "Do b"])
    iteration = store.iteration(f"{plan.id}-I2")
    assert (iteration.actor, iteration.kind, iteration.from_version, iteration.version) == (
        "Ada",
        IterationKind.EDITED,
        1,
        2,
    )
    assert iteration.changes[0]["before"] == {"title": "Do a"}
    assert iteration.changes[0]["after"] == {"title": "New"}


@pytest.mark.parametrize(
    "operations",
    [
        lambda plan: [titled(plan, "a", "New"), RemoveTask(task_id=f"{plan.id}-T9")],
        lambda plan: [titled(plan, "a", "New"), titled(plan, "b", "  ")],
        lambda plan: [titled(plan, "a", "New"), AddTask(phase_id=plan.phases[0].id, task=draft("a"))],
        lambda plan: [RemoveTask(task_id=id_of(plan, "a"), dependents="refuse")],
    ],
)
def test_of_several_operations_all_are_carried_out_or_none(
    store: Busy, editor: Editor, operations: Callable[[Plan], Sequence[Operation]]
) -> None:
    plan = made(editor)
    with pytest.raises(GroundworkError):
        editor.edit(plan.id, operations(plan))
    assert store.load(plan.id) == plan
    assert len(store.made) == 1


def test_an_edit_that_names_no_version_is_made_again_on_what_another_has_written(store: Busy, editor: Editor) -> None:
    plan = made(editor)
    other = editor_of(store, "Bob")
    store.meanwhile.append(lambda: other.edit(plan.id, [titled(plan, "b", "Bob's")]))
    after = editor.edit(plan.id, [titled(plan, "a", "Ada's")])
    assert (after.version, titles(after)) == (3, ["Ada's", "Bob's"])
    assert sorted(store.made) == [f"{plan.id}-I{n}" for n in (1, 2, 3)]


def test_an_edit_that_names_a_version_is_refused_when_another_was_faster(store: Busy, editor: Editor) -> None:
    plan = made(editor)
    other = editor_of(store, "Bob")
    store.meanwhile.append(lambda: other.edit(plan.id, [titled(plan, "b", "Bob's")]))
    with pytest.raises(VersionConflict) as conflict:
        editor.edit(plan.id, [titled(plan, "a", "Ada's")], {1})
    assert conflict.value.details == {"version": 2}
    assert titles(store.load(plan.id)) == ["Do a", "Bob's"]


def test_a_change_of_status_alone_does_not_refuse_an_edit(store: Busy, editor: Editor) -> None:
    plan = made(editor)

    def begin() -> None:
        store.heads[plan.id] = store.heads[plan.id].changed(status=PlanStatus.RUNNING)

    store.meanwhile.append(begin)
    after = editor.edit(plan.id, [titled(plan, "b", "Later")], {1})
    assert (after.status, after.version) == (PlanStatus.RUNNING, 2)


def test_an_edit_whose_answer_was_lost_is_not_made_twice(store: Busy, editor: Editor) -> None:
    plan = made(editor)
    store.answers_lost = 1
    after = editor.edit(plan.id, [AddTask(phase_id=plan.phases[0].id, task=draft("c"))])
    assert [task.key for task in after.tasks] == ["a", "b", "c"]
    assert store.load(plan.id) == after
    assert after.version == 2


def test_an_edit_whose_answer_was_lost_and_that_another_followed_is_known_by_its_number(
    store: Busy, editor: Editor
) -> None:
    plan = made(editor)
    other = editor_of(store, "Bob")
    store.answers_lost = 1

    def sleep(seconds: float) -> None:
        other.edit(plan.id, [titled(plan, "b", "Bob's")])

    editor.sleep = sleep
    after = editor.edit(plan.id, [AddTask(phase_id=plan.phases[0].id, task=draft("c"))], {1})
    assert after.version == 2
    assert [task.key for task in store.load(plan.id).tasks] == ["a", "b", "c"]


def test_a_store_that_does_not_answer_is_tried_again_and_then_told(store: Busy, editor: Editor) -> None:
    plan = made(editor)
    store.meanwhile = [lambda: Transient("Away")] * (MAX_ATTEMPTS - 1)
    assert editor.edit(plan.id, [titled(plan, "a", "New")]).version == 2
    store.meanwhile = [lambda: Transient("Away")] * MAX_ATTEMPTS
    with pytest.raises(Transient, match="Away"):
        editor.edit(plan.id, [titled(plan, "a", "Newer")])
    assert store.load(plan.id).version == 2


def test_what_is_named_anew_must_be_there_and_what_was_named_may_have_gone(store: Busy, editor: Editor) -> None:
    plan = made(editor)
    with pytest.raises(Invalid):
        editor.edit(plan.id, [UpdatePlan(fields={"story_ids": ("k3v9x2m4q8-E1-S1",)})])
    old = plan.changed(story_ids=("k3v9x2m4q8-E1-S1",))
    store.heads[plan.id] = store.versions[plan.id][1] = old
    assert editor.edit(plan.id, [titled(plan, "a", "New")]).story_ids == old.story_ids


def test_a_version_is_restored_though_its_story_has_gone_since(store: Busy, editor: Editor) -> None:
    plan = made(editor)
    old = plan.changed(story_ids=("k3v9x2m4q8-E1-S1",))
    store.heads[plan.id] = store.versions[plan.id][1] = old
    editor.edit(plan.id, [UpdatePlan(fields={"story_ids": ()})])
    assert editor.restore(plan.id, 1).content() == old.content()


def test_a_version_that_never_was_cannot_be_restored(editor: Editor) -> None:
    plan = made(editor)
    with pytest.raises(NotFound):
        editor.restore(plan.id, 2)


# concurrency, on DynamoDB Local: its transactions are atomic as in AWS

EDITORS = 8


@pytest.fixture
def shared(dynamodb_local: str) -> Editor:
    tables = make_tables(dynamodb_local)
    tables.repositories.create(REPOSITORY)
    return Editor(tables.plans, MemoryStories(), lambda: 1_800_000_000_000, "Ada")


def at_once[T](act: Callable[[int], T]) -> list[T]:
    """Run all calls at the same time; return their results."""
    barrier = Barrier(EDITORS)

    def start(number: int) -> T:
        barrier.wait(60)
        return act(number)

    with ThreadPoolExecutor(EDITORS) as pool:
        return list(pool.map(start, range(EDITORS)))


def test_edits_of_different_tasks_at_once_all_stay(shared: Editor) -> None:
    plan = made(shared, phase("One", *(draft(f"t{n}") for n in range(EDITORS)), mode="parallel"))
    versions = at_once(lambda n: shared.edit(plan.id, [titled(plan, f"t{n}", f"New {n}")]).version)
    assert sorted(versions) == list(range(2, EDITORS + 2))
    assert titles(shared.store.load(plan.id)) == [f"New {n}" for n in range(EDITORS)]


def test_tasks_added_at_once_all_get_an_id_of_their_own(shared: Editor) -> None:
    plan = made(shared)
    at_once(lambda n: shared.edit(plan.id, [AddTask(phase_id=plan.phases[0].id, task=draft(f"new{n}"))]))
    now = shared.store.load(plan.id)
    assert {task.key for task in now.tasks} == {"a", "b", *(f"new{n}" for n in range(EDITORS))}
    assert {task.id for task in now.tasks} == {f"{plan.id}-T{n}" for n in range(1, EDITORS + 3)}


def test_plans_made_at_once_in_one_repository_are_all_made(shared: Editor) -> None:
    plans = at_once(lambda n: made(shared, phase("One", draft(f"t{n}"))))
    assert [shared.store.load(plan.id) for plan in plans] == plans


def test_of_those_who_edit_one_version_at_once_one_gets_through(shared: Editor) -> None:
    plan = made(shared)

    def edit(number: int) -> str | dict[str, int]:
        try:
            shared.edit(plan.id, [titled(plan, "a", f"Mine {number}")], {1})
        except VersionConflict as conflict:
            return dict(conflict.details)
        return f"Mine {number}"

    outcomes = at_once(edit)
    assert outcomes.count({"version": 2}) == EDITORS - 1
    (through,) = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert titles(shared.store.load(plan.id)) == [through, "Do b"]
    assert shared.store.load(plan.id).version == 2
