"""The service's faults: quota, lost answers, machines starting, ending and disappearing."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from groundwork.errors import Transient
from groundwork.sandbox.agent.memory import descendants
from groundwork.sandbox.errors import KeyReused, NoCapacity, SandboxLost, SandboxUnavailable
from groundwork.sandbox.model import Ending, Handle, SandboxKey, SandboxSpec
from local.microvms.faults import InjectedFault
from local.microvms.launcher import SandboxSettings
from tests.sandbox.conftest import CONNECTOR, IMAGE, MakeStandIn, Runner, StandIn, living

KEY = SandboxKey("plan/task/1")


def machines(stand_in: StandIn) -> int:
    return sum(not machine.is_gone for machine in stand_in.service.machines.all())


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def runner(stand_in: StandIn, tmp_path: Path, handle: Handle, **options: float) -> Runner:
    return Runner(stand_in.sandboxes(**options), handle, tmp_path / "tree")


def test_a_sandbox_can_be_had_or_the_reason_is_told(make_stand_in: MakeStandIn) -> None:
    assert make_stand_in().sandboxes().available().available
    broken = make_stand_in(SandboxSettings(bwrap="/bin/false")).sandboxes().available()
    assert not broken.available
    assert broken.reason.startswith("Cannot create a sandbox on this machine: ")
    off = make_stand_in(off="Checks are off").sandboxes()
    assert off.available().reason == "Checks are off"
    with pytest.raises(SandboxUnavailable, match="Checks are off"):
        off.open(KEY, SandboxSpec())


def test_the_same_key_is_the_same_sandbox(stand_in: StandIn) -> None:
    first = stand_in.sandboxes().open(KEY, SandboxSpec())
    assert stand_in.sandboxes().open(KEY, SandboxSpec()) == first
    assert stand_in.sandboxes().open(SandboxKey(KEY.owner, 2), SandboxSpec()).id != first.id
    assert machines(stand_in) == 2


def test_the_same_key_with_another_specification_is_refused(stand_in: StandIn) -> None:
    stand_in.sandboxes().open(KEY, SandboxSpec())
    with pytest.raises(KeyReused):
        stand_in.sandboxes().open(KEY, SandboxSpec(max_seconds=99))


def test_the_key_of_a_dead_sandbox_says_so(stand_in: StandIn) -> None:
    sandboxes = stand_in.sandboxes()
    sandboxes.close(sandboxes.open(KEY, SandboxSpec()))
    with pytest.raises(SandboxLost, match="Terminated by its owner"):
        sandboxes.open(KEY, SandboxSpec())


def test_an_answer_that_was_lost_makes_no_second_sandbox(stand_in: StandIn) -> None:
    stand_in.faults.add("RunMicrovm", InjectedFault(lost=True))
    stand_in.sandboxes().open(KEY, SandboxSpec())
    assert machines(stand_in) == 1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ServiceQuotaExceededException", NoCapacity),
        ("InsufficientCapacityException", NoCapacity),
        ("ThrottlingException", Transient),
        ("InternalServerException", Transient),
        ("AccessDeniedException", SandboxUnavailable),
        ("ResourceNotFoundException", SandboxUnavailable),
    ],
)
def test_what_the_service_answers_is_told_apart(stand_in: StandIn, code: str, expected: type[Exception]) -> None:
    stand_in.faults.add("RunMicrovm", *[InjectedFault(code)] * 4)
    with pytest.raises(expected):
        stand_in.sandboxes().open(KEY, SandboxSpec())


def test_a_capacity_that_comes_back_at_once_is_not_noticed(stand_in: StandIn) -> None:
    stand_in.faults.add("RunMicrovm", InjectedFault("InsufficientCapacityException"))
    assert stand_in.sandboxes().open(KEY, SandboxSpec()).id


def test_a_quota_of_none_is_no_capacity(stand_in: StandIn) -> None:
    stand_in.faults.quota = 0
    with pytest.raises(NoCapacity):
        stand_in.sandboxes().open(KEY, SandboxSpec())
    stand_in.faults.quota = 1
    first = stand_in.sandboxes().open(KEY, SandboxSpec())
    with pytest.raises(NoCapacity):
        stand_in.sandboxes().open(SandboxKey("another"), SandboxSpec())
    stand_in.sandboxes().close(first)
    assert stand_in.sandboxes().open(SandboxKey("another"), SandboxSpec()).id


def test_the_first_seconds_are_waited_for(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.faults.unready_seconds = 2
    handle = stand_in.sandboxes().open(KEY, SandboxSpec())
    impatient = runner(stand_in, tmp_path, handle, patience=0.1)
    with pytest.raises(Transient, match="502"):
        impatient.put({"a": "b"})
    assert runner(stand_in, tmp_path, handle).run("echo ready")[1] == "ready\n"


@pytest.mark.parametrize("status", ["403", "429", "502"])
def test_a_passing_refusal_of_the_proxy_is_not_noticed(stand_in: StandIn, tmp_path: Path, status: str) -> None:
    box = runner(stand_in, tmp_path, stand_in.sandboxes().open(KEY, SandboxSpec()))
    box.put({"a.txt": "a"})
    stand_in.faults.add("data", InjectedFault(status), InjectedFault(status))
    assert box.run("cat a.txt")[1] == "a"


def test_lost_answers_start_no_command_twice(stand_in: StandIn, tmp_path: Path) -> None:
    box = runner(stand_in, tmp_path, stand_in.sandboxes().open(KEY, SandboxSpec()))
    stand_in.faults.add("data", InjectedFault(lost=True))
    box.put({"a.txt": "a"})
    stand_in.faults.add("data", InjectedFault(lost=True), InjectedFault(lost=True))
    assert box.run("echo ran >> times; cat times")[1] == "ran\n"


def test_a_command_whose_sandbox_dies_is_lost(stand_in: StandIn, tmp_path: Path) -> None:
    box = runner(stand_in, tmp_path, stand_in.sandboxes().open(KEY, SandboxSpec()))
    command = box.start("echo started; sleep 600")
    box.sandboxes.poll(box.handle, command, 0, 10)
    machine = stand_in.service.machines.get(box.handle.id)
    assert machine is not None
    assert machine.process is not None
    inside = descendants(machine.process.pid)
    machine.process.kill()
    status = box.sandboxes.poll(box.handle, command, 0, 10)
    assert (status.ending, status.exit_code) == (Ending.LOST, None)
    assert "first process exited" in status.detail
    assert until(lambda: not living(inside))
    with pytest.raises(SandboxLost):
        box.put({"a": "b"})
    with pytest.raises(SandboxLost):
        box.sandboxes.suspend(box.handle)
    box.sandboxes.kill(box.handle, command)


def test_a_stale_state_of_a_dead_sandbox_is_seen_through(stand_in: StandIn, tmp_path: Path) -> None:
    box = runner(stand_in, tmp_path, stand_in.sandboxes().open(KEY, SandboxSpec()))
    box.run("true")
    box.sandboxes.close(box.handle)
    stand_in.faults.stale_reads = 3
    with pytest.raises(SandboxLost):
        box.put({"a": "b"})


def test_a_sandbox_ends_at_its_maximum_duration_suspended_or_not(stand_in: StandIn, tmp_path: Path) -> None:
    sandboxes = stand_in.sandboxes()
    box = runner(stand_in, tmp_path, sandboxes.open(KEY, SandboxSpec(max_seconds=4)))
    asleep = sandboxes.open(SandboxKey("asleep"), SandboxSpec(max_seconds=4))
    Runner(sandboxes, asleep, tmp_path / "other").run("true")
    sandboxes.suspend(asleep)
    command = box.start("sleep 600")
    status, deadline = box.sandboxes.poll(box.handle, command, 0, 1), time.monotonic() + 20
    while status.ending is None and time.monotonic() < deadline:
        status = box.sandboxes.poll(box.handle, command, 0, 1)
    assert (status.ending, status.detail) == (Ending.LOST, "The sandbox has ended: Maximum duration reached")
    assert until(lambda: machines(stand_in) == 0)


def test_a_sweep_ends_what_nobody_keeps(stand_in: StandIn) -> None:
    sandboxes = stand_in.sandboxes()
    kept, orphan, closed = (sandboxes.open(SandboxKey(name), SandboxSpec()) for name in ("kept", "orphan", "closed"))
    sandboxes.close(closed)
    stand_in.faults.empty_first_page = True
    ages: dict[str, float] = {}

    def keep(id_: str, age: float) -> bool:
        ages[id_] = age
        return id_ == kept.id

    assert sandboxes.sweep(keep) == [orphan.id]
    assert set(ages) == {kept.id, orphan.id}
    assert all(0 <= age < 60 for age in ages.values())
    assert machines(stand_in) == 1


def test_closing_twice_is_no_error(stand_in: StandIn) -> None:
    sandboxes = stand_in.sandboxes()
    handle = sandboxes.open(KEY, SandboxSpec())
    sandboxes.close(handle)
    sandboxes.close(handle)
    sandboxes.close(Handle(KEY, "microvm-unknown", ""))
    assert machines(stand_in) == 0


def test_another_token_opens_nothing(stand_in: StandIn, tmp_path: Path) -> None:
    handle = stand_in.sandboxes().open(KEY, SandboxSpec())
    stranger = Runner(stand_in.sandboxes(secret=b"another"), handle, tmp_path / "tree")
    with pytest.raises(Transient, match="401 TOKEN"):
        stranger.put({"a": "b"})


def test_a_long_list_of_hosts_is_refused_before_a_start(stand_in: StandIn) -> None:
    with pytest.raises(SandboxUnavailable, match="allow-list"):
        stand_in.sandboxes().open(KEY, SandboxSpec(hosts=tuple(f"host-{number}.example" for number in range(300))))
    assert machines(stand_in) == 0


def test_a_payload_and_a_duration_beyond_the_services_limits_are_refused(stand_in: StandIn) -> None:
    for wrong in ({"runHookPayload": "x" * 4097}, {"maximumDurationInSeconds": 28_801}):
        given = {"runHookPayload": "{}", "egressNetworkConnectors": [f"{CONNECTOR}INTERNET_EGRESS"], **wrong}
        with pytest.raises(ClientError, match="ValidationException"):
            stand_in.client().run_microvm(imageIdentifier=IMAGE, **given)


def test_nothing_is_left_when_the_stand_in_ends(make_stand_in: MakeStandIn, tmp_path: Path) -> None:
    made = make_stand_in()
    box = runner(made, tmp_path, made.sandboxes().open(KEY, SandboxSpec()))
    command = box.start("setsid sleep 600 & echo started; sleep 600")
    box.sandboxes.poll(box.handle, command, 0, 10)
    machine = made.service.machines.get(box.handle.id)
    assert machine is not None
    assert machine.process is not None
    inside = descendants(machine.process.pid)
    made.service.close()
    assert len(inside) > 3
    assert until(lambda: not living(inside))
