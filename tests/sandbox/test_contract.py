"""One contract of the port, kept by the sandboxes of this machine and by those in memory."""

import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from groundwork.sandbox.errors import CommandConflict, KeyReused, SandboxBusy, SandboxLost
from groundwork.sandbox.model import (
    ChangedFile,
    ChangeKind,
    Command,
    CommandStatus,
    Ending,
    Handle,
    SandboxKey,
    SandboxSpec,
    Tree,
    shell,
)
from groundwork.sandbox.port import Sandboxes
from tests.fakes.sandboxes import FakeSandboxes, Outcome
from tests.sandbox.conftest import StandIn

CAT, EDIT, HANG = Command(shell("cat a.txt")), Command(shell("printf new > a.txt")), Command(shell("sleep 600"))


def script(command: Command, files: Mapping[str, bytes]) -> Outcome | None:
    if command == CAT:
        return Outcome(0, files["a.txt"].decode())
    if command == EDIT:
        return Outcome(0, changed=(ChangedFile("a.txt", ChangeKind.MODIFIED, b"new", size=3),))
    return None


@pytest.fixture(params=["in memory", "on this machine"])
def sandboxes(request: pytest.FixtureRequest) -> Sandboxes:
    if request.param == "in memory":
        return FakeSandboxes(script)
    stand_in: StandIn = request.getfixturevalue("lasting")
    return stand_in.sandboxes()


@pytest.fixture
def key() -> SandboxKey:
    return SandboxKey(uuid.uuid4().hex)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "a.txt").write_text("old")
    return Tree(tmp_path)


def ended(sandboxes: Sandboxes, handle: Handle, command_id: str) -> CommandStatus:
    while (status := sandboxes.poll(handle, command_id, 0, 5)).ending is None:
        pass
    return status


def test_a_key_is_one_sandbox_until_it_is_closed(sandboxes: Sandboxes, key: SandboxKey) -> None:
    assert sandboxes.available().available
    handle = sandboxes.open(key, SandboxSpec())
    assert sandboxes.open(key, SandboxSpec()) == handle
    with pytest.raises(KeyReused):
        sandboxes.open(key, SandboxSpec(max_seconds=100))
    sandboxes.close(handle)
    sandboxes.close(handle)
    with pytest.raises(SandboxLost):
        sandboxes.open(key, SandboxSpec())
    assert sandboxes.open(SandboxKey(key.owner, 2), SandboxSpec()).id != handle.id


def test_a_tree_is_put_and_what_becomes_of_it_is_told(sandboxes: Sandboxes, key: SandboxKey, tree: Tree) -> None:
    handle = sandboxes.open(key, SandboxSpec())
    digest = sandboxes.put(handle, tree)
    assert sandboxes.put(handle, tree, clean=True) == digest
    sandboxes.start(handle, "cat", CAT)
    status = ended(sandboxes, handle, "cat")
    assert (status.ending, status.exit_code, status.log.text) == (Ending.EXIT, 0, "old")
    sandboxes.start(handle, "edit", EDIT)
    ended(sandboxes, handle, "edit")
    assert [(one.path, one.kind, one.content) for one in sandboxes.changes(handle, 1000).files] == [
        ("a.txt", ChangeKind.MODIFIED, b"new")
    ]


def test_one_command_at_a_time_and_none_twice(sandboxes: Sandboxes, key: SandboxKey, tree: Tree) -> None:
    handle = sandboxes.open(key, SandboxSpec())
    sandboxes.start(handle, "hang", HANG)
    sandboxes.start(handle, "hang", HANG)
    with pytest.raises(CommandConflict):
        sandboxes.start(handle, "hang", CAT)
    with pytest.raises(SandboxBusy):
        sandboxes.start(handle, "cat", CAT)
    with pytest.raises(SandboxBusy):
        sandboxes.put(handle, tree)
    assert sandboxes.suspend(handle)
    assert sandboxes.poll(handle, "hang").ending is None
    sandboxes.kill(handle, "hang")
    assert ended(sandboxes, handle, "hang").ending is Ending.KILLED


def test_what_ran_in_a_closed_sandbox_is_lost(sandboxes: Sandboxes, key: SandboxKey, tree: Tree) -> None:
    handle = sandboxes.open(key, SandboxSpec())
    sandboxes.start(handle, "hang", HANG)
    assert sandboxes.sweep(lambda id_, _: id_ != handle.id) == [handle.id]
    assert sandboxes.poll(handle, "hang").ending is Ending.LOST
    with pytest.raises(SandboxLost):
        sandboxes.put(handle, tree)
    sandboxes.kill(handle, "hang")
