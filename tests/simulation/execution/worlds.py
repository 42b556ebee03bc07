"""World of one simulation, drawn from its seed: plans with graphs, and behaviour of tasks."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from groundwork.plans.draft import PhaseDraft, TaskDraft, add_phases
from groundwork.plans.model import Condition, Plan
from tests.simulation.execution.sessions import Habit

NOW = "2026-01-01T00:00:00.000Z"
REPOSITORIES = ("resjmvmbtfd2", "retwmvmbtfd3")
PLANS = ("plsjmvmbtfd2", "pltwmvmbtfd3", "plvwmvmbtfd4")
EFFORTS = ("XS", "S", "M", "L")


@dataclass(frozen=True, slots=True)
class World:
    """World of a simulation.

    `limit` is the account's; `invocation_s` the time of an invocation. Counts per plan: `clicks` of users, `click_s`
    apart, `edits`, `additions` of tasks, `moves` of tasks to the other repository, `schedules`, `rollbacks`. `again`: a
    finished plan is restarted. `checked` lists repositories with checks.
    """

    plans: tuple[Plan, ...]
    limit: int
    invocation_s: float
    habits: dict[str, Habit] = field(default_factory=dict)
    clicks: int = 0
    click_s: float = 60.0
    edits: int = 0
    rollbacks: int = 0
    again: bool = False
    additions: int = 0
    moves: int = 0
    schedules: int = 0
    checked: tuple[str, ...] = ()

    def __str__(self) -> str:
        shapes = "; ".join(
            ", ".join(f"{phase.mode} {len(phase.tasks)}" for phase in plan.phases) + f" by {plan.max_parallel}"
            for plan in self.plans
        )
        checked = f", checks in {len(self.checked)} repositories" if self.checked else ""
        people = f"{self.clicks} clicks, {self.edits} edits, {self.schedules} schedules"
        return f"[{shapes}] limit {self.limit}, {people}{checked}"


def drawn(random: Random) -> World:
    # later additions are drawn separately: a seed keeps its plans and faults
    apart = Random(repr(random.getstate()))
    large = random.random() < 1 / 20
    count = 1 if large else random.choice([1, 1, 2, 3])
    plans = tuple(made_plan(PLANS[number], random, large) for number in range(count))
    return World(
        plans=plans,
        limit=random.choice([1, 2, 4, 20]),
        invocation_s=random.choice([330.0, 420.0, 900.0]),
        habits={task.id: _habit(random, large) for plan in plans for task in plan.tasks},
        clicks=random.choice([0, 0, 4, 12, 25]),
        click_s=random.choice([10.0, 60.0, 240.0]),
        edits=random.choice([0, 0, 0, 5]),
        rollbacks=random.choice([0, 0, 1, 2]),
        again=random.random() < 0.15,
        additions=apart.choice([0, 0, 0, 3]),
        # a large plan restarted by a cron would take minutes
        schedules=0 if large else apart.choice([0, 0, 0, 1, 2]),
        checked=() if large else apart.choice([(), (), REPOSITORIES[:1], REPOSITORIES]),
        moves=apart.choice([0, 0, 0, 3]),
    )


def made_plan(plan_id: str, random: Random, large: bool = False) -> Plan:
    drafts: list[PhaseDraft] = []
    earlier: list[str] = []
    for number in range(random.randint(1, 2 if large else 4)):
        tasks = random.randint(41, 55) if large and number == 0 else random.randint(1, 6)
        own: list[TaskDraft] = []
        for position in range(tasks):
            before = earlier + [str(task.key) for task in own]
            own.append(_task(f"p{number}t{position}", before, earlier, random))
        drafts.append(
            PhaseDraft(
                title=f"Phase {number}",
                mode=random.choice(["sequential", "parallel", "parallel", "manual"]) if not large else "parallel",
                pause_after=random.random() < 0.15,
                condition=_condition(earlier, random) if random.random() < 0.1 else None,
                tasks=tuple(own),
            )
        )
        earlier += [str(task.key) for task in own]
    bare = Plan(
        id=plan_id,
        repository_id=REPOSITORIES[0],
        title="A plan",
        auto_commit=random.random() < 0.85,
        max_parallel=random.choice([1, 2, 3, 10]),
        created_at=NOW,
        updated_at=NOW,
        version=1,
    )
    return add_phases(bare, drafts)


def _task(key: str, before: list[str], earlier: list[str], random: Random) -> TaskDraft:
    needs = random.sample(before, min(len(before), random.choice([0, 0, 1, 1, 2, 3])))
    return TaskDraft(
        key=key,
        title=f"Do {key}",
        acceptance_criteria=("It works.",),
        depends_on=tuple(needs),
        repository_id=random.choice([None, None, REPOSITORIES[1]]),
        effort=random.choice(EFFORTS),
        condition=_condition(earlier, random) if random.random() < 0.15 else None,
    )


def _condition(earlier: list[str], random: Random) -> Condition | None:
    if not earlier:
        return None
    outcomes: list[Any] = [None, "COMPLETED", "COMPLETED", "FAILED", "SKIPPED"]
    globs = [None, None, "src/*.txt", "docs/**"]
    return Condition(
        task_id=random.choice(earlier), outcome=random.choice(outcomes), files_changed=random.choice(globs)
    )


def _habit(random: Random, large: bool) -> Habit:
    if large:
        return Habit(turns=0 if random.random() < 0.02 else 1, seconds=5.0)
    return Habit(
        turns=random.choice([1, 1, 2, 3]),
        seconds=random.choice([1.0, 5.0, 20.0, 90.0]),
        failing=random.choice([0] * 8 + [1, 2, 5]),
        shared=random.random() < 0.3,
        deadly=random.choice([0] * 12 + [1, 3, 10]),
    )
