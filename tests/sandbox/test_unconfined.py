"""GROUNDWORK_CHECKS=unconfined: the same protocol, nothing held back, and said so."""

from pathlib import Path

import pytest

from groundwork.errors import Transient
from groundwork.sandbox.errors import SandboxUnavailable
from groundwork.sandbox.model import Ending, SandboxKey, SandboxSpec
from local.microvms.configure import LocalMicrovms
from local.microvms.launcher import SandboxSettings
from tests.sandbox.conftest import MakeStandIn, Runner


@pytest.fixture
def box(make_stand_in: MakeStandIn, tmp_path: Path) -> Runner:
    sandboxes = make_stand_in(SandboxSettings(confined=False)).sandboxes(confined=False)
    return Runner(sandboxes, sandboxes.open(SandboxKey("open"), SandboxSpec()), tmp_path / "tree")


def test_commands_run_openly_on_the_tree(box: Runner) -> None:
    box.put({"a.txt": "a"}, links={"link": "a.txt"})
    status, log = box.run("cat link; echo b > b.txt; exit 4")
    assert (status.ending, status.exit_code, log) == (Ending.EXIT, 4, "a")
    assert [one.path for one in box.sandboxes.changes(box.handle, 1000).files] == ["b.txt"]
    box.put({"a.txt": "a"}, clean=True)
    assert box.run("ls")[1] == "a.txt\n"


def test_time_and_output_are_bounded_all_the_same(box: Runner) -> None:
    assert box.run("sleep 600", seconds=1)[0].ending is Ending.TIMEOUT
    assert box.run("yes", log_bytes=4096)[0].ending is Ending.OUTPUT
    assert box.run(("no-such-program",))[0].ending is Ending.COULD_NOT_START


def test_a_daemon_that_holds_the_output_is_not_waited_for(box: Runner) -> None:
    status, log = box.run("sleep 600 & echo over", seconds=60)
    assert (status.ending, log) == (Ending.EXIT, "over\n")


def test_our_own_variables_are_not_given_to_a_command(box: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    assert "secret" not in box.run("env")[1]


def test_a_caller_that_wants_a_box_is_not_served_openly(make_stand_in: MakeStandIn, tmp_path: Path) -> None:
    sandboxes = make_stand_in(SandboxSettings(confined=False)).sandboxes()
    handle = sandboxes.open(SandboxKey("open"), SandboxSpec())
    with pytest.raises(SandboxUnavailable, match="without isolation"):
        Runner(sandboxes, handle, tmp_path / "tree").put({"a": "b"})


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ValueError, match="GROUNDWORK_CHECKS must be one of on, off, unconfined, not 'maybe'"):
        LocalMicrovms({"GROUNDWORK_CHECKS": "maybe"})
    assert issubclass(Transient, Exception)
