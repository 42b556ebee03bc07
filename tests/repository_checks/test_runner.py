"""Jobs: verdicts, flaky failures, lost sandboxes, waiting."""

from dataclasses import replace
from typing import Any

import pytest

from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import CheckSettings
from groundwork.checks.poll_delay import MAX_DELAY_S, next_look_s, poll_delay_s
from groundwork.checks.ports import Owner, OwnerKind
from groundwork.checks.prices import bill
from groundwork.checks.runner import MIN_WAIT_SECONDS
from groundwork.errors import Transient
from groundwork.plans.model import TaskStatus
from groundwork.sandbox.errors import TreeRefused
from groundwork.sandbox.model import ChangedFile, ChangeKind, Ending, Handle, Tree
from groundwork.sandbox.verdict import Verdict
from tests.fakes.sandboxes import Outcome
from tests.repository_checks.conftest import Desk, finish

FAILS, PASSES = Outcome(1, "1 failed"), Outcome(0, "2 passed")


def test_all_commands_run_even_after_a_failure(desk: Desk) -> None:
    desk.outcomes["lint"] = [FAILS]
    progress = finish(desk.runner, desk.job(desk.owner(), "lint", "test"))
    assert progress.verdict is Verdict.FAILED
    assert [(one.command, one.exit_code, one.flaky) for one in progress.results] == [
        ("lint", 1, False),
        ("test", 0, False),
    ]
    assert desk.ran == ["lint", "test", "lint"]


def test_a_failure_gone_in_the_second_run_is_flaky_and_passes(desk: Desk) -> None:
    desk.outcomes["test"] = [FAILS, PASSES]
    progress = finish(desk.runner, desk.job(desk.owner(), "test"))
    assert progress.verdict is Verdict.PASSED
    assert (progress.results[0].flaky, progress.results[0].exit_code, progress.results[0].log) == (True, 0, "1 failed")


def test_a_command_that_repairs_the_tree_it_was_given_fails(desk: Desk) -> None:
    (desk.folder / "a.txt").write_text("ugly")
    repaired = Outcome(1, "fixed 1 file", changed=(ChangedFile("a.txt", ChangeKind.MODIFIED, b"neat", size=4),))
    generated = Outcome(1, "made 1 file", changed=(ChangedFile("gen.txt", ChangeKind.ADDED, b"x", size=1),))
    desk.scripted["format"] = lambda files: PASSES if files["a.txt"] == b"neat" else repaired
    desk.scripted["generate"] = lambda files: PASSES if "gen.txt" in files else generated
    progress = finish(desk.runner, desk.job(desk.owner(), "format", "generate"))
    assert progress.verdict is Verdict.FAILED
    assert [(one.exit_code, one.flaky) for one in progress.results] == [(1, False), (1, False)]


def test_a_second_run_has_the_products_of_the_commands_before_it(desk: Desk) -> None:
    built = Outcome(changed=(ChangedFile("out", ChangeKind.ADDED, b"x", size=1),))
    ends = [FAILS, PASSES]
    desk.scripted["build"] = lambda files: built
    desk.scripted["test"] = lambda files: ends.pop(0) if "out" in files else Outcome(2, "nothing is built")
    progress = finish(desk.runner, desk.job(desk.owner(), "build", "test", "lint"))
    assert progress.verdict is Verdict.PASSED
    assert [(one.command, one.flaky) for one in progress.results] == [("build", False), ("test", True), ("lint", False)]
    assert desk.ran == ["build", "test", "lint", "build", "test"]


def test_a_second_run_has_the_products_of_set_up(desk: Desk) -> None:
    tools, ends = Outcome(changed=(ChangedFile("tools", ChangeKind.ADDED, b"x", size=1),)), [FAILS, PASSES]
    desk.scripted["install"] = lambda files: tools
    desk.scripted["test"] = lambda files: ends.pop(0) if "tools" in files else Outcome(2, "no tools")
    progress = finish(desk.runner, desk.job(desk.owner(), "test", setup=("install",)))
    assert (progress.verdict, desk.ran) == (Verdict.PASSED, ["install", "test", "test"])


def test_a_change_of_the_tree_by_set_up_proves_nothing(desk: Desk) -> None:
    (desk.folder / "a.txt").write_text("ugly")
    repaired = Outcome(changed=(ChangedFile("a.txt", ChangeKind.MODIFIED, b"neat", size=4),))
    desk.scripted["install"] = lambda files: repaired
    desk.scripted["test"] = lambda files: PASSES if files["a.txt"] == b"neat" else FAILS
    assert finish(desk.runner, desk.job(desk.owner(), "test", setup=("install",))).verdict is Verdict.FAILED


def test_a_second_round_leaves_out_a_command_that_could_not_run(desk: Desk) -> None:
    desk.outcomes["slow"], desk.outcomes["test"] = [Outcome(ending=Ending.TIMEOUT)], [FAILS, PASSES]
    progress = finish(desk.runner, desk.job(desk.owner(), "slow", "test"))
    assert (progress.verdict, desk.ran) == (Verdict.COULD_NOT_RUN, ["slow", "test", "test"])


def test_a_worker_lost_before_the_second_round_leaves_the_tree_to_its_successor(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.folder / "a.txt").write_text("ugly")
    repaired = Outcome(1, changed=(ChangedFile("a.txt", ChangeKind.MODIFIED, b"neat", size=4),))
    desk.scripted["format"] = lambda files: PASSES if files["a.txt"] == b"neat" else repaired
    job, put, puts = desk.job(desk.owner(), "format"), desk.sandboxes.put, list[bool]()

    def lost(handle: Handle, tree: Tree, *, clean: bool = False) -> str:
        puts.append(clean)
        if len(puts) == 2:
            raise Transient("The worker was lost.")
        return put(handle, tree, clean=clean)

    monkeypatch.setattr(desk.sandboxes, "put", lost)
    with pytest.raises(Transient):
        desk.runner.advance(job, lambda: 0.0)
    assert finish(desk.runner, job).verdict is Verdict.FAILED
    assert puts == [True, True, True]


def test_without_rerun_one_failure_is_enough(desk: Desk) -> None:
    desk.outcomes["test"] = [FAILS, PASSES]
    progress = finish(desk.runner, desk.job(desk.owner(), "test", rerun=False))
    assert (progress.verdict, desk.ran) == (Verdict.FAILED, ["test"])


@pytest.mark.parametrize("ending", [Ending.TIMEOUT, Ending.KILLED, Ending.OUTPUT, Ending.COULD_NOT_START])
def test_an_ending_other_than_exit_is_no_failure(desk: Desk, ending: Ending) -> None:
    desk.outcomes["test"] = [Outcome(ending=ending)]
    progress = finish(desk.runner, desk.job(desk.owner(), "test"))
    assert (progress.verdict, progress.results[0].ending) == (Verdict.COULD_NOT_RUN, ending)


def test_a_failed_set_up_says_nothing_about_the_change(desk: Desk) -> None:
    desk.outcomes["install"] = [FAILS]
    progress = finish(desk.runner, desk.job(desk.owner(), "test", setup=("install",)))
    assert progress.verdict is Verdict.COULD_NOT_RUN
    assert [(one.command, one.setup) for one in progress.results] == [("install", True)]
    assert desk.ran == ["install", "install"]


def test_set_up_runs_once_in_a_sandbox(desk: Desk) -> None:
    owner = desk.owner()
    finish(desk.runner, desk.job(owner, "test", setup=("install",)))
    progress = finish(desk.runner, desk.job(owner, "lint", setup=("install",), id_="j2"))
    assert desk.ran == ["install", "test", "lint"]
    assert [one.command for one in progress.results] == ["lint"]


def test_set_up_is_repeated_for_other_lock_files(desk: Desk) -> None:
    owner, lock = desk.owner(), desk.folder / "uv.lock"
    lock.write_text("1")
    finish(desk.runner, desk.job(owner, "test", setup=("install",)))
    (desk.folder / "app.py").write_text("1")
    finish(desk.runner, desk.job(owner, "test", setup=("install",), id_="j2"))
    assert desk.ran == ["install", "test", "test"]
    lock.write_text("2")
    progress = finish(desk.runner, desk.job(owner, "test", setup=("install",), id_="j3"))
    assert [one.command for one in progress.results] == ["install", "test"]
    finish(desk.runner, desk.job(owner, "test", setup=("install",), id_="j4"))
    assert desk.ran == ["install", "test", "test", "install", "test", "test"]


def test_a_failed_repetition_of_set_up_is_tried_again_by_the_next_job(desk: Desk) -> None:
    owner, lock = desk.owner(), desk.folder / "uv.lock"
    lock.write_text("1")
    finish(desk.runner, desk.job(owner, "test", setup=("install",)))
    lock.write_text("2")
    desk.outcomes["install"] = [FAILS, FAILS, PASSES]
    assert finish(desk.runner, desk.job(owner, "test", setup=("install",), id_="j2")).verdict is Verdict.COULD_NOT_RUN
    assert finish(desk.runner, desk.job(owner, "test", setup=("install",), id_="j3")).verdict is Verdict.PASSED
    assert desk.ran == ["install", "test", "install", "install", "install", "test"]


@pytest.mark.parametrize("changed", ["requirements/base.txt", "ci/setup.sh", "ci/pins.cfg", "uv.lock"])
def test_a_kept_set_up_is_only_restored_for_the_same_files(desk: Desk, changed: str) -> None:
    settings = CheckSettings(setup=("sh ci/setup.sh",), verify=("test",), env={"PIP_CONSTRAINT": "ci/pins.cfg"})
    paths = ("requirements/base.txt", "ci/setup.sh", "ci/pins.cfg", "src/app.py")
    for path in paths:
        (desk.folder / path).parent.mkdir(exist_ok=True)
        (desk.folder / path).write_text("1")

    def run(link: str = "deps/1.lock", **fields: Any) -> None:
        owner, tree = desk.owner(OwnerKind.LANDING), Tree(desk.folder, links={"uv.lock": link})
        finish(desk.runner, replace(desk.job(owner, "test", tree=tree, **fields), settings=settings))
        desk.keeper.close(owner)

    run(keep_setup=True)
    (desk.folder / "src/app.py").write_text("2")
    run()
    assert desk.ran == ["sh ci/setup.sh", "test", "test"]
    if changed == "uv.lock":
        run("deps/2.lock")
    else:
        (desk.folder / changed).write_text("2")
        run()
    assert desk.ran[3:] == ["sh ci/setup.sh", "test"]


def test_only_a_job_on_the_default_head_keeps_its_set_up(desk: Desk) -> None:
    finish(desk.runner, desk.job(desk.owner(), "test", setup=("install",)))
    assert not desk.setups.kept
    finish(desk.runner, desk.job(desk.owner(OwnerKind.LANDING), "test", setup=("install",), keep_setup=True))
    assert len(desk.setups.kept) == 1
    desk.keeper.close(desk.tables.sandboxes.all()[0].owner)
    desk.ran.clear()
    finish(desk.runner, desk.job(desk.owner(), "test", setup=("install",)))
    assert desk.ran == ["test"]


def test_set_up_runs_in_another_sandbox_if_the_kept_one_does_not_unpack(desk: Desk) -> None:
    desk.scripted["test"] = lambda files: FAILS if "half" in files else PASSES
    finish(desk.runner, desk.job(desk.owner(OwnerKind.LANDING), "test", setup=("install",), keep_setup=True))
    desk.keeper.close(desk.tables.sandboxes.all()[0].owner)
    desk.sandboxes.broken = set(desk.setups.kept)
    desk.ran.clear()
    progress = finish(desk.runner, desk.job(desk.owner(), "test", setup=("install",)))
    assert (progress.verdict, desk.ran) == (Verdict.PASSED, ["install", "test"])
    assert (len(desk.sandboxes.living), desk.slots) == (1, 1)


def test_a_set_up_that_cannot_be_kept_for_a_full_disk_does_no_harm(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise TreeRefused("No space left on device")

    monkeypatch.setattr(desk.sandboxes, "save_setup", full)
    job = desk.job(desk.owner(), "test", setup=("install",), keep_setup=True)
    assert (finish(desk.runner, job).verdict, desk.ran) == (Verdict.PASSED, ["install", "test"])


def test_a_sandbox_that_refuses_the_tree_is_replaced_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, put, refusing = desk.owner(), desk.sandboxes.put, set[str]()
    finish(desk.runner, desk.job(owner, "test"))
    refusing.update(one.handle.id for one in desk.sandboxes.living)

    def refused(handle: Handle, tree: Tree, *, clean: bool = False) -> str:
        if not refusing or handle.id in refusing:
            raise TreeRefused("rm: Permission denied")
        return put(handle, tree, clean=clean)

    monkeypatch.setattr(desk.sandboxes, "put", refused)
    assert finish(desk.runner, desk.job(owner, "test", id_="j2")).verdict is Verdict.PASSED
    assert (len(desk.sandboxes.living), desk.slots) == (1, 1)
    refusing.clear()
    ended = finish(desk.runner, desk.job(owner, "test", id_="j3"))
    assert (ended.verdict, ended.results[0].ending) == (Verdict.COULD_NOT_RUN, Ending.COULD_NOT_START)
    assert "Permission denied" in ended.results[0].detail
    assert len(desk.sandboxes.opened) == 3


def test_a_repeated_job_starts_no_command_twice(desk: Desk) -> None:
    job = desk.job(desk.owner(), "test")
    first = finish(desk.runner, job)
    assert desk.runner.advance(job, lambda: 0.0) == first
    assert desk.ran == ["test"]


def test_a_long_command_is_left_alone_and_told(desk: Desk) -> None:
    desk.outcomes["test"] = [None]
    job = desk.job(desk.owner(), "test")
    progress = desk.runner.advance(job, lambda: 0.0)
    assert (progress.verdict, progress.activity) == (None, "Running: test (0 s)")
    assert progress.results[0].ending is None
    assert progress.wait_s == 2
    desk.runner.advance(job, lambda: 0.0)
    assert desk.ran == ["test"]


def test_a_poll_tells_the_price_of_the_sandbox_so_far(desk: Desk) -> None:
    desk.outcomes["test"] = [None]
    job = desk.job(desk.owner(), "test")
    desk.runner.advance(job, lambda: 0.0)
    desk.clock.pass_seconds(100)
    progress = desk.runner.advance(job, lambda: 0.0)
    assert progress.bill
    assert progress.bill.cost_micro_usd == bill(100_000, desk.keeper.memory_mb).cost_micro_usd


def test_the_wait_for_a_slot_is_polled_each_minute_and_less_often_after_hours(desk: Desk) -> None:
    for _ in range(2):
        desk.runner.advance(desk.job(desk.owner(), "test"), lambda: 0.0)
    waiting, waits = desk.job(desk.owner(), "test"), []
    for hours in (0, 1, 1, 48):
        desk.clock.pass_seconds(3_600 * hours)
        progress = desk.runner.advance(waiting, lambda: 0.0)
        assert (progress.results, progress.bill, progress.activity) == ((), None, "Waiting for a free sandbox")
        assert progress.wait_s == next_look_s(progress)
        waits.append(progress.wait_s)
    assert waits == [2.0, 60.0, 72.0, MAX_DELAY_S]


def test_waits_grow_with_the_time_already_run() -> None:
    spent, polls = 0.0, 0
    while spent < 3600:
        spent, polls = spent + poll_delay_s(spent, MIN_WAIT_SECONDS), polls + 1
    assert polls <= 25


def test_a_job_given_up_by_its_session_is_killed_by_the_next_one(desk: Desk) -> None:
    desk.outcomes["hang"] = [None]
    owner = desk.owner()
    desk.runner.advance(desk.job(owner, "hang"), lambda: 0.0)
    assert finish(desk.runner, desk.job(owner, "test", id_="j2")).verdict is Verdict.PASSED


def test_a_command_that_takes_a_moment_to_end_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.outcomes["hang"] = [None]
    owner = desk.owner()
    desk.runner.advance(desk.job(owner, "hang"), lambda: 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(desk.sandboxes, "kill", lambda handle, command_id: None)
        progress = desk.runner.advance(desk.job(owner, "test", id_="j2"), lambda: 0.0)
    assert (progress.verdict, progress.activity) == (None, "Waiting for an earlier command to end")
    assert finish(desk.runner, desk.job(owner, "test", id_="j2")).verdict is Verdict.PASSED


def test_a_lost_sandbox_is_replaced_and_the_job_begins_again(desk: Desk) -> None:
    owner = desk.owner()
    desk.outcomes["hang"] = [None, PASSES]
    job = desk.job(owner, "test", "hang", setup=("install",))
    desk.runner.advance(job, lambda: 0.0)
    desk.sandboxes.lose(desk.tables.sandboxes.all()[0].handle)
    assert finish(desk.runner, job).verdict is Verdict.PASSED
    assert desk.ran == ["install", "test", "hang", "install", "test", "hang"]
    assert (len(desk.sandboxes.living), desk.slots) == (1, 1)


def test_a_job_that_loses_every_sandbox_could_not_run(desk: Desk) -> None:
    desk.outcomes["hang"] = [None]
    job = desk.job(desk.owner(), "hang")
    while (progress := desk.runner.advance(job, lambda: 0.0)).verdict is None:
        for sandbox in desk.sandboxes.living:
            desk.sandboxes.lose(sandbox.handle)
    assert (progress.verdict, progress.results[-1].ending) == (Verdict.COULD_NOT_RUN, Ending.LOST)
    assert len(desk.sandboxes.opened) == 3


def test_without_a_free_slot_the_job_waits(desk: Desk) -> None:
    owners = [desk.owner() for _ in range(2)]
    for owner in owners:
        finish(desk.runner, desk.job(owner, "test"))
    waiting = desk.job(desk.owner(), "test")
    progress = desk.runner.advance(waiting, lambda: 0.0)
    assert (progress.verdict, progress.activity) == (None, "Waiting for a free sandbox")
    assert progress.wait_s >= 2
    desk.runner.close(owners[0])
    assert finish(desk.runner, waiting).verdict is Verdict.PASSED


def test_without_capacity_at_the_service_the_job_waits_and_is_not_billed(desk: Desk) -> None:
    desk.sandboxes.limit = 0
    owner = desk.owner()
    job = desk.job(owner, "test")
    assert "none free" in desk.runner.advance(job, lambda: 0.0).activity
    desk.clock.pass_seconds(500)
    assert "none free" in desk.runner.advance(job, lambda: 0.0).activity
    desk.runner.close(owner)
    assert desk.usage(owner) == (0, 0)
    assert desk.slots == 0


def test_an_old_claim_can_neither_run_nor_close(desk: Desk) -> None:
    old = desk.owner()
    desk.runner.advance(desk.job(old, "test"), lambda: 0.0)
    new = Owner(old.kind, old.plan_id, old.task_id, old.number, epoch=2)
    desk.claim(new)
    with pytest.raises(ClaimLost):
        desk.runner.advance(desk.job(old, "test", id_="j2"), lambda: 0.0)
    finish(desk.runner, desk.job(new, "test", id_="j3"))
    desk.runner.close(old)
    assert len(desk.sandboxes.living) == 1


def test_a_cancelled_task_gets_no_sandbox(desk: Desk) -> None:
    owner = desk.owner()
    desk.claim(owner, TaskStatus.CANCELLED)
    with pytest.raises(ClaimLost):
        desk.runner.advance(desk.job(owner, "test"), lambda: 0.0)
    assert not desk.sandboxes.opened


def test_a_closed_owner_opens_a_new_sandbox_and_runs_again(desk: Desk) -> None:
    owner = desk.owner()
    desk.outcomes["test"] = [None, PASSES]
    job = desk.job(owner, "test")
    desk.runner.advance(job, lambda: 0.0)
    desk.runner.close(owner)
    desk.clock.pass_seconds(60)
    assert finish(desk.runner, job).verdict is Verdict.PASSED
    assert desk.ran == ["test", "test"]


def test_a_log_comes_from_the_sandbox_in_pages(desk: Desk) -> None:
    desk.outcomes["test"] = [Outcome(1, "x" * 40_000 + "end")]
    owner = desk.owner()
    progress = finish(desk.runner, desk.job(owner, "lint", "test"))
    result = progress.results[1]
    assert result.log_truncated
    assert len(result.log) < 17_000
    assert result.log.endswith("end")
    page = desk.runner.log(owner, "j1", 1, 39_999)
    assert page.text == "xend"


def test_a_running_command_is_stored_while_it_is_watched(desk: Desk) -> None:
    desk.outcomes["test"] = [None]
    owner, left = desk.owner(), [20.0, 10.0, 0.0]
    stored: list[list[str]] = []

    def seconds() -> float:
        stored.append([one.result.command for one in desk.tables.checks.results(owner, "j1")])
        return left.pop(0)

    desk.runner.advance(desk.job(owner, "test"), seconds)
    assert stored == [[], ["test"], ["test"]]


def test_each_command_tells_the_notice_of_the_system(desk: Desk) -> None:
    told = replace(desk, notice="It ran without isolation.")
    told.outcomes["test"] = [Outcome(ending=Ending.KILLED)]
    progress = finish(told.runner, told.job(told.owner(), "lint", "test"))
    assert [one.detail for one in progress.results] == ["It ran without isolation."] * 2


def test_a_tree_is_made_only_when_it_is_sent(desk: Desk) -> None:
    made: list[Tree] = []

    def tree() -> Tree:
        made.append(Tree(desk.folder))
        return made[-1]

    desk.outcomes["test"] = [None, PASSES]
    job = desk.job(desk.owner(), "lint", "test", tree=tree)
    for _ in range(3):
        desk.runner.advance(job, lambda: 0.0)
    assert len(made) == 1


def test_a_command_of_the_set_up_has_its_network_again(desk: Desk) -> None:
    owner = desk.owner()
    finish(desk.runner, desk.job(owner, "install", "test", setup=("install",)))
    (sandbox,) = desk.sandboxes.living
    assert [(one.argv[-1], one.network) for one, *_ in sandbox.commands.values()] == [
        ("install", True),
        ("install", True),
        ("test", False),
    ]
