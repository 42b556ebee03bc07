"""Bugs of the run engine that reading it has found, each shown by itself."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from groundwork.adapters.dynamodb.run_rows import RunRow, run_key, run_row
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.backlog.model import Subtask
from groundwork.errors import Transient
from groundwork.generation.registry import run_handlers
from groundwork.ids import Kind, Path, path_of
from groundwork.llm.port import Question, RateLimited, Reply, Task, Unavailable
from groundwork.runs.cancel import cancel
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import Claim, ErrorCode, Lease, Run, RunStatus, RunType
from groundwork.runs.ports import Changes
from groundwork.runs.progress import progress_of
from groundwork.runs.start import RunRequest
from groundwork.runs.sweep import Sweeper
from tests.fakes.model import ScriptedModel, text
from tests.runs.world import CREATED, World, dies
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.simulation.faults import Faults
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import simulate
from tests.tables import settings_at

HOURS_LATER_MS = 3_600_000
ANALYSIS = run_handlers()[RunType.ANALYZE_CARDS]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.runs.call_pool.RETRY_AFTER_MS", (1, 1))


class Provider:
    """One that is down until it is said to be well again."""

    def __init__(self) -> None:
        self.down = True

    def __call__(self, call: int, question: Question) -> Exception | None:
        return Unavailable() if self.down else None


class Behind:
    """A store some of whose methods are others."""

    def __init__(self, store: Any, **methods: Any) -> None:
        self._store = store
        self.__dict__ |= methods

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def sweeper(world: World, ahead_ms: int = HOURS_LATER_MS) -> Sweeper:
    def now() -> int:
        return world.clock_ms() + ahead_ms

    starter = replace(world.starter, now_ms=now)
    return Sweeper(world.tables.runs, starter, list, lambda project_id, is_over: True, now, lambda: 60_000)


MANY = Scenario(RunType.GENERATE_SUBTASKS, 600, {"pacing": "fast", "mode": "detailed"}, 900.0, 0.05)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_item_whose_result_waits_to_be_saved_is_not_begun_again(seed: int) -> None:
    """More comes back at once than fits into a transaction, some of it to be tried again."""
    faults = Faults(unavailable=0.15, slow=0.25, until_s=3_000.0)
    report = simulate(seed, lambda drawn: MANY, lambda drawn: faults)
    assert not report.broken, report


async def test_a_trigger_that_failed_once_is_not_what_progress_says_for_ever(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_cards(3)

    def refused(run_id: str) -> None:
        raise Transient("Lambda: TooManyRequestsException")

    starter = replace(world.starter, invoke=refused)
    run_id = starter.start(world.project_id, RunRequest(type=RunType.ANALYZE_CARDS)).run_id
    waiting = progress_of(world.run(run_id), world.clock_ms(), ANALYSIS)
    assert "could not be triggered" in waiting["phaseDetail"]
    run = await world.to_the_end(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert "could not be triggered" not in progress_of(run, world.clock_ms(), ANALYSIS)["phaseDetail"]


async def test_a_worker_whose_run_was_cancelled_before_its_last_write_knows_it(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_cards(3)
    run_id = world.start(RunType.ANALYZE_CARDS)
    runs = simulated_tables.runs

    def finish(run: Run, before: Run, changes: Changes) -> None:
        cancel(runs, run_id, world.clock_ms, lambda seconds: None)
        runs.finish(run, before, changes)

    store: Any = Behind(runs, finish=finish)
    assert await replace(world.worker(), store=store).hop(run_id) is HopEnd.LEASE_LOST
    assert world.run(run_id).status is RunStatus.CANCELLED
    assert not [line for line in world.logs(run_id) if "The run ended" in line.message]


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
        if question.task is Task.MERGE_EPICS:
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


def _by_hand(path: Path, now: str) -> Subtask:
    fields = {"id": str(path), "story_id": str(path.parent), "project_id": path.project_id, "code": path.code}
    return Subtask(**fields, title="By hand", created_at=CREATED)


async def test_a_row_that_cannot_be_read_does_not_stop_the_sweep(simulated_tables: Tables) -> None:
    """As after a deployment that was rolled back: a later release has written what this one does not know."""
    world, other = World(simulated_tables), World(simulated_tables)
    world.add_cards(3)
    other.add_cards(3)
    bad, good = world.start(RunType.ANALYZE_CARDS), other.start(RunType.ANALYZE_CARDS)
    RunRow(*run_key(bad)).update(actions=[RunRow.phase.set("PONDERING")])
    swept = sweeper(world).sweep()
    assert (swept.revived, swept.deferred) == ([good], [bad])


async def test_a_log_that_cannot_be_written_does_not_make_a_hop_fail(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_cards(3)
    run_id = world.start(RunType.ANALYZE_CARDS)

    def log(*arguments: Any) -> None:
        raise Transient("DynamoDB: ThrottlingException")

    store: Any = Behind(simulated_tables.runs, log=log)
    assert await replace(world.worker(), store=store).hop(run_id) is HopEnd.ENDED


class SlowAboutTheSecond(ScriptedModel):
    async def reply(self, question: Question) -> Reply:
        if "'Story 2'" in str(question.material):
            await asyncio.sleep(0.5)
        return await super().reply(question)


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
    """The first answer needs a repair, and the hop ends before the repair may be asked for."""

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


@pytest.fixture
def lagging_tables() -> Iterator[Tables]:
    """Every read that may be stale is."""
    database = Database()
    with in_place_of_aws(lambda operation, sent: database.carry_out(operation, sent, 2_000)):
        yield open_tables(settings_at("backlog", "runs"))


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


def _card(id_: str) -> Path:
    path = path_of(Kind.CARD, id_)
    assert path
    return path
