"""The plans table besides versions: lists, links, repositories, templates, deletions."""

from collections.abc import Callable
from typing import Any

import pytest

from groundwork.adapters.dynamodb import client
from groundwork.adapters.dynamodb.list_rows import ListRow
from groundwork.adapters.dynamodb.plan_rows import LinkRow, PlanRow
from groundwork.adapters.dynamodb.run_rows import LockRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import NotFound, Transient
from groundwork.ids import Kind, Path, new_repository_id, new_template_id
from groundwork.llm.port import Usage
from groundwork.plans.draft import PhaseDraft, TaskDraft, add_phases
from groundwork.plans.errors import BuiltinTemplate, PlanInUse, PlanNotEditable, RepositoryInUse, VersionConflict
from groundwork.plans.estimate import TaskMeasurements
from groundwork.plans.history import IterationKind
from groundwork.plans.model import Plan, PlanStatus, TaskState, TaskStatus
from groundwork.plans.operations import AddTask, RemoveTask, UpdatePlan, UpdateTask, apply
from groundwork.plans.repositories import Repository
from groundwork.plans.templates import Template, builtin_templates
from groundwork.runs.model import Lease, Run, RunType
from tests.adapters.dynamodb.test_plans_contract import Place, iteration, on_dynamo
from tests.plans.plans import NOW, draft, id_of, phase

STORY, OTHER = "k3v9x2m4q8-E1-S1", "k3v9x2m4q8-E1-S2"


@pytest.fixture
def tables(tables_of_every_engine: Tables) -> Tables:
    return tables_of_every_engine


@pytest.fixture
def place(tables: Tables) -> Place:
    return on_dynamo(tables)


def never() -> bool:
    return False


def of_story(key: str, story: str = STORY) -> TaskDraft:
    return draft(key, story_id=story)


@pytest.fixture
def linked(tables: Tables) -> Callable[[str], dict[str, Any]]:
    """Return the plans shown on a story by id."""
    return lambda story: {line["planId"]: line for line in tables.plans.of_story(story)}


def run_of(plan: Plan, number: int = 1, type_: RunType = RunType.GENERATE_PLAN) -> Run:
    return Run(id=str(Path(Kind.RUN, plan.id, (number,))), type=type_, created_at=1, total=1, lease=Lease(0, None, 9))


# lists


def test_plans_are_listed_newest_first_and_by_repository(place: Place, tables: Tables) -> None:
    plans = [place.plan().changed(created_at=f"2026-11-21T09:00:0{n}.000Z") for n in range(5)]
    for plan in plans:
        place.store.create(plan, iteration(plan, 1))
    newest_first = [plan.id for plan in reversed(plans)]
    first, more = tables.plans.page(None, None, 3)
    rest, end = tables.plans.page(None, more, 3)
    assert [line["id"] for line in first + rest] == newest_first
    assert end is None
    assert [line["id"] for line in tables.plans.page(place.repository_id, None, 9)[0]] == newest_first
    assert tables.plans.page(new_repository_id(), None, 9) == ([], None)


def test_a_line_of_the_list_follows_the_edits(place: Place, tables: Tables) -> None:
    plan = place.created(phase("One", draft("a"), draft("b")))
    place.edited(plan, RemoveTask(task_id=id_of(plan, "b")), UpdatePlan(fields={"title": "Other"}))
    ((line,), _) = tables.plans.page(None, None, 9)
    assert (line["title"], line["taskCount"], line["phaseCount"], line["version"]) == ("Other", 1, 1, 2)


# links


def test_a_story_shows_how_far_its_plan_is(place: Place, linked: Callable[[str], Any]) -> None:
    plan = place.created(phase("One", of_story("a"), of_story("b"), of_story("c", OTHER), draft("d")))
    assert linked(STORY)[plan.id]["counts"] == {"PENDING": 2}
    place.set_state(id_of(plan, "a"), TaskState(status=TaskStatus.COMPLETED))
    place.set_state(id_of(plan, "c"), TaskState(status=TaskStatus.FAILED))
    assert linked(STORY)[plan.id]["counts"] == {"COMPLETED": 1, "PENDING": 1}
    assert linked(STORY)[plan.id]["progress"] == 50
    assert linked(OTHER)[plan.id]["counts"] == {"FAILED": 1}
    assert linked(OTHER)[plan.id]["progress"] == 0


def test_links_follow_the_edits(place: Place, linked: Callable[[str], Any]) -> None:
    plan = place.created(phase("One", of_story("a"), of_story("b")))
    moved = place.edited(plan, UpdateTask(task_id=id_of(plan, "b"), fields={"story_id": OTHER}))
    assert [one["id"] for one in linked(STORY)[plan.id]["tasks"]] == [id_of(plan, "a")]
    assert [one["id"] for one in linked(OTHER)[plan.id]["tasks"]] == [id_of(plan, "b")]
    gone = place.edited(moved, RemoveTask(task_id=id_of(plan, "a")))
    assert linked(STORY) == {}
    now = place.edited(gone, UpdatePlan(fields={"story_ids": (STORY,)}))
    assert linked(STORY)[plan.id]["tasks"] == []
    place.edited(now, UpdateTask(task_id=id_of(plan, "b"), fields={"subtask_id": f"{OTHER}-ST7"}))
    (only,) = linked(OTHER)[plan.id]["tasks"]
    assert only == {"id": id_of(plan, "b"), "subtaskId": f"{OTHER}-ST7", "status": "PENDING"}


def test_a_deleted_plan_leaves_no_link_and_no_line(place: Place, tables: Tables, linked: Callable[[str], Any]) -> None:
    plan = place.created(phase("One", of_story("a"), of_story("b", OTHER)))
    tables.plans.delete(plan.id)
    assert linked(STORY) == linked(OTHER) == {}
    assert not list(LinkRow.query(STORY))
    assert tables.plans.page(None, None, 9) == ([], None)
    assert tables.plans.page(place.repository_id, None, 9) == ([], None)


# deleting


def test_a_deleted_plan_is_gone_at_once_and_purged_after(place: Place, tables: Tables) -> None:
    plan = place.created(phase("One", *(draft(f"t{n}") for n in range(150))))
    other = place.created(phase("One", draft("a")))
    tables.plans.delete(plan.id)
    for read in (place.store.load, tables.plans.summary, tables.plans.delete, place.store.next_iteration):
        with pytest.raises(NotFound):
            read(plan.id)
    assert tables.plans.to_purge() == [plan.id]
    assert tables.plans.purge(plan.id, never)
    assert not list(ListRow.query(plan.id))
    assert not list(LockRow.query(plan.id))
    assert tables.plans.to_purge() == []
    assert tables.plans.purge(plan.id, never)
    assert place.store.load(other.id) == other


def test_a_purge_that_is_stopped_goes_on_the_next_time(place: Place, tables: Tables) -> None:
    plan = place.created(phase("One", *(draft(f"t{n}") for n in range(150))))
    tables.plans.delete(plan.id)
    assert not tables.plans.purge(plan.id, lambda: True)
    assert tables.plans.to_purge() == [plan.id]
    assert tables.plans.purge(plan.id, never)


@pytest.mark.parametrize("status", [one for one in PlanStatus if one.executing])
def test_a_plan_under_execution_cannot_be_deleted(place: Place, tables: Tables, status: PlanStatus) -> None:
    plan = place.executing(place.created(), status)
    with pytest.raises(PlanNotEditable):
        tables.plans.delete(plan.id)


def test_a_plan_that_is_being_written_cannot_be_deleted(place: Place, tables: Tables) -> None:
    plan = place.plan().changed(status=PlanStatus.GENERATING, version=0)
    tables.plans.create(plan, iteration(plan, 1, IterationKind.GENERATED), run_of(plan))
    with pytest.raises(PlanInUse) as used:
        tables.plans.delete(plan.id)
    assert used.value.details == {"runId": f"{plan.id}-R1"}


def test_who_deletes_a_version_that_is_no_longer_is_told_the_current_one(place: Place, tables: Tables) -> None:
    plan = place.created(phase("One", draft("a")))
    place.edited(plan, UpdatePlan(fields={"title": "Other"}))
    with pytest.raises(VersionConflict) as conflict:
        tables.plans.delete(plan.id, {1})
    assert conflict.value.details == {"version": 2}
    tables.plans.delete(plan.id, {1, 2})


# lost responses


@pytest.fixture
def lose_answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on transactions succeed, but their responses are lost."""

    def lose() -> None:
        carried_out = client.Transaction.commit

        def commit(transaction: client.Transaction) -> None:
            carried_out(transaction)
            raise Transient("The answer got lost.")

        monkeypatch.setattr(client.Transaction, "commit", commit)

    return lose


def test_an_edit_whose_answer_was_lost_is_an_edit(place: Place, lose_answers: Callable[[], None]) -> None:
    plan = place.created(phase("One", draft("a")))
    lose_answers()
    after = place.edited(plan, UpdatePlan(fields={"title": "Other"}))
    assert place.store.load(plan.id) == after


def test_a_plan_whose_making_was_not_answered_is_made(place: Place, lose_answers: Callable[[], None]) -> None:
    lose_answers()
    plan = place.created(phase("One", draft("a")))
    assert place.store.load(plan.id) == plan
    assert int(PlanRow.get(plan.id, "P").last_iteration) == 1


def test_an_edit_that_was_made_after_all_is_not_made_again(place: Place) -> None:
    """A late answer: the editor has read its own version, and repeats the edit with its number."""
    plan = place.created(phase("One", draft("a")))
    made = place.edited(plan, UpdatePlan(fields={"title": "Other"}))
    again = apply(made, AddTask(phase_id=plan.phases[0].id, task=draft("b"))).changed(version=3)
    with pytest.raises(Transient):
        place.store.commit(made, again, iteration(again, 2))
    assert place.store.load(plan.id) == made


def test_a_transaction_that_met_another_is_tried_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = place.created(phase("One", draft("a")))
    commit = client.Transaction.commit
    in_the_way = [Transient("DynamoDB: TransactionConflict")] * 3

    def meet(transaction: client.Transaction) -> None:
        if in_the_way:
            raise in_the_way.pop()
        commit(transaction)

    monkeypatch.setattr(client.Transaction, "commit", meet)
    after = place.edited(plan, UpdatePlan(fields={"title": "Other"}))
    assert place.store.load(plan.id) == after


# repositories


def test_a_repository_is_written_read_changed_and_deleted(place: Place, tables: Tables) -> None:
    made = Repository(
        id=new_repository_id(), name="R", url="https://e.com/r", credentials_secret="groundwork/r", created_at=NOW
    )
    tables.repositories.create(made)
    assert tables.repositories.get(made.id) == made
    changed = tables.repositories.update(made.id, {"name": "S", "credentials_secret": None})
    assert changed == made.model_copy(update={"name": "S", "credentials_secret": None})
    assert {found.id for found in tables.repositories.page(None, 9)[0]} == {made.id, place.repository_id}
    tables.repositories.delete(made.id)
    assert [found.id for found in tables.repositories.page(None, 9)[0]] == [place.repository_id]
    for act in (tables.repositories.get, tables.repositories.delete, lambda id_: tables.repositories.update(id_, {})):
        with pytest.raises(NotFound):
            act(made.id)


def test_a_repository_with_plans_cannot_be_deleted(place: Place, tables: Tables) -> None:
    plan = place.created()
    with pytest.raises(RepositoryInUse):
        tables.repositories.delete(place.repository_id)
    tables.plans.delete(plan.id)
    tables.repositories.delete(place.repository_id)
    with pytest.raises(NotFound):
        place.created()


def test_with_a_repository_goes_what_tasks_have_taken_in_it(place: Place, tables: Tables) -> None:
    tables.measures.add(place.repository_id, "M", TaskMeasurements(1, 90.5, Usage(10, 20, 30, 40, 5)))
    assert tables.plans.page(place.repository_id, None, 9) == ([], None)
    tables.repositories.delete(place.repository_id)
    assert tables.measures.of_repository(place.repository_id) == {}


# templates


def template(**fields: Any) -> Template:
    phases = (PhaseDraft(title="One", tasks=(draft("a"), draft("b", "a"))),)
    known: dict[str, Any] = {"id": new_template_id(), "name": "T", "title": "T", "phases": phases, "created_at": NOW}
    return Template(**known | fields)


def test_a_template_is_written_read_listed_and_deleted(tables: Tables) -> None:
    made = template()
    tables.templates.create(made)
    assert tables.templates.get(made.id) == made
    ((line,), more) = tables.templates.page(None, 9)
    assert (line["id"], line["taskCount"], line["phaseCount"], more) == (made.id, 2, 1, None)
    tables.templates.delete(made.id)
    assert tables.templates.page(None, 9) == ([], None)
    for act in (tables.templates.get, tables.templates.delete):
        with pytest.raises(NotFound):
            act(made.id)


def test_a_template_larger_than_a_row_comes_back_as_it_was_written(tables: Tables) -> None:
    tasks = tuple(draft(f"t{n}", description="é" * 4_000) for n in range(400))
    made = template(phases=(PhaseDraft(title="One", tasks=tasks),))
    tables.templates.create(made)
    assert tables.templates.get(made.id) == made
    tables.templates.delete(made.id)
    with pytest.raises(NotFound):
        tables.templates.get(made.id)


@pytest.mark.parametrize("id_", list(builtin_templates()))
def test_the_projects_own_templates_are_there_and_stay(tables: Tables, id_: str) -> None:
    assert tables.templates.get(id_).builtin
    with pytest.raises(BuiltinTemplate):
        tables.templates.delete(id_)


# row classes sharing a table


def test_two_plans_do_not_see_each_other(place: Place) -> None:
    one, other = place.created(phase("One", draft("a"))), place.created(phase("Two", draft("a")))
    place.edited(one, UpdateTask(task_id=id_of(one, "a"), fields={"title": "Mine"}))
    assert place.store.load(other.id) == other
    assert place.store.states(one.id) == {}
    place.set_state(id_of(other, "a"), TaskState(status=TaskStatus.RUNNING))
    assert place.store.states(one.id) == {}
    assert list(place.store.states(other.id)) == [id_of(other, "a")]


def test_a_plan_never_takes_the_place_of_another(place: Place) -> None:
    plan = place.created(phase("One", draft("a")))
    again = add_phases(plan.changed(phases=(), created_at="2026-11-22T09:00:00.000Z"), [phase("Two", draft("b"))])
    with pytest.raises(Transient):
        place.store.create(again, iteration(again, 1).model_copy(update={"who": "somebody else"}))
    assert place.store.load(plan.id) == plan
