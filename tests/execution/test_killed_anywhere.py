"""A plan with every kind of phase, stopped at each state and killed around each write.

Users then handle all that waits. The plan must end with one commit per task, no task counted as running, and no
execution left over. Courses with faults lead the execution into states not reached without them.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from groundwork.agent.repository import RepositoryUnreachable
from groundwork.execution import step_handler
from groundwork.plans.draft import PhaseDraft, add_phases
from groundwork.plans.model import Plan
from tests.plans.plans import draft, phase
from tests.simulation.clock import on_virtual_time
from tests.simulation.cloud import Killed, Sandbox
from tests.simulation.dynamodb import WRITES
from tests.simulation.execution import checking, simulation
from tests.simulation.execution.cloud import ExecutionCloud
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.paths import Json
from tests.simulation.execution.sessions import Habit
from tests.simulation.execution.simulation import ExecutionSimulation, connected
from tests.simulation.execution.states import DEFINITION, Execution, StateMachine, StatesError
from tests.simulation.execution.worlds import NOW, PLANS, REPOSITORIES, World

EFFECTS = (*WRITES, "states", "lambda", "git")
"""Requests with an effect."""

PHASES = (
    phase("One", draft("a"), draft("b", "a")),
    phase("Two", draft("c"), draft("d", "a"), mode="parallel"),
    phase("Three", draft("e"), mode="manual"),
    phase("Four", draft("f"), draft("g", "f"), draft("h"), mode="parallel"),
)
"""The last phase is larger than an inline Map of two takes."""


@dataclass(slots=True)
class Stopped(StateMachine):
    """Stops an execution at its n-th state, `at`. `entered` lists the states' names."""

    at: int = 0
    entered: list[str] = field(default_factory=list)

    async def _state(self, state: Json, data: Json, context: Json, execution: Execution) -> tuple[Json, str | None]:
        self.entered.append(context["State"]["Name"])
        if len(self.entered) == self.at:
            self.stop(execution.name.partition("/")[0], random.Random(self.at).choice(["ABORTED", "TIMED_OUT"]))
            # in this state, not in the next one with something to wait for
            await asyncio.sleep(0)
        return await StateMachine._state(self, state, data, context, execution)


@dataclass(slots=True)
class Faulty(ExecutionCloud):
    """The function cannot be invoked for any of `refused` in the first execution, at any retry.

    With `distant`, the repository is unreachable when a task first runs.
    """

    refused: tuple[str, ...] = ()
    distant: bool = False
    payloads: Mapping[int, Json] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)

    async def invoke(self, payload: Json) -> Json:
        if payload["do"] in self.refused and payload["number"] == 1:
            raise StatesError("Lambda.Unknown")
        return await ExecutionCloud.invoke(self, payload)

    def _git(self, sandbox: Sandbox, sent: Any) -> Any:
        task_id = self.payloads[sandbox.number].get("taskId", "")
        if self.distant and task_id not in self.tried:
            self.tried.add(task_id)
            raise RepositoryUnreachable("The server could not be reached.")
        return ExecutionCloud._git(self, sandbox, sent)


@dataclass(slots=True)
class Deadly(ExecutionCloud):
    """Kills a sandbox before or after the n-th of these requests: two moments per request."""

    at: int = 0
    moments: int = 0
    requests: tuple[str, ...] = EFFECTS

    async def carry_out(self, sandbox: Sandbox, what: str, sent: Any) -> Any:
        if what not in self.requests:
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


def world(phases: tuple[PhaseDraft, ...], checked: tuple[str, ...] = ()) -> World:
    bare = Plan(id=PLANS[0], repository_id=REPOSITORIES[0], title="A plan", created_at=NOW, updated_at=NOW)
    plan = add_phases(bare, phases).changed(version=1)
    habits = {task.id: Habit() for task in plan.tasks}
    return World(plans=(plan,), limit=20, invocation_s=330.0, habits=habits, checked=checked)


def carried_out(
    phases: tuple[PhaseDraft, ...],
    prepare: Callable[[ExecutionSimulation], None] = lambda made: None,
    checked: tuple[str, ...] = (),
) -> ExecutionSimulation:
    """Run a whole simulation. Raises Violation, and any crash of the code under test."""
    chances = random.Random(1)
    # random draws of the code under test, such as the delay of a first call
    random.seed(1)
    with connected(chances) as connect:
        made = ExecutionSimulation(world(phases, checked), ExecutionFaults(), chances)
        connect(made)
        made.prepare()
        prepare(made)
        on_virtual_time(made.main(made.people.live), made.loop)
    return made


@dataclass(frozen=True, slots=True)
class Course:
    """Course without a stop: the faults that lead into some of the states."""

    phases: tuple[PhaseDraft, ...] = PHASES
    refused: tuple[str, ...] = ()
    distant: bool = False

    def stops(self, entered: list[str]) -> list[int]:
        """All states; for a course with other waits only, the states after these."""
        waits = [number for number, name in enumerate(entered, 1) if name.endswith("WaitABit")]
        return waits if self.distant else list(range(1, len(entered) + 1))

    def stopped_at(self, number: int) -> Stopped:
        """Raises Violation."""
        machines: list[Stopped] = []

        def prepare(made: ExecutionSimulation) -> None:
            cloud = made.cloud
            assert isinstance(cloud, Faulty)
            cloud.payloads = made.seen.payloads
            machines.append(Stopped(cloud.invoke, cloud.states.on_end, cloud.random, cloud.note, at=number))
            cloud.states = machines[0]

        with pytest.MonkeyPatch.context() as patched:
            made = partial(Faulty, refused=self.refused, distant=self.distant)
            patched.setattr(simulation, "ExecutionCloud", made)
            carried_out(self.phases, prepare)
        return machines[0]


COURSES = {
    "nothing goes wrong": Course(),
    "the repository is out of reach at first": Course(distant=True),
    "the plan cannot be begun": Course(FEW, refused=("BEGIN",)),
    "a phase cannot be begun": Course(FEW, refused=("PHASE",)),
    "a phase cannot be begun, and that not be told": Course(FEW, refused=("PHASE", "FAILED")),
    "the end cannot be told": Course(FEW, refused=("END",)),
}


@pytest.fixture(autouse=True)
def small_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_handler, "MAX_INLINE_PHASE", 2)


def names(machine: Json) -> set[str]:
    inner = (names(state["ItemProcessor"]) for state in machine["States"].values() if "ItemProcessor" in state)
    return set(machine["States"]).union(*inner)


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_a_plan_whose_execution_is_stopped_at_any_state_comes_to_its_end(course: Course) -> None:
    before = course.stopped_at(0)
    for number in course.stops(before.entered):
        after = course.stopped_at(number)
        assert after.entered[:number] == before.entered[:number]
        statuses = [one.status for one in after.executions.values()]
        assert sum(status in ("ABORTED", "TIMED_OUT") for status in statuses) == 1, number
        # another execution continued, unless the stop came after the last task
        assert set(statuses) <= {"ABORTED", "TIMED_OUT", "FAILED", "SUCCEEDED"}
        assert "FAILED" not in statuses or course.refused


def test_there_is_no_state_at_which_no_execution_was_stopped() -> None:
    """A new state in the file needs a course that enters it."""
    stops: set[str] = set()
    for course in COURSES.values():
        entered = course.stopped_at(0).entered
        stops |= {entered[number - 1] for number in course.stops(entered)}
    assert stops == names(DEFINITION)


def test_a_plan_whose_function_is_killed_at_any_write_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed_at(number: int) -> int:
        monkeypatch.setattr(simulation, "ExecutionCloud", partial(Deadly, at=number))
        cloud = carried_out(FEW).cloud
        assert isinstance(cloud, Deadly)
        return cloud.moments

    for number in range(1, killed_at(0) + 1):
        killed_at(number)


CHECKED = (phase("One", draft("a"), draft("b"), mode="parallel"),)


@pytest.mark.slow(reason="each moment of the landings is a whole simulation")
def test_landings_with_checks_come_to_their_end_wherever_the_function_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed_at(number: int) -> ExecutionSimulation:
        # writes are killed above; these are the moments of a landing
        made = partial(Deadly, at=number, requests=("git", "checks"))
        monkeypatch.setattr(simulation, "ExecutionCloud", made)
        return carried_out(CHECKED, checked=REPOSITORIES)

    # a check that hangs is repeated for hours: the simulator has those
    monkeypatch.setattr(checking, "HANGING", 2**32)
    undisturbed = killed_at(0)
    assert undisturbed.checks.passed
    assert isinstance(undisturbed.cloud, Deadly)
    for number in range(1, undisturbed.cloud.moments + 1):
        killed_at(number)
