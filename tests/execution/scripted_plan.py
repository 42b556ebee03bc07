"""A plan executed in memory, one small step at a time in any order.

The fake plays the state machine as defined in `statemachines/plan.asl.json`.
"""

from dataclasses import dataclass, field

from groundwork.errors import Refusal
from groundwork.execution import attempt_result, claims
from groundwork.execution.commands import Actor, execute
from groundwork.execution.coordinator import Command, ExecutionCoordinator
from groundwork.execution.state import ENDED_STATUSES, ExecutionState
from groundwork.execution.task_step import Step, step_of_task
from groundwork.execution.worker import Completed, TaskOutcome
from groundwork.plans.model import Phase, Plan, PlanStatus, Task, TaskStatus
from tests.fakes.executions import MemoryExecutions, MemoryMachine

INLINE = 40


@dataclass
class Iteration:
    """Task in a phase's Map: it asks at its gate, works, or has ended."""

    task_id: str
    state: Step = Step.GATE
    token: str | None = None
    epoch: int = 0


@dataclass
class Play:
    """`commits` counts successes by task.

    `claims` holds valid claims with the end of their leases.

    `wide`: every task of a phase reaches its gate at once, in any mode.
    """

    plan: Plan
    store: MemoryExecutions = field(default_factory=MemoryExecutions)
    now: int = 1_000
    commits: dict[str, int] = field(default_factory=dict)
    claims: dict[str, tuple[int, int]] = field(default_factory=dict)
    wide: bool = False
    tokens: int = 0

    def __post_init__(self) -> None:
        self.machine = MemoryMachine()
        self.store.add(self.plan)
        self.iterations: list[Iteration] = []
        self.phase = -1
        self.number = 0
        self.closed = True

    @property
    def execution_state(self) -> ExecutionState:
        return self.store.read(self.plan.id)

    @property
    def status(self) -> PlanStatus:
        return self.execution_state.status

    def statuses(self) -> dict[str, str]:
        return {task.key: self.execution_state.of(task.id).status.value for task in self.plan.tasks}

    def coordinator(self, who: str | None = None) -> ExecutionCoordinator:
        return ExecutionCoordinator(self.store, self.machine, lambda: self.now, who, sleep=lambda seconds: None)

    def asked(self) -> Actor:
        return Actor("somebody", self.now)

    def die(self) -> None:
        """End the execution before its plan: none of its workers may write any more."""
        self.coordinator().execution_over(self.plan.id, self.number, "Stopped")
        if self.status is PlanStatus.FAILED:
            self.claims.clear()

    def ask(self, act: Command) -> bool:
        """Returns False if the command was refused."""
        try:
            self.coordinator("somebody").change(self.plan.id, act)
        except Refusal:
            return False
        if self.status is PlanStatus.CANCELLED:
            self.claims.clear()
        self.follow()
        return True

    def execute(self) -> None:
        assert self.ask(lambda execution_state: execute(execution_state, self.asked()))

    # the state machine

    def follow(self) -> None:
        """Start new executions, phases in order, and ask at gates."""
        if self.machine.started and self.machine.started[-1][1] > self.number:
            self.number, self.phase, self.iterations, self.closed = self.machine.started[-1][1], -1, [], False
        if not self.closed:
            self._hear()
        while not self.closed and all(one.state is Step.DONE for one in self.iterations):
            self.phase += 1
            if self.phase == len(self.plan.phases):
                self.closed = True
                return
            self.iterations = [Iteration(task.id) for task in self.plan.phases[self.phase].tasks]
            self._hear()

    def _hear(self) -> None:
        """Deliver answers, and ask at the gate of the next tasks."""
        for one in self._in_the_map():
            if one.token is None and one.state is Step.GATE and not self.closed:
                self.tokens += 1
                one.token = f"token {self.tokens}"
                self.coordinator().register_gate(self.plan.id, self.number, one.task_id, one.token)
            if one.token in self.machine.opened:
                answer, one.token = self.machine.opened[one.token], None
                if answer is None:
                    self.closed = True
                    return
                one.state = Step(answer)
                if one.state is Step.DONE:
                    self._hear()
                    return

    def _in_the_map(self) -> list[Iteration]:
        left = [one for one in self.iterations if one.state is not Step.DONE]
        return left if self.wide or self.plan.phases[self.phase].mode == "parallel" else left[:1]

    # workers

    def working(self) -> list[Iteration]:
        return [one for one in self.iterations if one.state in (Step.WORK, Step.LATER)]

    def claim(self, one: Iteration) -> int | None:
        """Return the epoch of the claim; None if the task must not run."""
        results: list[claims.ClaimResult] = []

        def act(execution_state: ExecutionState) -> ExecutionState:
            results.append(claims.claim_task(execution_state, one.task_id, self.now))
            return results[-1].execution_state

        before = self.execution_state
        self.coordinator().change(self.plan.id, act)
        claim = results[-1]
        if claim.step is not Step.WORK:
            self._goes(one, claim.step)
            return None
        self._check_claim(before, one.task_id)
        self.claims[one.task_id] = (claim.epoch, self.now + claims.LEASE_MS)
        one.epoch = claim.epoch
        return claim.epoch

    def _check_claim(self, before: ExecutionState, task_id: str) -> None:
        """Work starts or continues only in a running plan, without another worker."""
        assert before.status is PlanStatus.RUNNING
        assert before.of(task_id).status is TaskStatus.RUNNING
        _, until = self.claims.get(task_id, (0, 0))
        assert until <= self.now

    def finish(self, one: Iteration, epoch: int, outcome: TaskOutcome) -> bool:
        """Returns False if the worker no longer held the task."""
        ends: list[attempt_result.AttemptResult | None] = []

        def act(execution_state: ExecutionState) -> ExecutionState:
            if not claims.claim_is_valid(execution_state, one.task_id, epoch):
                ends.append(None)
                return execution_state
            ends.append(attempt_result.record_outcome(execution_state, one.task_id, outcome, self.now))
            return ends[-1].execution_state  # type: ignore[union-attr]

        self.coordinator().change(self.plan.id, act)
        end = ends[-1]
        assert end is None or self.claims.pop(one.task_id, (0, 0))[0] == epoch, "who was replaced has written"
        if end and isinstance(outcome, Completed):
            self.commits[one.task_id] = self.commits.get(one.task_id, 0) + 1
        where = end.step if end else step_of_task(self.execution_state, one.task_id)
        self._goes(one, where)
        self.follow()
        return end is not None

    def _goes(self, one: Iteration, where: Step) -> None:
        one.state, one.token = where, None
        self.follow()

    def work(self, outcome: TaskOutcome | None = None) -> bool:
        """Run the first working task. Returns False if there is none."""
        for one in self.working():
            epoch = self.claim(one)
            if epoch is not None:
                self.finish(one, epoch, outcome or Completed("sha"))
            return True
        return False

    def to_the_end(self) -> None:
        while self.work():
            pass

    def to_the_end_without_people(self) -> None:
        """Complete all running tasks, and let the leases of dead workers expire."""
        while True:
            self.now += 200_000
            if not self.work():
                return

    # what must hold

    def check(self) -> None:
        execution_state = self.execution_state
        running = [task for task in self.plan.tasks if execution_state.of(task.id).status is TaskStatus.RUNNING]
        assert self.store.used == len(running)
        assert len(running) <= min(self.plan.max_parallel, self.store.limit)
        assert all(count <= 1 for count in self.commits.values())
        for task in self.plan.tasks:
            if execution_state.of(task.id).status in (TaskStatus.RUNNING, TaskStatus.COMPLETED):
                assert all(execution_state.of(other).released for other in task.depends_on), task.key
                assert all(execution_state.of(other).ended for other in self._before(task)), task.key
        if execution_state.status in (PlanStatus.PAUSED, PlanStatus.CANCELLED, PlanStatus.COMPLETED, PlanStatus.FAILED):
            assert not running
        if execution_state.status is PlanStatus.COMPLETED:
            assert all(execution_state.of(task.id).status in ENDED_STATUSES for task in self.plan.tasks)

    def _before(self, task: Task) -> list[str]:
        phase = self.plan.phase_of(task.id)
        assert isinstance(phase, Phase)
        earlier = self.plan.phases[: self.plan.phases.index(phase)]
        order = [other.id for one in earlier for other in one.tasks]
        if phase.mode != "parallel":
            order += [other.id for other in phase.tasks[: phase.tasks.index(task)]]
        return order

    def waits_for_a_person(self) -> bool:
        """True if only a user's action on the plan or a task can continue it."""
        execution_state = self.execution_state
        if execution_state.status is PlanStatus.PAUSED:
            assert execution_state.execution.cause is not None
            return True
        states = [execution_state.of(task.id).status for task in self.plan.tasks]
        return TaskStatus.AWAITING_APPROVAL in states
