"""Jobs without their tree: a look at a running command, and nothing else."""

import pytest

from groundwork.checks.errors import TreeNeeded
from groundwork.checks.runner import tree_of
from groundwork.sandbox.model import CommandStatus, Ending
from groundwork.sandbox.verdict import Verdict
from tests.fakes.sandboxes import Outcome
from tests.repository_checks.conftest import Desk, at_once, finish

RUNNING = None


def test_an_unknown_job_is_not_begun(desk: Desk) -> None:
    owner = desk.owner()
    with pytest.raises(TreeNeeded):
        desk.runner.advance(desk.job(owner, "test", tree=None), at_once)
    assert desk.tables.checks.of_owner(owner) == []
    assert desk.tables.sandboxes.all() == []


def test_a_running_command_is_seen_and_its_result_told(desk: Desk) -> None:
    desk.outcomes["test"] = [RUNNING]
    owner = desk.owner()
    whole, look = desk.job(owner, "test"), desk.job(owner, "test", tree=None, tree_sha="")
    assert desk.runner.advance(whole, at_once).verdict is None
    assert desk.runner.advance(look, at_once).verdict is None
    assert desk.ran == ["test"]
    (record,) = desk.tables.checks.of_owner(owner)
    assert record.tree == "t1"
    assert tree_of(whole).folder == desk.folder


def test_an_ended_job_is_told_without_its_tree(desk: Desk) -> None:
    owner = desk.owner()
    finish(desk.runner, desk.job(owner, "test"))
    assert desk.runner.advance(desk.job(owner, "test", tree=None), at_once).verdict is Verdict.PASSED


def test_a_lost_sandbox_asks_for_the_tree_and_the_job_goes_on_with_it(desk: Desk) -> None:
    desk.outcomes["test"] = [RUNNING, Outcome()]
    owner = desk.owner()
    desk.runner.advance(desk.job(owner, "test"), at_once)
    (sandbox,) = desk.sandboxes.living
    desk.sandboxes.lose(sandbox.handle)
    look = desk.job(owner, "test", tree=None)
    with pytest.raises(TreeNeeded):
        for _ in range(3):
            assert desk.runner.advance(look, at_once).verdict is None
    assert finish(desk.runner, desk.job(owner, "test")).verdict is Verdict.PASSED


def test_a_set_up_that_ends_during_a_look_asks_for_the_tree_and_runs_once(desk: Desk) -> None:
    desk.outcomes["install"] = [RUNNING]
    owner = desk.owner()
    whole = desk.job(owner, "test", setup=("install",))
    assert desk.runner.advance(whole, at_once).verdict is None
    (sandbox,) = desk.sandboxes.living
    for id_, (command, _, log) in sandbox.commands.items():
        sandbox.commands[id_] = (command, CommandStatus(Ending.EXIT, 0), log)
    with pytest.raises(TreeNeeded):
        desk.runner.advance(desk.job(owner, "test", setup=("install",), tree=None), at_once)
    assert finish(desk.runner, whole).verdict is Verdict.PASSED
    assert desk.ran == ["install", "test"]
