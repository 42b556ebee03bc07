"""Write the rows of commit 29c4d3d, in the middle of its work. Run once, by the code of that commit:

    git worktree add --detach ../old 29c4d3d
    cd ../old
    PYTHONPATH=layers/common:. python ../groundwork/tests/records/make_29c4d3d.py ../groundwork/tests/records

Every file is the whole of the three tables at one moment: a list of rows, each with its table and its item in
DynamoDB's JSON (binary as base64). Runs and plans under way come from that commit's simulator without faults, plans
that are written and reviewed from its stores in memory. The imports below are those of that commit.
"""

# mypy: ignore-errors
# the imports are those of the old commit

import asyncio
import base64
import gzip
import json
import random as randomness
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.executing import control
from groundwork.executing.timing import NewTiming
from groundwork.importing import NewCard
from groundwork.plans.drafting import PhaseDraft, TaskDraft, with_phases
from groundwork.starting import RunRequest

from groundwork.plans.model import Plan, PlanStatus, TaskStatus
from groundwork.plans.operations import UpdateTask
from groundwork.plans.templates import Template, template_of
from groundwork.runs import RunOptions, RunType
from tests.plans.world import PlanWorld, now_ms
from tests.simulation.clock import on_virtual_time
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.simulation.execution import simulation as executions
from tests.simulation.execution.faults import ExecutionFaults
from tests.simulation.execution.seen import AskedBack
from tests.simulation.execution.sessions import Habit
from tests.simulation.execution.worlds import NOW, PLANS, REPOSITORIES, World
from tests.simulation.records import MOMENTS, left_by
from tests.simulation.scenario import Scenario
from tests.tables import open_tables, settings_at

FOLDER = Path("/tmp/groundwork-records/repository")
PLAN = PLANS[0]
SLOW = Habit(turns=3, seconds=40.0)

_RUN = {"pacing": "normal"}
RUNS: dict[str, tuple[Scenario, float]] = MOMENTS | {
    "selected": (Scenario(RunType.GENERATE_SUBTASKS, 12, _RUN, 60.0, 4.0, selected=7), 8.0),
    "cancelled": (Scenario(RunType.GENERATE_SUBTASKS, 12, _RUN, 60.0, 4.0, cancel_at=6.0), 10.0),
    "retrying": (Scenario(RunType.GENERATE_SUBTASKS, 12, _RUN, 60.0, 1.0, hopeless=1), 200.0),
    "proposed": (Scenario(RunType.GENERATE_EPICS, 700, _RUN, 60.0, 4.0), 400.0),
    "retried": (Scenario(RunType.GENERATE_SUBTASKS, 12, _RUN, 60.0, 8.0, hopeless=1, retries=1), 200.0),
}


def written(folder: Path, name: str, moment: Any) -> None:
    path = folder / f"{name}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(moment, default=lambda raw: base64.b64encode(raw).decode(), sort_keys=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(path)


# plans that are carried out


@dataclass(frozen=True)
class Moment:
    """People act with `act`; everything stops as soon as `comes` holds."""

    act: Callable[[Any], Awaitable[None]]
    comes: Callable[[Any], bool]
    mode: str = "parallel"
    auto_commit: bool = True
    habits: dict[str, Habit] | None = None


def made(moment: Moment) -> World:
    def task(key: str, *needs: str) -> TaskDraft:
        return TaskDraft(key=key, title=f"Do {key}", acceptance_criteria=("It works.",), depends_on=needs)

    first = PhaseDraft(title="First", mode="sequential", tasks=(task("a"), task("b", "a")))
    second = PhaseDraft(title="Second", mode=moment.mode, tasks=(task("c", "a"), task("d"), task("e", "d")))
    bare = Plan(id=PLAN, repository_id=REPOSITORIES[0], title="A plan", created_at=NOW, updated_at=NOW, version=1)
    plan = with_phases(bare.changed(auto_commit=moment.auto_commit, max_parallel=2), [first, second])
    habits = {one.id: (moment.habits or {}).get(one.key, SLOW) for one in plan.tasks}
    return World(plans=(plan,), limit=4, invocation_s=900.0, habits=habits)


async def execute(simulation: Any) -> None:
    await simulation.people.ask_until_answered(PLAN, "execute", control.execute)


def status(simulation: Any) -> PlanStatus:
    return simulation.seen.moments[PLAN].execution.status


def states(simulation: Any) -> dict[str, Any]:
    moment = simulation.seen.moments[PLAN]
    return {task.key: moment.of(task.id) for task in moment.plan.tasks}


def completed(simulation: Any) -> int:
    return sum(state.status is TaskStatus.COMPLETED for state in states(simulation).values())


def in_a_session(simulation: Any) -> bool:
    done = completed(simulation)
    return done > 0 and any(state.status is TaskStatus.RUNNING and state.open for state in states(simulation).values())


def in_the_middle(simulation: Any) -> bool:
    return any(state.status is TaskStatus.RUNNING and state.turns >= 2 for state in states(simulation).values())


async def later(simulation: Any, comes: Callable[[Any], bool], what: str, act: Any) -> None:
    await execute(simulation)
    while not comes(simulation):  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    await simulation.people.ask_until_answered(PLAN, what, act)


async def schedule(simulation: Any) -> None:
    timing = NewTiming(cron="0/20 * * * ? *")
    await simulation.people._answered("schedule", lambda: simulation.people._scheduled(PLAN, timing))


async def schedule_and_execute(simulation: Any) -> None:
    await schedule(simulation)
    await execute(simulation)


def passed_over(simulation: Any) -> bool:
    return simulation.seen.moments[PLAN].execution.passed_over is not None


def paused(simulation: Any) -> Awaitable[None]:
    return later(simulation, in_a_session, "pause", control.pause)


def taken_back(simulation: Any) -> Awaitable[None]:
    act = simulation.people._back(AskedBack(None, None, include=True))
    return later(simulation, lambda one: status(one) is PlanStatus.COMPLETED, "roll back", act)


LONG = {key: Habit(turns=6, seconds=200.0) for key in "abcde"}
HOPELESS = {"b": Habit(turns=1, seconds=20.0, failing=99)}
EXECUTIONS: dict[str, Moment] = {
    "begun": Moment(execute, lambda one: status(one) is PlanStatus.RUNNING),
    "running": Moment(execute, in_the_middle),
    "two at work": Moment(execute, lambda one: completed(one) == 2 and len(one.seen.moments[PLAN].running) == 2),
    "pausing": Moment(paused, lambda one: status(one) is PlanStatus.PAUSING),
    "paused": Moment(paused, lambda one: status(one) is PlanStatus.PAUSED),
    "trying again": Moment(execute, lambda one: states(one)["b"].attempts == 2, habits=HOPELESS),
    "failed": Moment(execute, lambda one: status(one) is PlanStatus.PAUSED, habits=HOPELESS),
    "awaiting": Moment(execute, lambda one: states(one)["c"].status is TaskStatus.AWAITING_APPROVAL, mode="manual"),
    "patching": Moment(execute, lambda one: completed(one) == 2 and in_a_session(one), auto_commit=False),
    "rolling back": Moment(taken_back, lambda one: one.seen.moments[PLAN].execution.rolling_back),
    "rolled back": Moment(taken_back, lambda one: completed(one) == 0 and states(one)["a"].attempts == 1),
    "scheduled": Moment(schedule, lambda one: one.seen.moments[PLAN].execution.schedule is not None),
    "passed over": Moment(schedule_and_execute, passed_over, habits=LONG),
    "completed": Moment(execute, lambda one: status(one) is PlanStatus.COMPLETED),
}


def left_by_plans(name: str, moment: Moment) -> dict[str, Any]:
    random = randomness.Random(1)
    randomness.seed(1)
    with executions.connected(random) as connect:
        simulation = executions.ExecutionSimulation(made(moment), ExecutionFaults(), random)
        connect(simulation)
        simulation.prepare()

        async def until_then() -> None:
            acting = [asyncio.create_task(one) for one in (moment.act(simulation), simulation.cloud.timers.run())]
            for _ in range(400_000):
                await asyncio.sleep(0.05)
                if PLAN in simulation.seen.moments and moment.comes(simulation):
                    break
            else:
                raise SystemExit(f"{name} never comes")
            for task in acting:
                task.cancel()

        on_virtual_time(until_then(), simulation.loop)
        servers = {id_: git(server) for id_, server in simulation.repositories.servers.items()}
        return {"rows": simulation.cloud.database.dump(), "git": servers}


def git(server: Any) -> dict[str, Any]:
    """The fake repositories of the simulator, in the order of their commits."""
    commits = [
        {"sha": one.sha, "parent": one.parent, "text": one.text, "tree": {p: c.decode() for p, c in one.tree.items()}}
        for one in server.commits.values()
    ]
    return {"branches": server.branches, "commits": commits}


# plans that are written and reviewed


async def authored() -> Sequence[Any]:
    database = Database(now_ms)
    with in_place_of_aws(lambda operation, sent: database.carry_out(operation, sent)):
        tables = open_tables(settings_at("backlog", "runs"))
        world = PlanWorld(tables, FOLDER)
        story = world.story()
        project = tables.projects.create("Another", "With cards")
        cards = [NewCard(1, "It stops.", "app", "x-1", {"stars": 2}), NewCard(2, "Fine.")]
        tables.cards.import_cards(project.id, cards)
        run = world.starter.start(project.id, RunRequest(type=RunType.ANALYZE_CARDS, options=RunOptions()), "a-key")
        await world.to_the_end(run.run_id)
        plan = await world.generated(story_ids=[story])
        for kind in ("refine_descriptions", "add_missing", "optimize_order", "break_down"):
            iteration, suggestions = await world.reviewed(plan.id, kind)
            if suggestions and kind != "break_down":
                world.apply(iteration, [0])
        world.editor().edit(plan.id, [UpdateTask(task_id=next(plan.tasks).id, fields={"title": "Edited"})])
        world.editor().restore(plan.id, 1)
        template = Template(
            id="tesjmvmbtfd2", name="Saved", title="Saved", phases=template_of(world.plan(plan.id)), created_at=NOW
        )
        tables.templates.create(template)
        deleted = await world.generated(title="Deleted")
        tables.plans.delete(deleted.id)
        reviewed = await world.generated(title="Being reviewed")
        await review(world, reviewed.id)
        world.ask(title="Being written")
        return database.dump()


async def review(world: Any, plan_id: str) -> None:
    """One hop that has no time for the review's parts."""
    from groundwork.plans.reviewing import ReviewRequest

    accepted = world.reviewer.review(plan_id, ReviewRequest(review_type="refine_descriptions"), "somebody")
    world.hop_ms = 0
    await world.worker("a worker").hop(accepted.run_id)
    world.hop_ms = 60_000


def main(folder: Path) -> None:
    for name, (scenario, seconds) in RUNS.items():
        written(folder / "runs", name, {"rows": left_by(scenario, seconds)})
    for name, moment in EXECUTIONS.items():
        written(folder / "executions", name.replace(" ", "-"), left_by_plans(name, moment))
    written(folder / "plans", "authored", {"rows": asyncio.run(authored())})


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "29c4d3d")
