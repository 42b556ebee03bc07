"""Plans generated and reviewed by 29c4d3d, read and continued by today's code.

A requested generation and a begun review are among them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.adapters.dynamodb.tables import open_tables
from groundwork.errors import NotFound
from groundwork.plans.history import IterationKind, IterationStatus
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.operations import UpdateTask
from groundwork.runs.model import RunStatus
from tests.plans.world import PlanWorld
from tests.records.recorded import recorded, rows_of
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.tables import settings_at

ROWS = rows_of(recorded("plans")["29c4d3d authored"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PlanWorld]:
    """Point the recorded repository at the test's own folder."""
    database = Database()
    with in_place_of_aws(database.carry_out):
        made = PlanWorld(open_tables(settings_at("backlog", "runs")), tmp_path / "repository")
        database.load(ROWS)
        for repository in made.tables.repositories.page(None, 10)[0]:
            made.tables.repositories.update(repository.id, {"url": str(made.folder)})
        yield made


def plan_called(world: PlanWorld, title: str | None = None, status: str | None = None) -> Plan:
    summaries, _ = world.tables.plans.page(None, None, 10)
    found = [one["id"] for one in summaries if title in (None, one["title"]) and status in (None, one["status"])]
    return world.plan(found[0])


def reviewed(world: PlanWorld) -> Plan:
    """Return the plan with a history: generated, reviewed, edited, restored."""
    summaries, _ = world.tables.plans.page(None, None, 10)
    return max((world.plan(one["id"]) for one in summaries), key=lambda plan: plan.version)


def test_all_of_a_plans_history_is_read(world: PlanWorld) -> None:
    plan, plans = reviewed(world), world.tables.plans
    iterations = plans.iterations(plan.id, None, 50)
    kinds = {iteration.kind for iteration in iterations}
    assert kinds >= set(IterationKind) - {IterationKind.CREATED}
    for iteration in iterations:
        before, after = plans.before_and_after(iteration)
        assert after.version == iteration.version
        assert before.version == iteration.from_version
    suggested = [one for iteration in iterations for one in plans.with_suggestions(iteration)[1]]
    assert suggested
    assert all(one.model_extra == {} for one in suggested)
    assert plans.at_version(plan.id, 1).content() == plan.content()


def test_a_plan_is_edited_and_restored_again(world: PlanWorld) -> None:
    plan, editor = reviewed(world), world.editor()
    task = next(plan.tasks)
    edited = editor.edit(plan.id, [UpdateTask(task_id=task.id, fields={"title": "Edited today"})])
    assert edited.version == plan.version + 1
    assert world.plan(plan.id).task(task.id) == task.model_copy(update={"title": "Edited today"})
    assert editor.restore(plan.id, plan.version).content() == plan.content()


def test_a_suggestion_of_before_is_applied(world: PlanWorld) -> None:
    plan, plans = reviewed(world), world.tables.plans
    reviews = [one for one in plans.iterations(plan.id, None, 50) if one.kind is IterationKind.REVIEWED]
    offered = {one.id: plans.suggestions(one) for one in reviews}
    (last, _) = next((one, found) for one in reviews if (found := offered[one.id]))
    assert world.apply(last, [0]).version == plan.version + 1


async def test_a_generation_that_was_asked_for_is_made(world: PlanWorld) -> None:
    plan = plan_called(world, status="GENERATING")
    after = await world.to_the_end(f"{plan.id}-R1")
    assert after.status is RunStatus.SUCCEEDED
    assert world.plan(plan.id).status is PlanStatus.DRAFT
    assert list(world.plan(plan.id).tasks)


async def test_a_review_that_had_begun_is_ended(world: PlanWorld) -> None:
    plan = plan_called(world, "Being reviewed")
    pending = [one for one in world.tables.plans.iterations(plan.id, None, 5) if one.status is IterationStatus.PENDING]
    (iteration,) = pending
    assert world.run(str(iteration.run_id)).status.active
    after = await world.to_the_end(str(iteration.run_id))
    assert after.status is RunStatus.SUCCEEDED
    assert world.tables.plans.iteration(iteration.id).status is IterationStatus.DONE


async def test_a_saved_template_makes_a_plan(world: PlanWorld) -> None:
    (brief,), _ = world.tables.templates.page(None, 5)
    template = world.tables.templates.get(brief["id"])
    assert (brief["name"], brief["taskCount"]) == (template.name, sum(len(phase.tasks) for phase in template.phases))
    made = await world.generated(template_id=template.id)
    assert made.status is PlanStatus.DRAFT


def test_a_deleted_plan_is_purged(world: PlanWorld) -> None:
    (plan_id,) = world.tables.plans.to_purge()
    with pytest.raises(NotFound):
        world.plan(plan_id)
    assert world.tables.plans.purge(plan_id, lambda: False)
    assert world.tables.plans.to_purge() == []


def test_stories_know_their_plans(world: PlanWorld) -> None:
    links = {row["item"]["pk"]["S"] for row in ROWS if row["item"]["sk"]["S"].startswith("pl")}
    (story_id,) = links
    (progress,) = world.tables.plans.of_story(story_id)
    assert progress["planId" if "planId" in progress else "id"]


def test_cards_and_their_external_ids_are_read(world: PlanWorld) -> None:
    lines: list[Any] = [project for project in world.tables.projects.page(None, 10)[0] if project.name == "Another"]
    (project,) = lines
    cards = [card for page in world.tables.backlog.all_cards(project.id) for card in page]
    assert [(card.external_id, card.metadata) for card in cards] == [("x-1", {"stars": 2}), (None, {})]
    assert all(card.analysis is not None for card in cards)
    assert project.counts.cards == 2
