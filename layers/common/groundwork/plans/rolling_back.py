"""Which tasks are taken back with a task, a phase or all of a plan, and in which order: what builds on others first."""

from collections.abc import Mapping, Set

from groundwork.plans.model import Plan, Task, TaskState


def taken_back(plan: Plan, states: Mapping[str, TaskState], chosen: Set[str]) -> tuple[Task, ...]:
    """The tasks with a commit among those chosen and all that depend on them, in the order to revert them.

    Those that nobody chose (`named_first`) are in it because they build on what goes.
    """
    gone = _with_dependents(plan, chosen)
    placed = [task for task in _in_order(plan) if task.id in gone and _commit(states, task)]
    return tuple(reversed(placed))


def named_first(plan: Plan, states: Mapping[str, TaskState], chosen: Set[str]) -> tuple[Task, ...]:
    """Those of them that were not chosen: a person is told of them before anything is taken back."""
    return tuple(task for task in taken_back(plan, states, chosen) if task.id not in chosen)


def _with_dependents(plan: Plan, chosen: Set[str]) -> Set[str]:
    gone = set(chosen)
    for task in _in_order(plan):
        if gone & set(task.depends_on):
            gone.add(task.id)
    return gone


def _in_order(plan: Plan) -> list[Task]:
    """Every task after what it depends on, else in the order of the plan."""
    tasks, placed, ids = list(plan.tasks), list[Task](), set[str]()
    while tasks:
        ready = [task for task in tasks if ids.issuperset(task.depends_on)]
        # a valid plan has no cycle; of one that has, the rest is taken as it stands
        for task in ready or tasks:
            placed.append(task)
            ids.add(task.id)
        tasks = [task for task in tasks if task.id not in ids]
    return placed


def _commit(states: Mapping[str, TaskState], task: Task) -> str | None:
    state = states.get(task.id)
    return state.commit_sha if state else None
