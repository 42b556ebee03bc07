"""Random plans, and workers' and users' actions in random order: invariants of every step."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.execution import commands
from groundwork.execution.coordinator import Command
from groundwork.execution.state import ENDED_STATUSES
from groundwork.execution.worker import Completed, Failed, Suspended, TaskOutcome, TransientFailure
from groundwork.plans.draft import PhaseDraft
from groundwork.plans.model import Condition, Plan, PlanStatus, TaskStatus
from tests.examples import examples
from tests.execution.scripted_plan import Iteration, Play
from tests.fakes.executions import MemoryExecutions
from tests.plans.plans import EFFORTS, draft, phase, plan_of

OUTCOMES = (
    Completed("sha", files=("src/a.py",)),
    Completed("sha"),
    Failed("No."),
    Suspended(),
    TransientFailure("Rate limit"),
)
WIDE = settings(deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Complete plans, with conditions on earlier tasks and phases with a pause."""
    phases: list[PhaseDraft] = []
    earlier: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        tasks, own = [], list[str]()
        for position in range(draw(st.integers(1, 5))):
            key = f"p{number}t{position}"
            needs = draw(st.lists(st.sampled_from(earlier + own), unique=True, max_size=3)) if earlier + own else []
            condition = draw(st.none() | conditions(earlier)) if earlier else None
            tasks.append(draft(key, *needs, effort=draw(st.sampled_from(EFFORTS)), condition=condition))
            own.append(key)
        condition = draw(st.none() | conditions(earlier)) if earlier else None
        mode = draw(st.sampled_from(["sequential", "parallel", "manual"]))
        paused = draw(st.booleans())
        phases.append(phase(f"Phase {number}", *tasks, mode=mode, pause_after=paused, condition=condition))
        earlier += own
    return plan_of(*phases, max_parallel=draw(st.integers(1, 4)))


def conditions(earlier: list[str]) -> st.SearchStrategy[Condition]:
    outcomes = st.sampled_from([None, "COMPLETED", "FAILED", "SKIPPED"])
    globs = st.sampled_from([None, "src/*.py", "docs/**"])
    parts = st.tuples(st.sampled_from(earlier), outcomes, globs)
    return parts.map(lambda part: Condition(task_id=part[0], outcome=part[1], files_changed=part[2]))


class Chooser:
    """Chooses the next step of a play and takes it."""

    def __init__(self, play: Play, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.play, self.draw = play, draw
        self.claims: list[tuple[Iteration, int]] = []
        self.ended: list[tuple[Iteration, int]] = []

    def step(self) -> None:
        steps = [self.claim, self.finish, self.finish, self.click, self.lose, self.time, self.zombie, self.repeat]
        self.draw(st.sampled_from(steps))()

    def claim(self) -> None:
        if working := self.play.working():
            one = self.draw(st.sampled_from(working))
            if (epoch := self.play.claim(one)) is not None:
                self.claims.append((one, epoch))

    def finish(self, outcomes: tuple[TaskOutcome, ...] = OUTCOMES) -> None:
        if self.claims:
            one, epoch = self.draw(st.sampled_from(self.claims))
            self.claims.remove((one, epoch))
            self.ended.append((one, epoch))
            self.play.finish(one, epoch, self.draw(st.sampled_from(outcomes)))

    def zombie(self) -> None:
        """A replaced or finished worker writes after all."""
        if self.ended:
            one, epoch = self.draw(st.sampled_from(self.ended))
            self.play.finish(one, epoch, Completed("sha"))

    def lose(self) -> None:
        if self.claims:
            claim = self.draw(st.sampled_from(self.claims))
            self.claims.remove(claim)
            self.ended.append(claim)

    def time(self) -> None:
        self.play.now += self.draw(st.sampled_from([1_000, 100_000]))

    def repeat(self) -> None:
        """A resync, repeated notifications, a dead execution, or a late gate."""
        coordinator = self.play.coordinator()
        kind = self.draw(st.sampled_from(["look", "die", "late"]))
        if kind == "look":
            coordinator.resync(self.play.plan.id)
        elif kind == "die":
            self.play.die()
        else:
            task = self.draw(st.sampled_from(list(self.play.plan.tasks)))
            coordinator.register_gate(self.play.plan.id, self.play.number - 1, task.id, "an old token")
        self.play.follow()

    def click(self) -> None:
        begun = {id_ for id_, state in self.play.execution_state.states.items() if state.status is TaskStatus.RUNNING}
        act = self.draw(self.any_click())
        if self.play.ask(act) and self.play.status not in (PlanStatus.RUNNING, PlanStatus.PAUSING):
            after = {
                id_ for id_, state in self.play.execution_state.states.items() if state.status is TaskStatus.RUNNING
            }
            assert after <= begun

    def any_click(self) -> st.SearchStrategy[Command]:
        asked = self.play.asked()
        id_ = self.draw(st.sampled_from([task.id for task in self.play.plan.tasks]))
        dependents = self.draw(st.sampled_from(["skip", "run"]))
        acts: list[Command] = [
            lambda execution_state: commands.pause(execution_state, asked),
            lambda execution_state: commands.resume(execution_state, asked),
            lambda execution_state: commands.approve(execution_state, id_, asked),
            lambda execution_state: commands.reject(execution_state, id_, asked),
            lambda execution_state: commands.retry(execution_state, id_, asked),
            lambda execution_state: commands.skip(execution_state, id_, asked, dependents),
            lambda execution_state: commands.complete(execution_state, id_, asked, "by hand"),
        ]
        seldom: list[Command] = [lambda execution_state: commands.cancel(execution_state, asked)]
        return st.sampled_from(acts * 5 + seldom)


@settings(WIDE, max_examples=examples(250))
@given(st.data())
def test_whatever_workers_and_people_do_in_whatever_order_the_plan_stays_right(data: st.DataObject) -> None:
    plan = data.draw(plans())
    play = Play(plan, MemoryExecutions(limit=data.draw(st.integers(1, 3))), wide=data.draw(st.booleans()))
    play.execute()
    chooser = Chooser(play, data.draw)
    for _ in range(data.draw(st.integers(0, 40))):
        chooser.step()
        play.check()
    play.to_the_end_without_people()
    play.check()
    assert play.status in (PlanStatus.COMPLETED, PlanStatus.CANCELLED, PlanStatus.FAILED) or play.waits_for_a_person()


@settings(WIDE, max_examples=examples(120))
@given(st.data())
def test_a_plan_whose_people_act_comes_to_its_end(data: st.DataObject) -> None:
    plan = data.draw(plans())
    play = Play(plan)
    play.execute()
    chooser = Chooser(play, data.draw)
    for _ in range(data.draw(st.integers(0, 20))):
        chooser.step()
    for _ in range(500):
        play.to_the_end_without_people()
        if not act_on(play):
            break
    play.check()
    assert play.status in (PlanStatus.COMPLETED, PlanStatus.CANCELLED)
    assert all(play.execution_state.of(task.id).status in (*ENDED_STATUSES, TaskStatus.FAILED) for task in plan.tasks)


def act_on(play: Play) -> bool:
    """Do what the plan waits for. Returns False if it waits for nothing."""
    execution_state, asked = play.execution_state, play.asked()
    for task in play.plan.tasks:
        status = execution_state.of(task.id).status
        if status is TaskStatus.AWAITING_APPROVAL and execution_state.status is PlanStatus.RUNNING:
            return play.ask(lambda s, id_=task.id: commands.approve(s, id_, asked))  # type: ignore[misc]
        if status is TaskStatus.FAILED and execution_state.status.executing:
            return play.ask(lambda s, id_=task.id: commands.skip(s, id_, asked, "run"))  # type: ignore[misc]
    return play.ask(lambda s: commands.resume(s, asked))
