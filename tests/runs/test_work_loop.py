"""The work loop of a hop: conflicts, repairs, suspects, limits."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from groundwork.adapters.dynamodb.run_rows import run_row
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.errors import Transient
from groundwork.ids import Kind, Path, path_of
from groundwork.llm.port import Question, RateLimited, Reply
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import Claim, Lease, RunStatus, RunType
from tests.fakes.model import ScriptedModel, text
from tests.runs.doubles import Behind
from tests.runs.world import World, dies
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.simulation.faults import Faults
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import simulate
from tests.tables import settings_at

pytestmark = pytest.mark.usefixtures("quick")


MANY = Scenario(RunType.GENERATE_SUBTASKS, 600, {"pacing": "fast", "mode": "detailed"}, 900.0, 0.05)


class SlowAboutTheSecond(ScriptedModel):
    async def reply(self, question: Question) -> Reply:
        if "'Story 2'" in str(question.material):
            await asyncio.sleep(0.5)
        return await super().reply(question)


@pytest.fixture
def lagging_tables() -> Iterator[Tables]:
    """Tables with stale answers for every read not strongly consistent."""
    database = Database()
    with in_place_of_aws(lambda operation, sent: database.carry_out(operation, sent, 2_000)):
        yield open_tables(settings_at("backlog", "runs"))


def _card(id_: str) -> Path:
    path = path_of(Kind.CARD, id_)
    assert path
    return path


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_item_whose_result_waits_to_be_saved_is_not_begun_again(seed: int) -> None:
    """More comes back at once than fits into a transaction, some of it to be tried again."""
    faults = Faults(unavailable=0.15, slow=0.25, until_s=3_000.0)
    report = simulate(seed, lambda drawn: MANY, lambda drawn: faults)
    assert not report.broken, report


async def test_a_log_that_cannot_be_written_does_not_make_a_hop_fail(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_cards(3)
    run_id = world.start(RunType.ANALYZE_CARDS)

    def log(*arguments: Any) -> None:
        raise Transient("DynamoDB: ThrottlingException")

    store: Any = Behind(simulated_tables.runs, append_log=log)
    assert await replace(world.worker(), store=store).hop(run_id) is HopEnd.ENDED


async def test_a_run_that_did_all_it_had_to_was_not_ended_by_its_cost_limit(simulated_tables: Tables) -> None:
    world = World(simulated_tables, model=SlowAboutTheSecond())
    world.add_epics(1)
    world.add_stories(1, 2)
    told: list[Any] = []
    run_id = world.start(RunType.GENERATE_SUBTASKS, max_cost_usd=0.0005)
    await replace(world.worker(), on_give_up=lambda *reason: told.append(reason)).hop(run_id)
    run = world.run(run_id)
    assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 2)
    assert run.error is None
    assert told == []


async def test_an_attempt_whose_question_was_answered_is_not_given_back(simulated_tables: Tables) -> None:
    """The first answer needs a repair, and the hop ends before it."""

    def fault(call: int, question: Question) -> Reply | Exception:
        return text("no") if call % 2 else RateLimited(retry_after=500)

    world = World(simulated_tables, model=ScriptedModel(fault), hop_ms=1_500)
    world.add_epics(1)
    world.add_stories(1, 1)
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    assert await world.hop(run_id) is HopEnd.CONTINUED
    run = world.run(run_id)
    assert (run.usage.calls, run.claims[0].attempts) == (1, 1)


async def test_a_conflict_does_not_keep_the_next_suspect_from_being_begun(simulated_tables: Tables) -> None:
    world = World(simulated_tables, hop_ms=12_000)
    world.add_epics(1)
    stories = world.add_stories(1, 2)

    def meanwhile(call: int, question: Question) -> None:
        if call == 1:
            world.add_subtasks(stories[0], 1)

    world.model = ScriptedModel(meanwhile, seconds=0.05)
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    run = await dies(world, run_id, lambda run: bool(run.claims))
    suspects = {0: Claim(2, 5), 1: Claim(2, 5)}
    run_row(replace(run, claims=suspects, cursor=2, lease=Lease(run.lease.epoch, "lost/1", 1))).save()
    assert await world.hop(run_id) is HopEnd.ENDED
    assert world.run(run_id).completed == 2


async def test_what_has_just_come_is_there_for_the_run_that_is_begun_next(lagging_tables: Tables) -> None:
    world = World(lagging_tables)
    world.add_epics(3)
    cards = world.add_cards(3)
    stories = await world.to_the_end(world.start(RunType.GENERATE_STORIES))
    assert (stories.status, stories.completed) == (RunStatus.SUCCEEDED, 3)
    analyses = await world.to_the_end(world.start(RunType.ANALYZE_CARDS, item_ids=[cards[0].id]))
    assert (analyses.status, analyses.completed) == (RunStatus.SUCCEEDED, 1)


async def test_a_card_edited_while_it_is_analysed_gets_the_analysis_of_its_new_text(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    edited, *_ = world.add_cards(3)

    def meanwhile(call: int, question: Question) -> None:
        if call == 1:
            simulated_tables.entries.update(_card(edited.id), {"text": "Something else"})

    world.model = ScriptedModel(meanwhile)
    run = await world.to_the_end(world.start(RunType.ANALYZE_CARDS))
    assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 3)
    entity = world.rows("C")[0].entity()
    assert (entity.text, entity.analysis.summary) == ("Something else", "About Something else")
    attempts = {entry.index: entry.attempts for entry in world.entries(run.id)}
    assert attempts[0] == 2
    world.check(run.id)


async def test_what_was_in_flight_with_a_lost_worker_goes_on_side_by_side(simulated_tables: Tables) -> None:
    """Only an item with two lost workers runs alone: a deployment hits dozens of innocent ones."""
    world = World(simulated_tables, model=ScriptedModel(seconds=0.05))
    world.add_epics(1)
    world.add_stories(1, 8)
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    run = await dies(world, run_id, lambda run: bool(run.claims))
    claims = {index: Claim(1, 5) for index in range(4)} | {index: Claim(2, 5) for index in range(4, 8)}
    run_row(replace(run, claims=claims, cursor=8, lease=Lease(run.lease.epoch, "lost/1", 1))).save()
    run = await world.to_the_end(run_id)
    assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 8)
    assert world.model.at_once >= 4
    attempts = {entry.index: entry.attempts for entry in world.entries(run_id)}
    assert attempts == dict.fromkeys(range(4), 2) | dict.fromkeys(range(4, 8), 3)
