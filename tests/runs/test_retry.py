"""Retries of failed items: by the schedule and by users, with their limits."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from groundwork.adapters.dynamodb.run_rows import run_row
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.model import Subtask
from groundwork.ids import Kind, Path, path_of
from groundwork.llm.port import ModelTask, Question, Unavailable
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import ErrorCode, Lease, RunPhase, RunStatus, RunType
from tests.fakes.model import ScriptedModel
from tests.runs.doubles import HOURS_LATER_MS, Provider, sweeper
from tests.runs.world import CREATED, World

pytestmark = pytest.mark.usefixtures("quick")


def _by_hand(path: Path, now: str) -> Subtask:
    fields = {"id": str(path), "story_id": str(path.parent), "project_id": path.project_id, "code": path.code}
    return Subtask(**fields, title="By hand", created_at=CREATED)


def _lost(*arguments: Any) -> None:
    raise SystemError("the worker is lost")


async def test_the_schedule_gives_no_second_epics_to_cards_that_a_later_run_has_seen_to(
    simulated_tables: Tables,
) -> None:
    provider = Provider()
    world = World(simulated_tables, model=ScriptedModel(provider))
    world.add_cards(6, analyzed=True)
    first = await world.to_the_end(world.start(RunType.GENERATE_EPICS))
    assert first.status is RunStatus.FAILED
    assert first.next_retry_at
    provider.down = False
    assert (await world.to_the_end(world.start(RunType.GENERATE_EPICS))).status is RunStatus.SUCCEEDED
    assert sweeper(world).sweep().retried == []
    linked = Counter(number for row in world.rows("E") for number in row.card_numbers)
    assert set(linked.values()) == {1}
    assert world.tables.runs.due_for_retry(world.clock_ms() + HOURS_LATER_MS) == []


async def test_the_schedule_leaves_what_a_later_run_has_replaced(simulated_tables: Tables) -> None:
    provider = Provider()
    world = World(simulated_tables, model=ScriptedModel(provider))
    world.add_epics(1)
    await world.to_the_end(world.start(RunType.GENERATE_STORIES, existing_behavior="replace"))
    provider.down = False
    second = await world.to_the_end(world.start(RunType.GENERATE_STORIES, existing_behavior="replace"))
    assert second.completed == 1
    before = {row.sk for row in world.rows("S")}
    assert sweeper(world).sweep().retried == []
    assert {row.sk for row in world.rows("S")} == before


async def test_a_later_run_over_some_of_it_does_not_keep_the_rest_from_being_retried(simulated_tables: Tables) -> None:
    provider = Provider()
    world = World(simulated_tables, model=ScriptedModel(provider))
    cards = world.add_cards(6)
    await world.to_the_end(world.start(RunType.ANALYZE_CARDS))
    provider.down = False
    await world.to_the_end(world.start(RunType.ANALYZE_CARDS, item_ids=[card.id for card in cards[:2]]))
    (again,) = sweeper(world).sweep().retried
    run = await world.to_the_end(again)
    assert (run.status, run.completed, run.skipped) == (RunStatus.SUCCEEDED, 4, 2)
    world.check(again)


async def test_the_schedule_does_not_go_past_a_cost_limit(simulated_tables: Tables) -> None:
    def fault(call: int, question: Question) -> Exception | None:
        return Unavailable() if "'Story 1'" in str(question.material) else None

    world = World(simulated_tables, model=ScriptedModel(fault))
    world.add_epics(1)
    world.add_stories(1, 90)
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS, max_cost_usd=0.028))
    codes = Counter(entry.error_code for entry in world.entries(run.id) if entry.error_code)
    assert codes[ErrorCode.COST_LIMIT] > 5
    assert run.retryable
    assert sweeper(world, 10 * HOURS_LATER_MS).sweep().retried == []


async def test_a_batch_that_is_retried_is_merged_with_the_others(
    simulated_tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundwork.generation.epics.CARDS_PER_CHUNK", 10)
    provider, first_batch = Provider(), list[str]()

    def fault(call: int, question: Question) -> Exception | None:
        if question.task is ModelTask.MERGE_EPICS:
            return provider(call, question)
        first_batch.append(str(question.material))
        return provider(call, question) if first_batch[0] == first_batch[-1] else None

    world = World(simulated_tables, model=ScriptedModel(fault))
    world.add_cards(30, analyzed=True)
    first = await world.to_the_end(world.start(RunType.GENERATE_EPICS))
    assert (first.total, first.completed, first.failed) == (4, 2, 2)
    provider.down = False
    again = await world.to_the_end(world.starter.retry(first.id).run_id)
    assert (again.status, again.completed) == (RunStatus.SUCCEEDED, 2)
    linked = {number for row in world.rows("E") for number in row.card_numbers}
    assert linked == set(range(1, 31))


async def test_a_retry_uses_no_number_that_was_made_and_deleted_by_hand(simulated_tables: Tables) -> None:
    provider = Provider()
    world = World(simulated_tables, model=ScriptedModel(provider))
    world.add_epics(1)
    world.add_stories(1, 1)
    first = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    assert first.status is RunStatus.FAILED
    made = world.tables.entries.create(Kind.SUBTASK, Path(Kind.STORY, world.project_id, (1, 1)), _by_hand)
    path = path_of(Kind.SUBTASK, made.id)
    assert path
    world.tables.entries.delete(path)
    provider.down = False
    await world.to_the_end(world.starter.retry(first.id).run_id)
    ids = {row.entity().id for row in world.rows("T")}
    assert ids
    assert made.id not in ids


async def test_a_run_given_up_before_its_items_were_queued_is_retried_whole(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    cards = world.add_cards(5)
    run_id = world.start(RunType.ANALYZE_CARDS, item_ids=[card.id for card in cards[:3]])
    run = world.run(run_id)
    # five hops in a row without a page of the manifest
    lost = Lease(5, "lost/1", 1)
    run_row(replace(run, hops=5, stalled_hops=5, phase=RunPhase.QUEUEING, lease=lost)).save()
    given_up = await world.to_the_end(run_id)
    assert (given_up.status, given_up.phase, given_up.queued) == (RunStatus.FAILED, RunPhase.QUEUEING, 0)
    assert given_up.next_retry_at is not None
    again = world.starter.retry(run_id, automatic=True)
    assert again.total == 3
    run = await world.to_the_end(again.run_id)
    assert (run.status, run.completed, run.total) == (RunStatus.SUCCEEDED, 3, 3)


async def test_a_run_stopped_by_its_cost_limit_stays_stopped_though_its_worker_was_lost_before_its_end(
    simulated_tables: Tables,
) -> None:
    """The last item is in the journal, the run not ended: the next worker needs the reason."""
    world = World(simulated_tables)
    world.add_epics(1)
    world.add_stories(1, 60)
    run_id = world.start(RunType.GENERATE_SUBTASKS, max_cost_usd=0.0005)
    finish = simulated_tables.runs.finish
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated_tables.runs, "finish", _lost)
        with pytest.raises(SystemError):
            await world.hop(run_id)
    assert simulated_tables.runs.finish == finish
    run = world.run(run_id)
    assert run.ended == run.total
    run_row(replace(run, lease=replace(run.lease, until=1), retryable=1)).save()
    assert await world.hop(run_id) is HopEnd.ENDED
    ended = world.run(run_id)
    assert ended.status is RunStatus.PARTIAL
    assert ended.error == "The run has reached its limit of 0.0005 US dollars."
    assert ended.next_retry_at is None
