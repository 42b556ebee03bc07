"""Commands in a sandbox: their endings and their output."""

import time

import pytest

from groundwork.sandbox.errors import CommandConflict, CommandRefused, SandboxBusy
from groundwork.sandbox.model import Ending, Handle
from groundwork.sandbox.port import Sandboxes
from groundwork.sandbox.verdict import Verdict, verdict
from tests.sandbox.conftest import Runner, StandIn


def test_a_command_ends_with_its_exit_code_and_its_log(box: Runner) -> None:
    box.put({"a.txt": "hello\n"})
    status, log = box.run("cat a.txt; echo wrong >&2; exit 3")
    assert (status.ending, status.exit_code, log) == (Ending.EXIT, 3, "hello\nwrong\n")
    assert verdict(status.ending, status.exit_code) is Verdict.FAILED


def test_a_command_that_does_not_exist_could_not_start(box: Runner) -> None:
    status, _ = box.run(("no-such-program", "--version"))
    assert (status.ending, status.exit_code) == (Ending.COULD_NOT_START, None)
    assert "no-such-program" in status.detail
    assert verdict(status.ending, status.exit_code) is Verdict.COULD_NOT_RUN


def test_a_command_in_a_folder_that_does_not_exist_could_not_start(box: Runner) -> None:
    status, _ = box.run("true", folder="nowhere")
    assert status.ending is Ending.COULD_NOT_START
    assert "nowhere" in status.detail


def test_a_command_that_runs_too_long_times_out_and_leaves_nothing(box: Runner) -> None:
    status, log = box.run("trap '' TERM; (setsid sleep 600 &) ; echo started; sleep 600", seconds=1)
    assert (status.ending, status.exit_code, log) == (Ending.TIMEOUT, None, "started\n")
    assert "1 seconds" in status.detail
    assert verdict(status.ending, status.exit_code) is Verdict.COULD_NOT_RUN


def test_a_command_that_is_killed_says_so(box: Runner) -> None:
    command = box.start("echo started; sleep 600")
    box.sandboxes.poll(box.handle, command, 0, 10)
    box.sandboxes.kill(box.handle, command)
    status, log = box.finish(command)
    assert (status.ending, log) == (Ending.KILLED, "started\n")


def test_a_command_that_floods_is_ended_and_its_log_keeps_both_ends(box: Runner) -> None:
    status, log = box.run("echo first; yes", log_bytes=64 * 1024)
    assert status.ending is Ending.OUTPUT
    assert log.startswith("first\ny\n")
    assert len(log) <= 64 * 1024


def test_a_long_log_keeps_its_beginning_and_its_end(box: Runner) -> None:
    status, log = box.run("echo first; head -c 300000 /dev/zero | tr '\\0' x; echo; echo last", log_bytes=128 * 1024)
    assert status.ending is Ending.EXIT
    assert log.startswith("first\n")
    assert log.endswith("x\nlast\n")
    assert len(log) <= 128 * 1024 < status.log.total


def test_a_log_is_read_in_pages(box: Runner) -> None:
    command = box.start("seq 1 100000", log_bytes=2**20)
    status, log = box.finish(command)
    assert log == "".join(f"{number}\n" for number in range(1, 100001))
    page = box.sandboxes.poll(box.handle, command, 0).log
    assert len(page.text) == page.next_offset < status.log.total
    assert not page.is_last


def test_the_same_command_again_is_no_second_one(box: Runner) -> None:
    box.start("echo once >> /work/times; cat /work/times")
    box._count -= 1
    command = box.start("echo once >> /work/times; cat /work/times")
    assert box.finish(command)[1] == "once\n"
    box._count -= 1
    with pytest.raises(CommandConflict):
        box.start("echo another")


def test_one_command_at_a_time(box: Runner) -> None:
    command = box.start("sleep 600")
    with pytest.raises(SandboxBusy):
        box.start("true")
    with pytest.raises(SandboxBusy):
        box.put({"a": "b"})
    with pytest.raises(SandboxBusy):
        box.sandboxes.changes(box.handle, 1000)
    box.sandboxes.kill(box.handle, command)
    assert box.finish(command)[0].ending is Ending.KILLED
    assert box.run("true")[0].exit_code == 0


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        ((), {}),
        (("true",), {"folder": "../elsewhere"}),
        (("true",), {"folder": "/etc"}),
        (("true",), {"env": {"A B": "c"}}),
        (("true",), {"network": True}),
        (("tr\0ue",), {}),
    ],
)
def test_what_is_no_command_is_refused(box: Runner, argv: tuple[str, ...], options: dict[str, object]) -> None:
    with pytest.raises(CommandRefused):
        box.start(argv, **options)  # type: ignore[arg-type]


def test_a_command_that_nobody_started_is_lost(box: Runner) -> None:
    assert box.sandboxes.poll(box.handle, "c9").ending is Ending.LOST


def test_a_command_goes_on_after_a_suspension_and_its_time_stands_still(lasting: StandIn, box: Runner) -> None:
    command = box.start("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done", seconds=8)
    box.sandboxes.poll(box.handle, command, 0, 10)
    assert box.sandboxes.suspend(box.handle)
    before = lasting.service.machines.get(box.handle.id)
    assert before is not None
    assert before.state == "SUSPENDED"
    time.sleep(8)
    status, log = box.finish(command)
    assert (status.ending, status.exit_code) == (Ending.EXIT, 0)
    assert log == "1\n2\n3\n4\n5\n6\n7\n8\n"
    assert status.seconds < 8


def test_polling_waits_for_the_log_and_not_longer(sandboxes: Sandboxes, handle: Handle, box: Runner) -> None:
    command = box.start("sleep 1; echo late; sleep 600")
    status = sandboxes.poll(handle, command, 0, 25)
    assert (status.ending, status.log.text) == (None, "late\n")


def test_variables_are_the_commands_own(box: Runner) -> None:
    _, log = box.run("echo $COLOUR; env | grep -c -i -E 'token|secret|aws|key'", env={"COLOUR": "blue = green"})
    assert log == "blue = green\n0\n"
