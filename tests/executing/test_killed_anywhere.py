"""A plan of every kind of phase, carried out again and again: its execution is stopped at each of its states in turn,
and the function behind it is killed before and after each of its writes. People see to what waits then, and it must
come to its end, with one commit a task, no task counted as running, and no execution left over.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from groundwork.executing import carrying
from groundwork.plans.drafting import PhaseDraft, with_phases
from groundwork.plans.model import Plan
from tests.plans.plans import draft, phase
from tests.simulation.clock import on_virtual_time
from tests.simulation.cloud import Killed, Sandbox
from tests.simulation.dynamodb import WRITES
from tests.simulation.execution import simulation
from tests.simulation.execution.cloud import ExecutionCloud
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.paths import Json
from tests.simulation.execution.sessions import Habit
from tests.simulation.execution.simulation import ExecutionSimulation, connected
from tests.simulation.execution.states import DEFINITION, Execution, StateMachine
from tests.simulation.execution.worlds import NOW, PLANS, REPOSITORIES, World

EFFECTS = (*WRITES, "states", "lambda", "git")
"""Requests that change something."""

PHASES = (
    phase("One", draft("a"), draft("b", "a")),
    phase("Two", draft("c"), draft("d", "a"), mode="parallel"),
    phase("Three", draft("e"), mode="manual"),
    phase("Four", draft("f"), draft("g", "f"), draft("h"), mode="parallel"),
)
"""The last one is larger than an inline Map of two takes."""


@dataclass(slots=True)
class Stopped(StateMachine):
    """Stops an execution as it enters its n-th state, `at`; `entered` are the states' names as they were come to."""

    at: int = 0
    entered: list[str] = field(default_factory=list)

    async def _state(self, state: Json, data: Json, context: Json, execution: Execution) -> tuple[Json, str | None]:
        self.entered.append(context["State"]["Name"])
        if len(self.entered) == self.at:
            self.stop(execution.name.partition("/")[0], random.Random(self.at).choice(["ABORTED", "TIMED_OUT"]))
        return await StateMachine._state(self, state, data, context, execution)


@dataclass(slots=True)
class Deadly(ExecutionCloud):
    """Kills a sandbox before, or after, the n-th request that changes something; each request has two such moments."""

    at: int = 0
    moments: int = 0

    async def carry_out(self, sandbox: Sandbox, what: str, sent: Any) -> Any:
        if what not in EFFECTS:
            return await ExecutionCloud.carry_out(self, sandbox, what, sent)
        self._moment(sandbox)
        answer = await ExecutionCloud.carry_out(self, sandbox, what, sent)
        self._moment(sandbox)
        return answer

    def _moment(self, sandbox: Sandbox) -> None:
        self.moments += 1
        if self.moments == self.at:
            sandbox.kill()
            raise Killed


FEW = (
    phase("One", draft("a")),
    phase("Two", draft("b", "a"), mode="parallel"),
    phase("Three", draft("c"), mode="manual"),
)


def world(phases: tuple[PhaseDraft, ...]) -> World:
    bare = Plan(id=PLANS[0], repository_id=REPOSITORIES[0], title="A plan", created_at=NOW, updated_at=NOW)
    plan = with_phases(bare, phases).changed(version=1)
    return World(plans=(plan,), limit=20, invocation_s=330.0, habits={task.id: Habit() for task in plan.tasks})


def carried_out(
    phases: tuple[PhaseDraft, ...], prepare: Callable[[ExecutionSimulation], None] = lambda made: None
) -> ExecutionSimulation:
    """The whole course of events. Raises Violation, and what the code crashes with."""
    chances = random.Random(1)
    with connected(chances) as connect:
        made = ExecutionSimulation(world(phases), ExecutionFaults(), chances)
        connect(made)
        made.prepare()
        prepare(made)
        on_virtual_time(made.main(), made.loop)
    return made


def stopped_at(number: int) -> Stopped:
    machines: list[Stopped] = []

    def prepare(made: ExecutionSimulation) -> None:
        cloud = made.cloud
        machines.append(Stopped(cloud.invoke, cloud.states.on_end, cloud.random, cloud.note, at=number))
        cloud.states = machines[0]

    carried_out(PHASES, prepare)
    return machines[0]


@pytest.fixture(autouse=True)
def small_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "INLINE", 2)


def names(machine: Json) -> set[str]:
    inner = (names(state["ItemProcessor"]) for state in machine["States"].values() if "ItemProcessor" in state)
    return set(machine["States"]).union(*inner)


SELDOM = {"TellWhatWentWrong", "HasThePlanFailed", "PlanFailed"} | {
    f"{branch}WaitABit" for branch in ("Sequential", "Parallel", "Manual", "Many")
}
"""States that a plan without faults does not come to."""


def test_a_plan_whose_execution_is_stopped_at_any_state_comes_to_its_end() -> None:
    entered = stopped_at(0).entered
    assert set(entered) == names(DEFINITION) - SELDOM
    resumed = 0
    # the last one is the end, which is not stopped any more
    for number in range(1, len(entered)):
        executions = list(stopped_at(number).executions.values())
        assert executions[0].status in ("ABORTED", "TIMED_OUT")
        # unless it was stopped behind the last task, another one went on
        assert [one.status for one in executions[1:]] in ([], ["SUCCEEDED"])
        resumed += len(executions) - 1
    assert resumed > len(entered) - 20


def test_what_is_stopped_at_the_end_has_ended() -> None:
    last = len(stopped_at(0).entered)
    assert [one.status for one in stopped_at(last).executions.values()] == ["SUCCEEDED"]


def test_a_plan_whose_function_is_killed_at_any_write_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed_at(number: int) -> int:
        monkeypatch.setattr(simulation, "ExecutionCloud", partial(Deadly, at=number))
        cloud = carried_out(FEW).cloud
        assert isinstance(cloud, Deadly)
        return cloud.moments

    for number in range(1, killed_at(0) + 1):
        killed_at(number)
