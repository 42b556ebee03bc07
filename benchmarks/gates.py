"""Time of a parallel phase through gates and in waves, on random graphs and virtual time.

Only tasks take time, so the figures compare the order of opening gates. In waves each task waits for the whole wave
before it, as with a map over the levels of the graph.
"""

import heapq
import random
from dataclasses import dataclass, field

from groundwork.execution import attempt_result, claims
from groundwork.execution.commands import Actor, execute
from groundwork.execution.coordinator import Command, ExecutionCoordinator
from groundwork.execution.state import ExecutionState
from groundwork.execution.task_step import Step
from groundwork.execution.worker import Completed
from groundwork.plans.draft import PhaseDraft, TaskDraft, add_phases
from groundwork.plans.graph import SECONDS, by_effort, critical_path, schedule
from groundwork.plans.model import Plan, PlanStatus
from tests.fakes.executions import MemoryExecutions, MemoryMachine
from tests.plans.plans import empty


@dataclass(frozen=True)
class GateFigures:
    """Times of the phase as multiples of its critical path, and the largest of all graphs."""

    graphs: int
    tasks: int
    width: int
    gates: float
    most_gates: float
    waves: float
    one_by_one: float


def random_plan(dice: random.Random, tasks: int, width: int) -> Plan:
    """One parallel phase; each task depends on up to three of those before it."""
    drafts = []
    for number in range(tasks):
        needs = dice.sample(range(number), k=min(number, dice.randint(0, 3)))
        effort = dice.choice(list(SECONDS))
        depends_on = tuple(f"t{other}" for other in needs)
        drafts.append(TaskDraft(key=f"t{number}", title="Do it", depends_on=depends_on, effort=effort))
    return add_phases(empty(max_parallel=width), [PhaseDraft(title="One", mode="parallel", tasks=tuple(drafts))])


@dataclass
class Carried:
    """Execution of a plan on virtual time; `seconds` is the clock."""

    plan: Plan
    seconds: float = 0.0
    store: MemoryExecutions = field(default_factory=MemoryExecutions)

    def __post_init__(self) -> None:
        self.store.add(self.plan)
        self.machine = MemoryMachine()
        self.conductor = ExecutionCoordinator(self.store, self.machine, lambda: round(self.seconds * 1000) + 1)
        self.busy: list[tuple[float, str]] = []
        self.heard: set[str] = set()

    def to_the_end(self) -> float:
        """Return the seconds of the phase."""
        plan_id = self.plan.id
        self.conductor.change(plan_id, lambda execution_state: execute(execution_state, Actor("bench", 1)))
        for task in self.plan.tasks:
            self.store.save_pending_token(plan_id, task.id, 1, task.id)
        self.conductor.change(plan_id, lambda execution_state: execution_state)
        self._begin()
        while self.busy:
            self.seconds, task_id = heapq.heappop(self.busy)
            self._finish(task_id)
            self._begin()
        assert self.store.read(plan_id).status is PlanStatus.COMPLETED
        return self.seconds

    def _begin(self) -> None:
        for token, answer in list(self.machine.opened.items()):
            if answer == Step.WORK.value and token not in self.heard:
                self.heard.add(token)
                self._claim(token)
                task = self.plan.task(token)
                assert task is not None
                heapq.heappush(self.busy, (self.seconds + by_effort(task), token))

    def _finish(self, task_id: str) -> None:
        self._change(
            lambda execution_state: (
                attempt_result.record_outcome(execution_state, task_id, Completed("sha"), 1).execution_state
            )
        )

    def _claim(self, task_id: str) -> None:
        self._change(lambda execution_state: claims.claim_task(execution_state, task_id, 1).execution_state)

    def _change(self, act: Command) -> ExecutionState:
        return self.conductor.change(self.plan.id, act)


def in_waves(plan: Plan, width: int) -> float:
    """Run waves of tasks, each dependent only on earlier waves, with limited concurrency."""
    level: dict[str, int] = {}
    for task in plan.tasks:
        level[task.id] = 1 + max((level[other] for other in task.depends_on), default=0)
    seconds = 0.0
    for number in range(1, max(level.values()) + 1):
        free = [0.0] * width
        for task in plan.tasks:
            if level[task.id] == number:
                heapq.heapreplace(free, free[0] + by_effort(task))
        seconds += max(free)
    return seconds


def gate_figures(graphs: int = 40, tasks: int = 60, width: int = 60, seed: int = 1) -> GateFigures:
    dice = random.Random(seed)
    ratios: list[tuple[float, float, float]] = []
    for _ in range(graphs):
        plan = random_plan(dice, tasks, width)
        graph = {task.id: list(task.depends_on) for task in plan.tasks}
        _, critical = critical_path(graph, {task.id: by_effort(task) for task in plan.tasks})
        taken = Carried(plan).to_the_end()
        ratios.append((taken / critical, in_waves(plan, width) / critical, schedule(plan).work_seconds / critical))
    gates, waves, alone = zip(*ratios, strict=True)
    return GateFigures(
        graphs=graphs,
        tasks=tasks,
        width=width,
        gates=round(sum(gates) / graphs, 3),
        most_gates=round(max(gates), 3),
        waves=round(sum(waves) / graphs, 2),
        one_by_one=round(sum(alone) / graphs, 2),
    )
