"""Plan generation from the request to the stored plan, with the mock and scripted answers."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.adapters.dynamodb.plan_rows import VersionRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import Invalid, NothingToRetry
from groundwork.generation.registry import run_handlers
from groundwork.llm.port import Question, Reply, Unavailable
from groundwork.plans.history import IterationKind, IterationStatus
from groundwork.plans.model import PlanStatus
from groundwork.plans.repo_survey import RepositoryUnavailable, Survey
from groundwork.plans.repositories import Repository
from groundwork.plans.validation import faults
from groundwork.runs.cancel import cancel
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import RunStatus, RunType
from groundwork.runs.progress import progress_of
from tests.fakes.model import ScriptedModel, text
from tests.plans.scripted_answers import FIVE, phases, written
from tests.plans.world import PlanWorld, tables_in_memory
from tests.runs.clock import now_ms


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PlanWorld]:
    with tables_in_memory() as tables:
        yield PlanWorld(tables, tmp_path / "repository")


@pytest.fixture
def on_moto(moto_tables: Tables, tmp_path: Path) -> PlanWorld:
    return PlanWorld(moto_tables, tmp_path / "repository")


def answering(*answers: Any) -> ScriptedModel:
    """Answers in turn and repeats the last one; a dict is JSON, an exception is raised."""

    def given(call: int, question: Question) -> Reply | Exception | None:
        answer = answers[min(call, len(answers)) - 1]
        return answer if answer is None or isinstance(answer, Exception) else text(json.dumps(answer))

    return ScriptedModel(given)


def versions(plan_id: str) -> list[str]:
    return [row.sk for row in VersionRow.query(plan_id, VersionRow.sk.startswith("V#"), consistent_read=True)]


async def test_a_description_becomes_a_plan(on_moto: PlanWorld) -> None:
    world = on_moto
    accepted = world.ask()
    assert world.plan(accepted.plan_id).status is PlanStatus.GENERATING
    assert world.triggered == [accepted.run_id]
    run = await world.to_the_end(accepted.run_id)
    assert (run.type, run.status, run.total, run.error) == (RunType.GENERATE_PLAN, RunStatus.SUCCEEDED, 1, None)
    plan = world.plan(accepted.plan_id)
    assert (plan.status, plan.version, plan.title) == (PlanStatus.DRAFT, 1, "Resume downloads")
    assert faults(plan, complete=True) == []
    assert {phase.mode for phase in plan.phases} == {"sequential", "parallel"}
    for one in plan.tasks:
        assert one.description
        assert one.acceptance_criteria
    assert any("src/downloads/resume.py" in one.files for one in plan.tasks)
    iteration = world.tables.plans.iteration(accepted.iteration_id)
    assert (iteration.kind, iteration.status) == (IterationKind.GENERATED, IterationStatus.DONE)
    assert iteration.actor == "somebody"
    assert (iteration.from_version, iteration.version, iteration.run_id) == (0, 1, run.id)
    assert len(iteration.changes) == len(plan.phases) + sum(1 for _ in plan.tasks)


async def test_progress_tells_what_is_being_done(world: PlanWorld) -> None:
    accepted = world.ask()
    progress = progress_of(world.run(accepted.run_id), now_ms(), run_handlers()[RunType.GENERATE_PLAN])
    assert (progress["planId"], progress["projectId"]) == (accepted.plan_id, None)
    await world.to_the_end(accepted.run_id)
    progress = progress_of(world.run(accepted.run_id), now_ms(), run_handlers()[RunType.GENERATE_PLAN])
    assert progress["progress"] == 100
    assert progress["artifactsCreated"] == sum(1 for _ in world.plan(accepted.plan_id).tasks)
    assert progress["tokens"]["output"] > 0


async def test_each_subtask_of_a_story_is_carried_out_by_one_task(world: PlanWorld) -> None:
    stories = [world.story(1, subtasks=3), world.story(2, subtasks=0)]
    plan = await world.generated(story_ids=stories, description="")
    assert plan.status is PlanStatus.DRAFT
    linked = [one.subtask_id for one in plan.tasks if one.subtask_id]
    assert sorted(linked) == [f"{stories[0]}-ST{n}" for n in (1, 2, 3)]
    assert {one.story_id for one in plan.tasks if one.story_id} == set(stories)
    assert plan.story_ids == tuple(stories)


async def test_the_stories_know_the_plan_as_soon_as_it_is_asked_for(world: PlanWorld) -> None:
    story = world.story()
    accepted = world.ask(story_ids=[story])
    assert [found["planId"] for found in world.tables.plans.of_story(story)] == [accepted.plan_id]


async def test_a_template_is_followed_with_its_places_filled_in(world: PlanWorld) -> None:
    plan = await world.generated(template_id="bug-fix", parameters={"bug": "the list is empty"}, description="")
    assert [phase.title for phase in plan.phases] == ["Understand", "Mend"]
    assert any("the list is empty" in one.description for one in plan.tasks)
    assert {"reproduce", "cause", "fix"} <= {one.key for one in plan.tasks}


async def test_the_layout_and_the_readme_are_in_view_as_data(world: PlanWorld) -> None:
    seen: list[Question] = []

    def look(call: int, question: Question) -> None:
        seen.append(question)

    world.model = ScriptedModel(look)
    await world.generated()
    repository = seen[0].material["repository"]
    assert "src/downloads/resume.py" in repository["layout"]
    assert repository["readme"].startswith("# Downloads")
    assert "Downloads" not in seen[0].instructions


# wrong answers of the model


A_CYCLE = phases(written("a", "b"), written("b", "a"), *FIVE)


async def test_a_wrong_answer_is_corrected_once_and_both_calls_are_counted(world: PlanWorld) -> None:
    world.model = answering(A_CYCLE, None)
    accepted = world.ask()
    run = await world.to_the_end(accepted.run_id)
    assert world.plan(accepted.plan_id).status is PlanStatus.DRAFT
    assert (run.usage.calls, run.claims) == (2, {})


async def test_a_plan_that_stays_wrong_is_failed_with_the_reason_and_nothing_half_written(world: PlanWorld) -> None:
    world.model = answering(A_CYCLE)
    accepted = world.ask()
    run = await world.to_the_end(accepted.run_id)
    assert (run.status, run.usage.calls) == (RunStatus.FAILED, 2)
    plan = world.plan(accepted.plan_id)
    assert (plan.status, plan.version, plan.phases) == (PlanStatus.FAILED, 0, ())
    assert "CYCLE: These tasks wait for each other" in str(plan.error)
    assert versions(plan.id) == ["V#000000"]
    iteration = world.tables.plans.iteration(accepted.iteration_id)
    assert (iteration.status, iteration.error) == (IterationStatus.FAILED, plan.error)
    assert run.next_retry_at is None, "who wants a plan asks again"
    # a failed generation does not block the next one
    world.model = ScriptedModel()
    assert (await world.generated()).status is PlanStatus.DRAFT


async def test_ids_are_given_by_code_and_never_twice(world: PlanWorld) -> None:
    plan = await world.generated()
    ids = [one.id for one in plan.tasks] + [phase.id for phase in plan.phases]
    assert len(set(ids)) == len(ids)
    assert all(id_.startswith(plan.id) for id_ in ids)
    assert plan.last_task == sum(1 for _ in plan.tasks)


# faults outside the model


async def test_a_repository_that_cannot_be_read_fails_the_plan_after_three_tries(world: PlanWorld) -> None:
    tries: list[str] = []

    def unreadable(repository: Repository) -> Survey:
        tries.append(repository.id)
        raise RepositoryUnavailable("The repository 'Downloads' could not be read: its server cannot be reached.")

    world.survey = unreadable
    plan = await world.generated()
    assert len(tries) == 3
    assert (plan.status, plan.error) == (
        PlanStatus.FAILED,
        "The repository 'Downloads' could not be read: its server cannot be reached.",
    )


async def test_a_model_that_cannot_be_reached_for_a_while_is_asked_again(world: PlanWorld) -> None:
    world.model = answering(Unavailable("away"), Unavailable("away"), None)
    assert (await world.generated()).status is PlanStatus.DRAFT


async def test_a_story_that_has_gone_meanwhile_fails_the_plan(world: PlanWorld) -> None:
    story = world.story(1, subtasks=0)
    accepted = world.ask(story_ids=[story])
    for row in world.rows("S"):
        row.delete()
    await world.to_the_end(accepted.run_id)
    plan = world.plan(accepted.plan_id)
    assert (plan.status, plan.error) == (PlanStatus.FAILED, f"The story {story} no longer exists.")


async def test_a_cancelled_generation_leaves_its_plan_failed_and_writes_nothing(world: PlanWorld) -> None:
    begun = asyncio.Event()

    class Slow(ScriptedModel):
        async def reply(self, question: Question) -> Reply:
            begun.set()
            await asyncio.sleep(60)
            return await super().reply(question)

    world.model = Slow()
    accepted = world.ask()
    hop = asyncio.create_task(world.worker().hop(accepted.run_id))
    await begun.wait()
    await asyncio.to_thread(cancel, world.tables.runs, accepted.run_id, now_ms, lambda seconds: None)
    assert await hop is HopEnd.LEASE_LOST
    plan = world.plan(accepted.plan_id)
    assert (plan.status, plan.error) == (PlanStatus.FAILED, "The generation was cancelled.")
    assert versions(plan.id) == ["V#000000"]
    assert world.tables.plans.iteration(accepted.iteration_id).status is IterationStatus.CANCELLED


async def test_a_worker_killed_in_the_middle_is_followed_by_one_that_ends_it(world: PlanWorld) -> None:
    begun = asyncio.Event()

    class Dying(ScriptedModel):
        async def reply(self, question: Question) -> Reply:
            if self.calls == 0:
                self.calls = 1
                begun.set()
                await asyncio.sleep(3_600)
            return await super().reply(question)

    world.model = Dying()
    accepted = world.ask()
    hop = asyncio.create_task(world.worker("first").hop(accepted.run_id))
    await begun.wait()
    hop.cancel()
    await asyncio.gather(hop, return_exceptions=True)
    assert world.plan(accepted.plan_id).status is PlanStatus.GENERATING
    # its lease has not expired: nobody else may write
    assert await world.worker("second").hop(accepted.run_id) is HopEnd.NOT_TAKEN
    later = world.worker("third")
    later.now_ms = lambda: now_ms() + 120_000
    assert await later.hop(accepted.run_id) is HopEnd.ENDED
    run, plan = world.run(accepted.run_id), world.plan(accepted.plan_id)
    assert (run.status, run.hops, plan.status, plan.version) == (RunStatus.SUCCEEDED, 2, PlanStatus.DRAFT, 1)
    assert versions(plan.id) == ["V#000000", "V#000001"]


async def test_two_workers_at_once_write_one_plan(world: PlanWorld) -> None:
    accepted = world.ask()
    ends = await asyncio.gather(*(world.worker(f"w{n}").hop(accepted.run_id) for n in range(3)))
    assert ends.count(HopEnd.ENDED) == 1
    assert world.plan(accepted.plan_id).version == 1
    assert len(world.tables.plans.iterations(accepted.plan_id, None, 50)) == 1


async def test_a_plans_run_is_not_retried_but_asked_for_anew(world: PlanWorld) -> None:
    world.model = answering(phases())
    accepted = world.ask()
    await world.to_the_end(accepted.run_id)
    with pytest.raises(NothingToRetry, match="start a new one"):
        world.starter.retry(accepted.run_id)


def test_a_cost_limit_is_kept(world: PlanWorld) -> None:
    accepted = world.ask(options={"maxCostUsd": 0.5})
    assert world.run(accepted.run_id).options.max_cost_usd == 0.5


# requests refused before the start


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"repository_id": "re2222222222"}, "repositoryId"),
        ({"repository_id": "nonsense"}, "repositoryId"),
        ({"description": "  "}, "description"),
        ({"story_ids": ["nonsense"]}, "storyIds[0]"),
        ({"story_ids": ["bcdfghjkmn-E1-S9"]}, "storyIds[0]"),
        ({"template_id": "nonsense"}, "templateId"),
        ({"template_id": "bug-fix"}, "parameters.bug"),
        ({"template_id": "bug-fix", "parameters": {"bug": "x", "more": "y"}}, "parameters.more"),
        ({"parameters": {"bug": "x"}}, "parameters"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_and_named(world: PlanWorld, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        world.ask(**fields)
    assert [problem["field"] for problem in refused.value.details] == [field]
    assert world.triggered == []


def test_more_subtasks_than_one_answer_holds_are_refused(world: PlanWorld) -> None:
    with pytest.raises(Invalid, match="51 subtasks"):
        world.ask(story_ids=[world.story(1, subtasks=51)])
