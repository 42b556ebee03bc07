"""Cancels and rollbacks over several transactions, and a plan deleted between two of them."""

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.execution import commands, rollback
from groundwork.execution.rollback_runner import RollbackRunner
from groundwork.plans.errors import PlanNotEditable
from groundwork.plans.model import PlanStatus, TaskStatus
from tests.adapters.dynamodb.test_executions_contract import ASKED, Place, on_dynamo
from tests.execution.scripted_plan import Play
from tests.execution.test_rollback import Reverts
from tests.execution.test_step_handler import repository
from tests.plans.plans import draft, phase, plan_of

MANY = 100


@pytest.fixture
def place(simulated_tables: Tables) -> Place:
    return on_dynamo(simulated_tables)


def at_work(place: Place, tables: Tables, first: int, limit: int) -> str:
    """Plan with many tasks, running from `first` on, as many as the account allows."""
    tables.executions.limit = limit
    drafts = [draft(f"t{number}") for number in range(MANY)]
    plan = place.plan(phase("All", *drafts, mode="parallel")).changed(max_parallel=MANY)
    tables.executions._plans[plan.id, 1] = plan
    place.change(plan.id, lambda execution_state: commands.execute(execution_state, ASKED))
    for task in list(plan.tasks)[first:]:
        place.store.save_pending_token(plan.id, task.id, 1, f"token {task.id}")
    after = place.change(plan.id, lambda execution_state: execution_state)
    assert len(after.running) == limit
    return plan.id


def cancelled_in_part(place: Place, plan_id: str) -> None:
    """The first transaction of a cancel; its writer dies before the next."""
    before = place.store.read(plan_id)
    place.write(before, commands.cancel(before, ASKED))
    left = place.store.read(plan_id)
    assert left.status is PlanStatus.CANCELLED
    assert any(left.of(task.id).status is not TaskStatus.CANCELLED for task in left.plan.tasks)


def test_a_cancel_gives_back_the_accounts_room_at_once(place: Place, simulated_tables: Tables) -> None:
    plan_id = at_work(place, simulated_tables, first=95, limit=5)
    cancelled_in_part(place, plan_id)
    assert place.store.free_slots() == 5
    simulated_tables.plans.delete(plan_id)


def test_a_plan_is_not_deleted_while_tasks_of_it_are_counted(place: Place, simulated_tables: Tables) -> None:
    plan_id = at_work(place, simulated_tables, first=0, limit=MANY)
    cancelled_in_part(place, plan_id)
    with pytest.raises(PlanNotEditable, match="still being stopped"):
        simulated_tables.plans.delete(plan_id)
    place.change(plan_id, lambda execution_state: execution_state)
    simulated_tables.plans.delete(plan_id)
    assert place.store.free_slots() == MANY


def test_a_rollback_of_more_tasks_than_one_transaction_takes_is_written_in_several(
    place: Place, simulated_tables: Tables
) -> None:
    plan_id = at_work(place, simulated_tables, first=0, limit=MANY)
    ids = [task.id for task in place.store.read(plan_id).plan.tasks]
    for part in (ids[:50], ids[50:]):
        done = {id_: f"{number:040d}" for number, id_ in enumerate(part)}
        place.change(
            plan_id,
            lambda now, done=done: now.with_tasks(  # type: ignore[misc]
                {
                    id_: now.of(id_).changed(
                        status=TaskStatus.COMPLETED, commit_sha=sha, completed_seq=now.execution.seq + 1
                    )
                    for id_, sha in done.items()
                }
            ),
        )
    assert place.store.read(plan_id).status is PlanStatus.COMPLETED
    place.change(plan_id, lambda now: rollback.roll_back(now, ASKED, None, None, False))
    play = Play(plan_of(phase("One", draft("a"))))
    runner = RollbackRunner(place.store, play.coordinator(), Reverts(), repository, lambda: 1_000)
    runner.coordinator.store = place.store
    assert runner.run(plan_id) == "DONE"
    after = place.store.read(plan_id)
    assert {after.of(id_).status for id_ in ids} == {TaskStatus.SKIPPED}
