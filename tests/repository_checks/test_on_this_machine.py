"""Jobs in real sandboxes, over the stand-in of the service."""

import pytest

from groundwork.checks.keeper import SandboxKeeper
from groundwork.checks.runner import SandboxCheckRunner
from groundwork.sandbox.model import Ending
from groundwork.sandbox.verdict import Verdict
from tests.repository_checks.conftest import Desk, finish
from tests.sandbox.conftest import StandIn
from tests.sandbox.conftest import lasting as lasting

UNCHANGED = "test ! -e made && touch made"


@pytest.fixture
def runner(desk: Desk, lasting: StandIn) -> SandboxCheckRunner:
    keeper = SandboxKeeper(lasting.sandboxes(scope=str(desk.folder)), desk.tables.sandboxes, desk.clock)
    return SandboxCheckRunner(keeper, desk.tables.checks, desk.setups, "image:1")


def patient() -> float:
    return 10.0


def test_commands_run_on_the_tree_and_their_products_do_not_last(desk: Desk, runner: SandboxCheckRunner) -> None:
    (desk.folder / "a.txt").write_text("one\n")
    owner = desk.owner()
    progress = finish(runner, desk.job(owner, "cat a.txt", UNCHANGED, setup=("echo tools > tools",)), patient)
    assert progress.verdict is Verdict.PASSED
    assert [one.log for one in progress.results] == ["", "one\n", ""]
    (desk.folder / "a.txt").write_text("two\n")
    again = finish(
        runner, desk.job(owner, "cat a.txt tools", UNCHANGED, setup=("echo tools > tools",), id_="j2"), patient
    )
    assert (again.verdict, again.results[0].log) == (Verdict.PASSED, "two\ntools\n")
    runner.close(owner)
    assert (desk.slots, desk.tables.sandboxes.all()) == (0, [])


REPAIRS = "grep -q neat a.txt || { echo neat > a.txt; exit 1; }"
GENERATES = "test -e src/gen || { mkdir -p src; touch src/gen; chmod 555 src; exit 1; }"
HIDES = "test -e lib/gen || { touch lib/gen; chmod 000 lib; exit 1; }"


def test_a_command_that_repairs_its_tree_fails_again_on_the_sent_one(desk: Desk, runner: SandboxCheckRunner) -> None:
    (desk.folder / "a.txt").write_text("ugly\n")
    (desk.folder / "lib").mkdir()
    (desk.folder / "lib" / "b.txt").write_text("b\n")
    owner = desk.owner()
    progress = finish(runner, desk.job(owner, REPAIRS, GENERATES, HIDES), patient)
    assert progress.verdict is Verdict.FAILED
    assert [(one.exit_code, one.flaky) for one in progress.results] == [(1, False)] * 3
    runner.close(owner)


def test_a_second_run_has_what_set_up_and_earlier_commands_made(desk: Desk, runner: SandboxCheckRunner) -> None:
    owner = desk.owner()
    flaky = "cat tools out && { test -e ~/second || { touch ~/second; echo no; exit 1; }; }"
    progress = finish(
        runner, desk.job(owner, "test ! -e out && echo built > out", flaky, setup=("echo tools > tools",)), patient
    )
    assert progress.verdict is Verdict.PASSED
    assert [(one.flaky, one.log) for one in progress.results[1:]] == [(False, ""), (True, "tools\nbuilt\nno\n")]
    runner.close(owner)


def test_a_closed_folder_does_not_spoil_the_next_check(desk: Desk, runner: SandboxCheckRunner) -> None:
    owner = desk.owner()
    leaves = "mkdir -p deep/er && touch deep/er/x && chmod 555 deep/er && chmod 000 deep"
    machines = set[str]()
    for number in range(2):
        job = desk.job(owner, "test ! -e deep", leaves, id_=f"j{number}")
        assert finish(runner, job, patient).verdict is Verdict.PASSED
        machines.add(desk.tables.sandboxes.all()[0].machine_id)
    assert len(machines) == 1
    runner.close(owner)


def test_failures_hangs_and_missing_programs_end_each_in_its_way(desk: Desk, runner: SandboxCheckRunner) -> None:
    owner = desk.owner()
    job = desk.job(owner, "echo no; exit 3", "sleep 60", "no-such-program", "exec kill -9 $$")
    job = desk.job(owner, *job.commands)
    object.__setattr__(job, "settings", job.settings.model_copy(update={"timeout_s": 1}))
    progress = finish(runner, job, patient)
    assert progress.verdict is Verdict.FAILED
    assert [(one.ending, one.exit_code) for one in progress.results] == [
        (Ending.EXIT, 3),
        (Ending.TIMEOUT, None),
        (Ending.EXIT, 127),
        (Ending.EXIT, 137),
    ]
    runner.close(owner)


def test_python_tests_pass_and_fail(desk: Desk, runner: SandboxCheckRunner) -> None:
    (desk.folder / "test_sum.py").write_text(
        "import unittest\n\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1 + 1, 2)\n"
    )
    owner, command = desk.owner(), "python3 -m unittest -q"
    assert finish(runner, desk.job(owner, command), patient).verdict is Verdict.PASSED
    (desk.folder / "test_sum.py").write_text(
        "import unittest\n\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1 + 1, 3)\n"
    )
    failed = finish(runner, desk.job(owner, command, id_="j2"), patient)
    assert failed.verdict is Verdict.FAILED
    assert "AssertionError: 2 != 3" in failed.results[0].log
    runner.close(owner)


def test_a_machine_killed_in_mid_command_costs_no_verdict(
    desk: Desk, runner: SandboxCheckRunner, lasting: StandIn
) -> None:
    owner = desk.owner()
    job = desk.job(owner, "sleep 1; echo done")
    runner.advance(job, lambda: 0.0)
    machine = lasting.service.machines.get(desk.tables.sandboxes.all()[0].machine_id)
    assert machine is not None
    lasting.service.machines.terminate(machine, "killed")
    progress = finish(runner, job, patient)
    assert (progress.verdict, progress.results[0].log) == (Verdict.PASSED, "done\n")
    runner.close(owner)
