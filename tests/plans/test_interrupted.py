"""A worker's crash or a lost response at every single request of a generation and a review."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.errors import Transient
from groundwork.llm.mock.model import MockModel
from groundwork.plans.history import IterationStatus
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.repo_survey import Survey
from groundwork.plans.reviews import ReviewRequest
from groundwork.plans.validation import faults
from groundwork.runs import retry
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import Run, RunStatus
from tests.plans.world import FILES, PlanWorld
from tests.runs.clock import now_ms
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.tables import settings_at

SURVEY = Survey("main", "0" * 40, tuple(FILES), FILES["README.md"], "README.md")


class Died(BaseException):
    """The worker's process is gone."""


@dataclass
class Wire:
    """A layer between worker and tables; the request number `at` fails."""

    database: Database
    at: int = 0
    how: str = ""
    sent: int = 0
    dead: bool = False

    def send(self, operation: str, sent: dict[str, Any]) -> Any:
        if self.dead:
            raise Died
        self.sent += 1
        if self.sent != self.at:
            return self.database.carry_out(operation, sent)
        if self.how == "lost before":
            raise ReadTimeoutError(endpoint_url="the tables")
        answer = self.database.carry_out(operation, sent) if "after" in self.how else None
        if self.how == "lost after":
            raise ReadTimeoutError(endpoint_url="the tables")
        self.dead = True
        assert answer is None or "after" in self.how
        raise Died

    def break_at(self, at: int, how: str) -> None:
        self.at, self.how, self.sent, self.dead = at, how, 0, False

    def mend(self) -> None:
        self.break_at(0, "")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry an item at once."""
    monkeypatch.setattr(retry, "ITEM_RETRY_DELAYS_MS", (1, 1))


HOW = ("killed before", "killed after", "lost before", "lost after")


async def at_once(call: Callable[..., Any], *args: Any) -> Any:
    """Run in place of a thread, so that each sequence of events is reproducible."""
    return call(*args)


@contextmanager
def a_world(folder: Path) -> Iterator[tuple[PlanWorld, Wire]]:
    wire = Wire(Database())
    with in_place_of_aws(wire.send):
        tables: Tables = open_tables(settings_at("backlog", "runs"))
        model = MockModel("claude-sonnet-5-5", 0, sleep=lambda seconds: asyncio.sleep(0))
        yield PlanWorld(tables, folder, model, survey=lambda repository: SURVEY), wire


def hop(world: PlanWorld, run_id: str, minutes: int, name: str) -> HopEnd | None:
    """Run one hop some minutes later; None if its worker crashed or the platform must retry."""
    worker = world.worker(name)
    worker.io = at_once
    worker.now_ms = lambda: now_ms() + minutes * 60_000
    try:
        return asyncio.run(worker.hop(run_id))
    except (Died, Transient):
        return None


def to_the_end(world: PlanWorld, run_id: str) -> Run:
    """Continue a run with a crashed worker, as the sweep does."""
    for number in range(2, 8):
        if not world.run(run_id).status.active or hop(world, run_id, 2 * number, f"worker-{number}") is HopEnd.ENDED:
            break
    return world.run(run_id)


def requests_of(act: Callable[[PlanWorld, Wire], object], folder: Path) -> int:
    """Count the requests of an undisturbed hop."""
    with a_world(folder) as (world, wire):
        act(world, wire)
        return wire.sent


def generate(world: PlanWorld, wire: Wire, at: int = 0, how: str = "") -> tuple[Run, Plan]:
    accepted = world.ask()
    wire.break_at(at, how)
    hop(world, accepted.run_id, 0, "worker-1")
    sent = wire.sent
    wire.mend()
    run = to_the_end(world, accepted.run_id)
    plan = world.plan(accepted.plan_id)
    wire.sent = sent
    return run, plan


def review(world: PlanWorld, wire: Wire, at: int = 0, how: str = "") -> tuple[Run, str]:
    _, plan = generate(world, wire)
    accepted = world.reviewer.review(plan.id, ReviewRequest(review_type="refine_descriptions"), "somebody")
    wire.break_at(at, how)
    hop(world, accepted.run_id, 0, "worker-1")
    sent = wire.sent
    wire.mend()
    run = to_the_end(world, accepted.run_id)
    wire.sent = sent
    return run, accepted.iteration_id


@pytest.mark.parametrize("how", HOW)
def test_a_generation_ends_with_one_whole_plan_wherever_it_is_interrupted(tmp_path: Path, how: str) -> None:
    requests = requests_of(generate, tmp_path)
    assert requests > 10
    for at in range(1, requests + 1):
        with a_world(tmp_path) as (world, wire):
            run, plan = generate(world, wire, at, how)
            assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 1), (at, run.error)
            assert (plan.status, plan.version) == (PlanStatus.DRAFT, 1)
            assert faults(plan, complete=True) == []
            assert plan.last_task == sum(1 for _ in plan.tasks)
            (iteration,) = world.tables.plans.iterations(plan.id, None, 50)
            assert (iteration.status, iteration.version) == (IterationStatus.DONE, 1)
            assert len(list(world.tables.runs.journal(run.id))) == 1


@pytest.mark.parametrize("how", HOW)
def test_a_review_ends_with_each_suggestion_once_wherever_it_is_interrupted(tmp_path: Path, how: str) -> None:
    with a_world(tmp_path) as (world, wire):
        _, iteration_id = review(world, wire)
        known = len(world.tables.plans.suggestions(world.tables.plans.iteration(iteration_id)))
    assert known
    for at in range(1, requests_of(review, tmp_path) + 1):
        with a_world(tmp_path) as (world, wire):
            run, iteration_id = review(world, wire, at, how)
            iteration = world.tables.plans.iteration(iteration_id)
            assert (run.status, iteration.status) == (RunStatus.SUCCEEDED, IterationStatus.DONE), (at, run.error)
            assert len(world.tables.plans.suggestions(iteration)) == known == run.created
