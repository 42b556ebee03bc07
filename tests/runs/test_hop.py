"""Runs from start to end on real tables, with a scripted model."""

import json

import pytest

from groundwork.adapters.dynamodb.backlog_rows import path_at, row_of
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.llm.port import Misconfigured, Overloaded, Question, RateLimited, Reply, Stop, Unavailable, Usage
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import CardCoverage, ErrorCode, ItemStatus, RunStatus, RunType
from tests.fakes.model import ScriptedModel, text
from tests.runs.world import PIPELINE, World


@pytest.fixture
def world(moto_tables: Tables) -> World:
    return World(moto_tables)


async def test_analysing_gives_every_card_an_analysis(world: World) -> None:
    world.add_cards(23)
    run = await world.to_the_end(world.start(RunType.ANALYZE_CARDS))
    assert (run.status, run.completed, run.failed, run.total) == (RunStatus.SUCCEEDED, 23, 0, 23)
    assert all(row.entity().analysis for row in world.rows("C"))
    world.check(run.id)


@pytest.mark.parametrize("ai", ["mock", "anthropic"])
async def test_results_name_the_mock_or_the_model(world: World, ai: str) -> None:
    world.ai = ai
    world.add_cards(12)
    for type_ in PIPELINE:
        run = await world.to_the_end(world.start(type_, mode="compact"))
        assert run.status is RunStatus.SUCCEEDED
    made_by = "mock" if ai == "mock" else "claude-sonnet-5-5"
    assert {row.entity().analysis.made_by for row in world.rows("C")} == {made_by}
    assert {row.entity().made_by for letter in "EST" for row in world.rows(letter)} == {made_by}


async def test_an_analysis_of_another_model_replaces_the_mark_and_a_new_text_removes_it(world: World) -> None:
    world.add_cards(1)
    await world.to_the_end(world.start(RunType.ANALYZE_CARDS))
    world.ai = "anthropic"
    await world.to_the_end(world.start(RunType.ANALYZE_CARDS, existing_behavior="replace"))
    (row,) = world.rows("C")
    assert row.entity().analysis.made_by == "claude-sonnet-5-5"
    world.tables.entries.update(path_at(row.pk, row.sk), {"text": "In other words"})
    (row,) = world.rows("C")
    assert (row.analysis, row.analysis_made_by) == (None, None)


async def test_cards_that_have_an_analysis_are_skipped(world: World) -> None:
    world.add_cards(5, analyzed=True)
    ids = [row.entity().id for row in world.rows("C")]
    new = world._card(6, analyzed=False, text="New")
    row_of(new).save()
    world._count(cards=1)
    run = await world.to_the_end(world.start(RunType.ANALYZE_CARDS))
    assert (run.completed, run.skipped, len(ids)) == (1, 5, 5)
    world.check(run.id)


async def test_a_few_hundred_cards_become_epics_in_one_item(world: World) -> None:
    world.add_cards(60, analyzed=True)
    run = await world.to_the_end(world.start(RunType.GENERATE_EPICS))
    epics = world.rows("E")
    assert (run.status, run.total, run.created) == (RunStatus.SUCCEEDED, 1, len(epics))
    assert 3 <= len(epics) <= 12
    assert run.coverage == CardCoverage(40, 40)
    assert world.project().epics == len(epics)
    world.check(run.id)


async def test_thousands_of_cards_are_proposed_in_batches_and_merged_once(world: World) -> None:
    world.add_cards(620, analyzed=True)
    run = await world.to_the_end(world.start(RunType.GENERATE_EPICS))
    assert (run.status, run.total, run.completed) == (RunStatus.SUCCEEDED, 4, 4)
    linked = [id_ for row in world.rows("E") for id_ in row.entity().card_ids]
    assert len(set(linked)) == 620
    world.check(run.id)


async def test_every_epic_gets_stories_by_mode_with_codes_of_ours(world: World) -> None:
    world.add_epics(4)
    run = await world.to_the_end(world.start(RunType.GENERATE_STORIES, mode="compact"))
    stories = [row.entity() for row in world.rows("S")]
    assert (run.status, run.created, len(stories)) == (RunStatus.SUCCEEDED, 12, 12)
    assert [story.code for story in stories[:4]] == ["S1", "S2", "S3", "S1"]
    assert all(story.run_id == run.id for story in stories)
    assert world.project().stories == 12


async def test_replace_takes_the_old_children_away_with_the_commit_of_the_new(world: World) -> None:
    world.add_epics(1)
    world.add_stories(1, 6)
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS, existing_behavior="replace", mode="compact"))
    codes = sorted({row.entity().code for row in world.rows("T")})
    assert (run.created, run.deleted, codes) == (18, 30, ["ST6", "ST7", "ST8"])
    assert world.project().subtasks == 18
    world.check(run.id)


async def test_a_failed_generation_leaves_the_old_children_in_place(world: World) -> None:
    world.add_epics(1)
    world.add_stories(1, 2)
    await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    before = [row.sk for row in world.rows("T")]
    world.model = ScriptedModel(lambda call, question: text("", Stop.REFUSED))
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS, existing_behavior="replace"))
    assert (run.status, run.failed) == (RunStatus.FAILED, 2)
    assert [row.sk for row in world.rows("T")] == before


async def test_an_item_that_no_transaction_could_take_fails_and_says_so_and_the_others_are_done(world: World) -> None:
    world.add_epics(1)
    waits_for_capacity, other = world.add_stories(1, 2)
    world.add_subtasks(waits_for_capacity, 95)
    world.add_subtasks(other, 3)
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS, existing_behavior="replace", mode="compact"))
    assert (run.status, run.completed, run.failed, run.retryable) == (RunStatus.PARTIAL, 1, 1, 0)
    (failed,) = (entry for entry in world.entries(run.id) if entry.status is ItemStatus.FAILED)
    assert failed.error_code is ErrorCode.TOO_LARGE
    assert failed.error == "Its 3 new and 95 old rows are more than one transaction takes."
    assert failed.usage.output > 0, "its call was made and is paid"
    kept = [row for row in world.rows("T") if row.entity().story_id == waits_for_capacity]
    assert len(kept) == 95
    assert world.project().subtasks == 95 + 3
    world.check(run.id)


async def test_a_long_run_continues_itself_over_hops(world: World) -> None:
    world.add_epics(1)
    world.add_stories(1, 12)
    world.hop_ms = 1_500
    world.model = ScriptedModel(seconds=0.25)
    run_id = world.start(RunType.GENERATE_SUBTASKS, pacing="safe")
    ends = [await world.hop(run_id)]
    while ends[-1] is HopEnd.CONTINUED:
        ends.append(await world.hop(run_id))
    run = world.run(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert run.hops == len(ends) >= 3
    assert world.triggered == [run_id] * len(ends)
    world.check(run_id)


async def test_a_count_outside_the_range_is_repaired_once_then_failed(world: World) -> None:
    world.add_epics(1)
    world.add_stories(1, 1)

    def too_few(call: int, question: Question) -> Reply:
        return text(json.dumps({"subtasks": [{"title": "Only", "description": "", "effort": "S"}]}))

    world.model = ScriptedModel(too_few)
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    (entry,) = world.entries(run.id)
    assert (entry.error_code, entry.attempts) == (ErrorCode.ANSWER_INVALID, 1)
    assert entry.usage.calls == 2 == world.model.calls
    assert run.usage == world.model.billed
    assert world.rows("T") == []


async def test_no_item_fails_because_of_a_rate_limit(world: World) -> None:
    world.add_epics(1)
    world.add_stories(1, 8)

    def limited(call: int, question: Question) -> Exception | None:
        return {0: RateLimited(retry_after=0.05), 1: Overloaded(retry_after=0.02)}.get(call % 3)

    world.model = ScriptedModel(limited)
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 8)
    assert {entry.attempts for entry in world.entries(run.id)} == {1}


async def test_a_model_that_is_down_fails_the_items_after_their_attempts_and_a_retry_is_due(world: World) -> None:
    world.add_epics(1)
    world.add_stories(1, 1)
    world.model = ScriptedModel(lambda call, question: Unavailable("no route"))
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    assert (run.status, world.model.calls, run.retryable) == (RunStatus.FAILED, 3, 1)
    assert run.next_retry_at
    assert world.tables.runs.due_for_retry(run.next_retry_at) == [run.id]


async def test_a_bad_key_ends_the_run_at_once_and_every_item_says_why(world: World) -> None:
    world.add_epics(1)
    world.add_stories(1, 30)
    world.model = ScriptedModel(lambda call, question: Misconfigured("invalid x-api-key"))
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS))
    assert (run.status, run.failed, run.next_retry_at) == (RunStatus.FAILED, 30, None)
    assert "x-api-key" in (run.error or "")
    world.check(run.id)


async def test_a_run_stops_at_its_cost_limit(world: World) -> None:
    world.add_epics(1)
    world.add_stories(1, 20)
    run = await world.to_the_end(world.start(RunType.GENERATE_SUBTASKS, pacing="fast", max_cost_usd=0.003))
    assert run.status is RunStatus.PARTIAL
    assert 0.003 <= run.cost / 1e6 <= 0.003 + 12 * 700 / 1e6
    assert run.completed + run.failed == 20
    world.check(run.id)


async def test_one_refused_card_does_not_fail_the_cards_it_was_asked_with(world: World) -> None:
    world.add_cards(10)

    def refuse(call: int, question: Question) -> Reply | None:
        poisoned = any("Card 7" in card["text"] for card in question.material["cards"])
        return text("", Stop.REFUSED) if poisoned else None

    world.model = ScriptedModel(refuse)
    run = await world.to_the_end(world.start(RunType.ANALYZE_CARDS))
    failed = [entry for entry in world.entries(run.id) if entry.status is ItemStatus.FAILED]
    assert (run.completed, [entry.index for entry in failed]) == (9, [6])
    assert failed[0].error_code is ErrorCode.ANSWER_REFUSED


async def test_tokens_and_cost_of_the_items_add_up_to_the_run_and_to_the_bill(world: World) -> None:
    world.add_cards(37)

    def faults(call: int, question: Question) -> Reply | Exception | None:
        if call % 5 == 0:
            return text("{", Stop.TRUNCATED)
        return text("not json") if call % 7 == 0 else None

    world.model = ScriptedModel(faults)
    run = await world.to_the_end(world.start(RunType.ANALYZE_CARDS))
    items = Usage()
    for entry in world.entries(run.id):
        items += entry.usage
    assert run.usage == world.model.billed == items
    assert run.cost == sum(entry.cost for entry in world.entries(run.id))
