"""Reviews from the request to applied suggestions, with the mock and scripted answers."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from groundwork.adapters.dynamodb.client import Cancelled
from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.adapters.dynamodb.plans import DynamoPlans
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import Invalid, NotFound, NothingToDo, RunAlreadyActive, RunNotActive
from groundwork.llm.port import Question, Reply
from groundwork.plans.errors import (
    ConflictingSuggestions,
    NothingToApply,
    PlanInUse,
    PlanNotEditable,
    StaleSuggestion,
    VersionConflict,
)
from groundwork.plans.history import IterationKind, IterationStatus
from groundwork.plans.model import Plan, PlanStatus, TaskStatus
from groundwork.plans.operations import SplitTask, UpdateTask
from groundwork.plans.reviews import Choice, ReviewRequest, order_effect
from groundwork.plans.suggestions import incompatible_indices
from groundwork.plans.validation import faults
from groundwork.runs.cancel import cancel
from groundwork.runs.model import RunStatus, RunType
from tests.fakes.model import ScriptedModel, text
from tests.plans.plans import draft, id_of, phase, plan_of
from tests.plans.world import PlanWorld, tables_in_memory
from tests.runs.clock import now_ms

TYPES = ("refine_descriptions", "add_missing", "optimize_order", "break_down")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PlanWorld]:
    with tables_in_memory() as tables:
        yield PlanWorld(tables, tmp_path / "repository")


@pytest.fixture
def on_moto(moto_tables: Tables, tmp_path: Path) -> PlanWorld:
    return PlanWorld(moto_tables, tmp_path / "repository")


def by_hand(world: PlanWorld, *phases: Any) -> Plan:
    """A plan of these phases, at version 1."""
    plan = plan_of(*phases, repository_id=world.repository.id)

    def draft_of(id_: str, now: str) -> Plan:
        renamed = Plan.model_validate_json(plan.model_dump_json().replace(plan.id, id_))
        return renamed.changed(created_at=now, updated_at=now)

    return world.editor().create(draft_of)


def two_phases(world: PlanWorld) -> Plan:
    return by_hand(
        world,
        phase("Build", draft("a", effort="XL"), draft("b", effort="S"), draft("c", "a", effort="M")),
        phase("Tell", draft("d", "c"), draft("e", "a", "c"), mode="parallel"),
    )


def saying(*answers: dict[str, Any]) -> ScriptedModel:
    return ScriptedModel(lambda call, question: text(json.dumps(answers[min(call, len(answers)) - 1])))


def ordering(**lists: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"dependencies": [], "moves": [], "orders": [], "modes": [], "removals": []}
    return empty | lists


@pytest.mark.parametrize("review_type", TYPES)
async def test_each_review_of_the_mock_suggests_what_can_be_applied_and_then_has_nothing_more_to_say(
    on_moto: PlanWorld, review_type: str
) -> None:
    world = on_moto
    plan = two_phases(world)
    iteration, suggestions = await world.reviewed(plan.id, review_type)
    assert (iteration.kind, iteration.status, iteration.actor) == (
        IterationKind.REVIEWED,
        IterationStatus.DONE,
        "somebody",
    )
    assert iteration.from_version == iteration.version == 1
    assert suggestions
    assert world.plan(plan.id).version == 1, "a review changes nothing"
    for suggestion in suggestions:
        assert suggestion.reason
        assert suggestion.version == 1
        assert suggestion.before != suggestion.after
    after = world.apply(iteration, list(range(len(suggestions))))
    assert after.version == 2
    assert faults(after) == []
    again, more = await world.reviewed(plan.id, review_type)
    assert (again.status, more) == (IterationStatus.DONE, [])


async def test_any_subset_is_applied_in_one_version_that_says_where_it_comes_from(world: PlanWorld) -> None:
    plan = two_phases(world)
    iteration, suggestions = await world.reviewed(plan.id, "refine_descriptions")
    assert len(suggestions) == 5
    chosen = [3, 1, 3]
    after = world.apply(iteration, chosen)
    changed = {task.id for task in after.tasks if task != plan.task(task.id)}
    operations = [suggestions[index].operation for index in (1, 3)]
    assert changed == {operation.task_id for operation in operations if isinstance(operation, UpdateTask)}
    newest = world.tables.plans.iterations(plan.id, None, 1)[0]
    assert (newest.kind, newest.from_version, newest.version) == (IterationKind.SUGGESTIONS_APPLIED, 1, 2)
    assert (newest.source_iteration_id, newest.suggestion_indices) == (iteration.id, (3, 1))
    # the others still apply: their parts of the plan are unchanged
    assert world.apply(iteration, [0, 2, 4]).version == 3


async def test_a_suggestion_whose_target_has_changed_is_stale_and_takes_the_others_with_it(world: PlanWorld) -> None:
    plan = two_phases(world)
    iteration, suggestions = await world.reviewed(plan.id, "refine_descriptions")
    first = suggestions[0].operation
    assert isinstance(first, UpdateTask)
    world.editor("another").edit(plan.id, [UpdateTask(task_id=first.task_id, fields={"description": "Mine."})])
    with pytest.raises(StaleSuggestion) as refused:
        world.apply(iteration, [0, 1])
    assert refused.value.details == {"suggestionIndices": [0], "version": 2}
    assert world.plan(plan.id).version == 2
    assert world.apply(iteration, [1]).version == 3


async def test_what_cannot_go_together_is_named(world: PlanWorld) -> None:
    plan = two_phases(world)
    world.model = saying(
        ordering(
            removals=[{"ref": "2", "reason": "Another does it."}],
            dependencies=[{"ref": "2", "depends_on": ["1"], "reason": "It needs it."}],
        )
    )
    iteration, suggestions = await world.reviewed(plan.id, "optimize_order")
    assert len(suggestions) == 2
    assert incompatible_indices(suggestions) == [[1], [0]]
    with pytest.raises(ConflictingSuggestions) as refused:
        world.apply(iteration, [0, 1])
    assert refused.value.details == {"pairs": [{"suggestionIndices": [0, 1], "targets": [id_of(plan, "b")]}]}
    assert world.plan(plan.id).version == 1


async def test_the_order_is_reckoned_by_code_before_and_after(world: PlanWorld) -> None:
    plan = two_phases(world)
    world.model = saying(ordering(modes=[{"phase": "P1", "mode": "parallel", "reason": "They are apart."}]))
    iteration, (one,) = await world.reviewed(plan.id, "optimize_order")
    assert one.schedule
    assert one.schedule["before"]["seconds"] - one.schedule["after"]["seconds"] == 240
    assert one.schedule["before"]["maxParallelism"] == 2
    assert one.schedule["after"]["criticalPath"][:2] == [id_of(plan, "a"), id_of(plan, "c")]
    assert one.before != one.after
    whole = order_effect(plan, iteration, [one])
    assert whole
    assert (whole["before"], whole["after"]) == (one.schedule["before"], one.schedule["after"])
    after = world.apply(iteration, [0])
    assert after.phases[0].mode == "parallel"


async def test_the_model_sees_the_critical_path_and_no_ids_of_ours(world: PlanWorld) -> None:
    plan = two_phases(world)
    seen: list[Question] = []
    world.model = ScriptedModel(lambda call, question: seen.append(question))
    await world.reviewed(plan.id, "optimize_order")
    assert seen[0].material["schedule"]["criticalPath"] == ["1", "2", "3", "4"]
    assert plan.id not in json.dumps(seen[0].material)


async def test_what_could_not_be_applied_is_not_offered_and_the_reason_is_kept(world: PlanWorld) -> None:
    plan = two_phases(world)
    cycle = {"ref": "1", "depends_on": ["3"], "reason": "Wrong."}
    good = {"ref": "5", "depends_on": ["3"], "reason": "It waits for the first anyway."}
    world.model = saying(ordering(dependencies=[cycle, good]))
    iteration, suggestions = await world.reviewed(plan.id, "optimize_order")
    assert [suggestion.reason for suggestion in suggestions] == ["It waits for the first anyway."]
    assert len(world.tables.plans.dropped(iteration)) == 1
    assert world.model.calls == 1


async def test_an_answer_of_which_nothing_can_be_applied_is_corrected_once(world: PlanWorld) -> None:
    plan = two_phases(world)
    wrong = ordering(dependencies=[{"ref": "1", "depends_on": ["3"], "reason": "Wrong."}])
    right = ordering(dependencies=[{"ref": "5", "depends_on": ["3"], "reason": "Right."}])
    world.model = saying(wrong, right)
    _, suggestions = await world.reviewed(plan.id, "optimize_order")
    assert [suggestion.reason for suggestion in suggestions] == ["Right."]
    assert world.model.calls == 2


async def test_an_answer_that_names_what_is_not_there_fails_the_review_in_the_end(world: PlanWorld) -> None:
    plan = two_phases(world)
    world.model = saying(ordering(removals=[{"ref": "99", "reason": "Gone."}]))
    iteration, suggestions = await world.reviewed(plan.id, "optimize_order")
    assert (iteration.status, suggestions) == (IterationStatus.FAILED, [])
    assert "no task with the ref '99'" in str(iteration.error)
    assert world.plan(plan.id).status is PlanStatus.DRAFT, "a failed review is no fault of the plan"
    with pytest.raises(NothingToApply):
        world.apply(iteration, [0])


async def test_a_split_hands_its_links_to_its_parts(world: PlanWorld) -> None:
    plan = two_phases(world)
    iteration, suggestions = await world.reviewed(plan.id, "break_down")
    (only,) = suggestions
    assert isinstance(only.operation, SplitTask)
    after = world.apply(iteration, [0])
    assert after.task(id_of(plan, "a")) is None
    last = next(task for task in after.phases[0].tasks if task.key.endswith("-failures"))
    assert after.task(id_of(plan, "c")).depends_on == (last.id,)  # type: ignore[union-attr]
    assert last.id not in {task.id for task in plan.tasks}


@pytest.mark.parametrize(("scope", "key", "expected"), [("task", "b", {"b"}), ("phase", "d", {"d", "e"})])
async def test_a_review_keeps_to_its_scope(world: PlanWorld, scope: str, key: str, expected: set[str]) -> None:
    plan = two_phases(world)
    around = plan.phase_of(id_of(plan, key))
    assert around
    target = id_of(plan, key) if scope == "task" else around.id
    iteration, suggestions = await world.reviewed(plan.id, "refine_descriptions", scope=scope, targetId=target)
    touched = [one.operation.task_id for one in suggestions if isinstance(one.operation, UpdateTask)]
    assert {task.key for task in plan.tasks if task.id in touched} == expected
    assert iteration.request
    assert (iteration.request.scope, iteration.request.target_id) == (scope, target)


async def test_what_the_model_says_of_other_tasks_than_it_was_asked_about_is_left_out(world: PlanWorld) -> None:
    plan = two_phases(world)
    world.model = saying(ordering(removals=[{"ref": "2", "reason": "x"}, {"ref": "5", "reason": "y"}]))
    _, suggestions = await world.reviewed(plan.id, "optimize_order", scope="task", targetId=id_of(plan, "b"))
    assert [one.reason for one in suggestions] == ["x"]


async def test_a_large_plan_is_reviewed_in_parts_whose_suggestions_have_one_order(world: PlanWorld) -> None:
    many = [draft(f"t{n}") for n in range(30)]
    plan = by_hand(world, phase("All", *many, mode="parallel"))
    iteration, suggestions = await world.reviewed(plan.id, "refine_descriptions")
    run = world.run(str(iteration.run_id))
    assert (run.total, run.completed, run.type) == (3, 3, RunType.REVIEW_PLAN)
    touched = [one.operation.task_id for one in suggestions if isinstance(one.operation, UpdateTask)]
    assert touched == [task.id for task in plan.tasks]
    assert world.apply(iteration, list(range(30))).version == 2


async def test_a_part_that_fails_leaves_what_the_others_suggest(world: PlanWorld) -> None:
    plan = by_hand(world, phase("All", *[draft(f"t{n}") for n in range(30)], mode="parallel"))

    def scripted(call: int, question: Question) -> Reply | None:
        return text("{}") if question.material["tasks"][0]["ref"] == "13" else None

    world.model = ScriptedModel(scripted)
    iteration, suggestions = await world.reviewed(plan.id, "refine_descriptions")
    assert (world.run(str(iteration.run_id)).status, iteration.status) == (RunStatus.PARTIAL, IterationStatus.DONE)
    assert len(suggestions) == 18
    assert "invalid" in str(iteration.error)


async def test_new_tasks_of_different_parts_have_different_keys(world: PlanWorld) -> None:
    large = [draft(f"t{n}", effort="L").model_copy(update={"title": "The same"}) for n in range(17)]
    plan = by_hand(world, phase("All", *large))
    iteration, suggestions = await world.reviewed(plan.id, "break_down")
    assert len(suggestions) == 17
    after = world.apply(iteration, list(range(17)))
    assert len({task.key for task in after.tasks}) == 51


async def test_tasks_that_have_begun_are_not_looked_at(world: PlanWorld) -> None:
    plan = two_phases(world)
    PlanRow(plan.id).update(actions=[PlanRow.status.set(PlanStatus.RUNNING.value)])
    StateRow(plan.id, state_key(id_of(plan, "a")), status=TaskStatus.COMPLETED.value).save()
    _, suggestions = await world.reviewed(plan.id, "refine_descriptions")
    touched = [one.operation.task_id for one in suggestions if isinstance(one.operation, UpdateTask)]
    assert id_of(plan, "a") not in touched
    assert len(touched) == 4


async def test_a_plan_edited_meanwhile_keeps_its_edit_and_the_suggestions_that_still_hold(world: PlanWorld) -> None:
    plan = two_phases(world)
    edited: list[int] = []

    def while_asked(call: int, question: Question) -> None:
        change = UpdateTask(task_id=id_of(plan, "a"), fields={"title": "Mine", "description": "Mine."})
        edited.append(world.editor("another").edit(plan.id, [change]).version)

    world.model = ScriptedModel(while_asked)
    iteration, _ = await world.reviewed(plan.id, "refine_descriptions")
    assert edited == [2]
    with pytest.raises(StaleSuggestion):
        world.apply(iteration, [0])
    after = world.apply(iteration, [1])
    assert after.task(id_of(plan, "a")).title == "Mine"  # type: ignore[union-attr]


async def test_who_says_which_version_has_been_seen_is_refused_on_another(world: PlanWorld) -> None:
    plan = two_phases(world)
    iteration, _ = await world.reviewed(plan.id, "refine_descriptions")
    with pytest.raises(VersionConflict):
        world.apply(iteration, [1], expected=[7])
    assert world.apply(iteration, [1], expected=[1]).version == 2


async def test_nothing_is_applied_of_a_review_that_is_still_under_way(world: PlanWorld) -> None:
    plan = by_hand(world, phase("All", *[draft(f"t{n}") for n in range(30)], mode="parallel"))
    refused: list[bool] = []

    def while_asked(call: int, question: Question) -> None:
        iteration = world.tables.plans.iterations(plan.id, None, 1)[0]
        if world.tables.plans.suggestions(iteration):
            with pytest.raises(NothingToApply):
                world.apply(iteration, [0])
            refused.append(True)

    world.model = ScriptedModel(while_asked)
    iteration, _ = await world.reviewed(plan.id, "refine_descriptions")
    assert refused
    assert world.apply(iteration, [0]).version == 2


async def test_a_cancelled_review_keeps_what_its_finished_parts_have_suggested(world: PlanWorld) -> None:
    plan = by_hand(world, phase("All", *[draft(f"t{n}") for n in range(30)], mode="parallel"))

    def while_asked(call: int, question: Question) -> None:
        iteration = world.tables.plans.iterations(plan.id, None, 1)[0]
        if world.tables.plans.suggestions(iteration):
            with suppress(RunNotActive):
                cancel(world.tables.runs, str(iteration.run_id), now_ms, lambda seconds: None)

    world.model = ScriptedModel(while_asked)
    iteration, suggestions = await world.reviewed(plan.id, "refine_descriptions")
    assert (iteration.status, iteration.error) == (IterationStatus.CANCELLED, "The review was cancelled.")
    assert len(suggestions) in (6, 12, 18, 24), "whole parts"
    assert world.apply(iteration, [0]).version == 2
    assert world.plan(plan.id).status is PlanStatus.DRAFT


# refused requests


async def test_one_review_at_a_time(world: PlanWorld) -> None:
    plan = two_phases(world)
    request = ReviewRequest(review_type="add_missing")
    first = world.reviewer.review(plan.id, request, "one")
    with pytest.raises(RunAlreadyActive) as refused:
        world.reviewer.review(plan.id, request, "two")
    assert refused.value.details == {"runId": first.run_id}
    with pytest.raises(PlanInUse):
        world.tables.plans.delete(plan.id)
    await world.to_the_end(first.run_id)
    await world.reviewed(plan.id, "add_missing")


async def test_a_review_refused_by_a_lock_freed_since_begins_after_all(
    world: PlanWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, real = [Cancelled(["lock"])], DynamoPlans._try_review

    def once(store: DynamoPlans, *arguments: Any) -> None:
        if refused:
            raise refused.pop()
        real(store, *arguments)

    monkeypatch.setattr(DynamoPlans, "_try_review", once)
    await world.reviewed(two_phases(world).id, "add_missing")
    assert not refused


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scope": "phase"}, "required"),
        ({"scope": "task", "targetId": "nonsense"}, "not a task"),
        ({"scope": "phase", "targetId": "nonsense"}, "not a phase"),
        ({"scope": "plan", "targetId": "nonsense"}, "allowed only with"),
    ],
)
async def test_a_target_must_go_with_the_scope(world: PlanWorld, fields: dict[str, Any], message: str) -> None:
    plan = two_phases(world)
    with pytest.raises(Invalid, match=message):
        await world.reviewed(plan.id, "add_missing", **fields)
    assert world.triggered == []


@pytest.mark.parametrize("review_type", TYPES)
async def test_an_empty_plan_has_nothing_to_review(world: PlanWorld, review_type: str) -> None:
    plan = by_hand(world)
    with pytest.raises(NothingToDo):
        await world.reviewed(plan.id, review_type)


async def test_a_plan_that_is_still_being_written_is_not_reviewed(world: PlanWorld) -> None:
    accepted = world.ask()
    with pytest.raises(PlanNotEditable, match="GENERATING"):
        await world.reviewed(accepted.plan_id, "add_missing")


async def test_suggestions_are_chosen_from_a_review_of_this_plan(world: PlanWorld) -> None:
    plan, other = two_phases(world), two_phases(world)
    iteration, suggestions = await world.reviewed(plan.id, "refine_descriptions")
    with pytest.raises(Invalid, match=f"suggestion {len(suggestions)} does not exist"):
        world.apply(iteration, [len(suggestions)])
    with pytest.raises(Invalid, match="not an iteration of this plan"):
        world.apply(iteration.model_copy(update={"plan_id": other.id}), [0])
    created = world.tables.plans.iterations(plan.id, None, 50)[-1]
    with pytest.raises(NothingToApply):
        world.apply(created, [0])
    with pytest.raises(NotFound):
        world.apply(iteration.model_copy(update={"id": f"{plan.id}-I99"}), [0])
    assert Choice(iteration_id="x", suggestion_indices=[0])
