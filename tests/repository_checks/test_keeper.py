"""Sandboxes of owners: at most one each, none lost, each second billed once."""

from contextlib import suppress

import pytest

from groundwork.checks.errors import ClaimLost, NoFreeSlot
from groundwork.checks.keeper import ORPHAN_SECONDS, SandboxKeeper
from groundwork.checks.ports import Owner
from groundwork.checks.prices import bill
from groundwork.checks.sandboxes import SandboxState
from groundwork.errors import Transient
from groundwork.plans.model import TaskStatus
from groundwork.sandbox.errors import SandboxLost
from groundwork.sandbox.model import Handle, SandboxKey, SandboxSpec
from tests.repository_checks.conftest import Desk, raising

SPEC = SandboxSpec()


def never() -> bool:
    return False


def test_an_owner_has_one_sandbox(desk: Desk) -> None:
    owner = desk.owner()
    first = desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(5)
    assert desk.keeper.open(owner, SPEC) == first
    assert (len(desk.sandboxes.living), desk.slots) == (1, 1)


def test_each_second_is_billed_once(desk: Desk) -> None:
    owner = desk.owner()
    desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(90)
    desk.keeper.close(owner)
    desk.clock.pass_seconds(90)
    desk.keeper.close(owner)
    assert desk.usage(owner) == (90_000, bill(90_000, 1024).cost_micro_usd)
    assert desk.usage(owner)[1] > 0
    assert (desk.sandboxes.living, desk.slots) == ([], 0)


@pytest.mark.parametrize("memory_mb", [1_024, 4_096])
def test_the_bill_so_far_is_the_one_of_a_close_at_this_time(desk: Desk, memory_mb: int) -> None:
    desk.keeper.memory_mb, owner = memory_mb, desk.owner()
    assert desk.keeper.running_bill(owner) is None
    desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(3_600)
    running = desk.keeper.running_bill(owner)
    assert running
    assert running.cost_micro_usd == pytest.approx(3_600 * running.micro_usd_per_s, abs=1)
    desk.keeper.close(owner)
    assert desk.usage(owner)[1] == running.cost_micro_usd
    assert desk.keeper.running_bill(owner) is None


def test_another_sandbox_of_an_owner_has_another_bill(desk: Desk) -> None:
    owner = desk.owner()
    first = desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(60)
    desk.keeper.replace(first)
    second = desk.keeper.running_bill(owner)
    assert second
    assert (second.generation != first.generation, second.cost_micro_usd) == (True, 0)


def test_a_lost_answer_to_the_last_write_of_a_close_bills_once(desk: Desk) -> None:
    owner = desk.owner()
    desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(10)
    with raising(desk.tables.sandboxes, "remove", Transient("lost")), pytest.raises(Transient):
        desk.keeper.close(owner)
    desk.keeper.close(owner)
    assert desk.usage(owner)[0] == 10_000
    assert desk.slots == 0


def test_a_lost_sandbox_and_its_successor_are_both_billed(desk: Desk) -> None:
    owner = desk.owner()
    first = desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(10)
    desk.keeper.replace(first)
    desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(20)
    desk.keeper.close(owner)
    assert desk.usage(owner)[0] == 30_000


def test_a_bill_ends_with_the_longest_life_of_a_sandbox(desk: Desk) -> None:
    owner = desk.owner()
    desk.keeper.open(owner, SandboxSpec(max_seconds=100))
    desk.clock.pass_seconds(5_000)
    assert desk.keeper.sweep(never) == [owner.id]
    assert desk.usage(owner)[0] == 100_000


def test_a_lost_answer_to_the_start_finds_the_same_machine(desk: Desk) -> None:
    owner = desk.owner()
    with raising(desk.sandboxes, "open", Transient("lost")), pytest.raises(Transient):
        desk.keeper.open(owner, SPEC)
    assert desk.tables.sandboxes.all()[0].state is SandboxState.STARTING
    assert desk.keeper.open(owner, SPEC).machine_id == desk.sandboxes.living[0].handle.id
    assert len(desk.sandboxes.opened) == 1


def test_a_cancel_during_the_start_ends_the_machine_at_once(desk: Desk) -> None:
    owner = desk.owner()
    real = desk.sandboxes.open

    def slow(key: SandboxKey, spec: SandboxSpec) -> Handle:
        desk.claim(owner, TaskStatus.CANCELLED)
        return real(key, spec)

    desk.sandboxes.open = slow  # type: ignore[method-assign]
    with pytest.raises(ClaimLost):
        desk.keeper.open(owner, SPEC)
    assert (desk.sandboxes.living, desk.tables.sandboxes.all(), desk.slots) == ([], [], 0)


def test_a_close_during_the_start_ends_the_machine_at_once(desk: Desk) -> None:
    owner = desk.owner()
    real = desk.sandboxes.open

    def slow(key: SandboxKey, spec: SandboxSpec) -> Handle:
        desk.sandboxes.open = real  # type: ignore[method-assign]
        desk.keeper.close(owner)
        with suppress(SandboxLost):
            real(key, spec)
        return Handle(key, f"microvm-{key}", "fake")

    desk.sandboxes.open = slow  # type: ignore[method-assign]
    with pytest.raises(Transient):
        desk.keeper.open(owner, SPEC)
    assert (desk.sandboxes.living, desk.slots) == ([], 0)


def test_a_close_of_an_unknown_start_learns_the_machine_and_ends_it(desk: Desk) -> None:
    owner = desk.owner()
    with raising(desk.sandboxes, "open", Transient("lost")), pytest.raises(Transient):
        desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(30)
    desk.keeper.close(owner)
    assert (desk.sandboxes.living, desk.slots) == ([], 0)
    assert desk.usage(owner)[0] == 30_000


@pytest.mark.parametrize("status", [TaskStatus.CANCELLED, TaskStatus.PENDING, TaskStatus.FAILED, TaskStatus.COMPLETED])
def test_the_sweep_closes_sandboxes_of_tasks_that_no_longer_run(desk: Desk, status: TaskStatus) -> None:
    owner, other = desk.owner(), desk.owner()
    desk.keeper.open(owner, SPEC)
    kept = desk.keeper.open(other, SPEC)
    desk.claim(owner, status)
    assert desk.keeper.sweep(never) == [owner.id]
    assert [one.handle.id for one in desk.sandboxes.living] == [kept.machine_id]
    assert desk.slots == 1


def test_the_sweep_closes_the_sandbox_of_an_earlier_attempt(desk: Desk) -> None:
    owner = desk.owner()
    desk.keeper.open(owner, SPEC)
    desk.claim(Owner(owner.kind, owner.plan_id, owner.task_id, number=2, epoch=2))
    assert desk.keeper.sweep(never) == [owner.id]


def test_a_sandbox_is_kept_while_its_task_is_between_two_claims(desk: Desk) -> None:
    owner = desk.owner()
    desk.keeper.open(owner, SPEC)
    desk.claim(Owner(owner.kind, owner.plan_id, owner.task_id, owner.number, epoch=7))
    assert desk.keeper.sweep(never) == []


def test_a_machine_without_a_row_is_ended_when_no_start_can_be_in_progress(desk: Desk) -> None:
    stray = desk.sandboxes.open(SandboxKey("nobody"), SPEC)
    assert desk.keeper.sweep(never) == []
    desk.clock.pass_seconds(ORPHAN_SECONDS)
    assert desk.keeper.sweep(never) == [stray.id]


def test_the_sweep_frees_the_slot_of_a_deleted_plan(desk: Desk) -> None:
    owner = desk.owner()
    desk.keeper.open(owner, SPEC)
    assert desk.tables.plans.purge(owner.plan_id, never)
    assert desk.keeper.sweep(never) == [owner.id]
    assert desk.slots == 0


def test_slots_are_bounded_and_freed_once(desk: Desk) -> None:
    owners = [desk.owner() for _ in range(3)]
    for owner in owners[:2]:
        desk.keeper.open(owner, SPEC)
    with pytest.raises(NoFreeSlot):
        desk.keeper.open(owners[2], SPEC)
    desk.keeper.close(owners[0])
    desk.keeper.close(owners[0])
    desk.keeper.open(owners[2], SPEC)
    assert desk.slots == 2


def test_a_fault_of_one_close_stops_no_other(desk: Desk) -> None:
    owners = [desk.owner() for _ in range(2)]
    opened = [desk.keeper.open(owner, SPEC) for owner in owners]
    for owner in owners:
        desk.claim(owner, TaskStatus.CANCELLED)
    broken, problems = min(opened, key=lambda one: one.owner.id), list[str]()
    real = desk.sandboxes.close

    def close(handle: Handle) -> None:
        if handle.id == broken.machine_id:
            raise Transient("no answer")
        real(handle)

    desk.sandboxes.close = close  # type: ignore[method-assign]
    closed = desk.keeper.sweep(never, problems.append)
    assert broken.owner.id not in closed[:1]
    assert len(problems) == 1
    desk.sandboxes.close = real  # type: ignore[method-assign]
    desk.keeper.sweep(never)
    assert (desk.sandboxes.living, desk.slots) == ([], 0)


def test_a_baseline_is_an_owner_too(desk: Desk) -> None:
    owner = desk.baseline()
    desk.keeper.open(owner, SPEC)
    desk.clock.pass_seconds(3)
    desk.keeper.close(owner)
    from groundwork.adapters.dynamodb.check_rows import BaselineRow

    assert int(BaselineRow.get(owner.plan_id, "BASELINE").sandbox_ms) == 3_000


def test_rows_survive_on_every_engine(tables_of_every_engine: object, desk: Desk) -> None:
    """The same protocol on moto and on DynamoDB Local."""
    keeper = SandboxKeeper(desk.sandboxes, tables_of_every_engine.sandboxes, desk.clock)  # type: ignore[attr-defined]
    desk.tables = tables_of_every_engine  # type: ignore[assignment]
    owner = desk.owner()
    opened = keeper.open(owner, SandboxSpec(hosts=("example.com",)))
    assert keeper.rows.get(owner) == opened
    newer = Owner(owner.kind, owner.plan_id, owner.task_id, owner.number, epoch=2)
    desk.claim(newer)
    with pytest.raises(ClaimLost):
        keeper.replace(opened)
    keeper.close(owner)
    assert keeper.rows.all() == []
    keeper.close(newer)
    assert desk.slots == 0
