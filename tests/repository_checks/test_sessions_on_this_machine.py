"""Sessions that run a small project's own tests in real sandboxes."""

from typing import Any

import pytest

from groundwork.agent.check_tools import SessionChecks
from groundwork.agent.runner import run_session
from groundwork.agent.session import Session
from groundwork.checks.keeper import SandboxKeeper
from groundwork.checks.model import CheckSettings
from groundwork.checks.runner import SandboxCheckRunner
from groundwork.llm.conversation import Turn
from tests.agent.world import JobContext, Scripted, call, calls, finish, session_with_checks, workspace
from tests.repository_checks.conftest import Desk
from tests.sandbox.conftest import StandIn
from tests.sandbox.conftest import lasting as lasting

FILES: dict[str, str | bytes] = {
    "total.py": "def total(prices):\n    return sum(prices) + 1\n",
    "test_total.py": (
        "import unittest\nfrom total import total\n\n\nclass T(unittest.TestCase):\n"
        "    def test_sum(self):\n        self.assertEqual(total([1, 2]), 3)\n"
    ),
    "tools/format": "#!/bin/sh\nsed -i 's/ *$//' total.py && echo formatted > report.txt\n",
}
TESTS = "python3 -m unittest -q"
SETTINGS = CheckSettings(
    verify=(TESTS,), allowed=("tools/format", "cat", "head", "seq"), setup=("echo tools > .tools",)
)


def results(session: Session) -> list[str]:
    return [
        str(block["content"])
        for message in session.messages
        for block in message.content
        if block["type"] == "tool_result"
    ]


async def run(desk: Desk, lasting: StandIn, *script: Turn, settings: CheckSettings = SETTINGS) -> Session:
    owner = desk.owner()
    keeper = SandboxKeeper(lasting.sandboxes(scope=str(desk.folder)), desk.tables.sandboxes, desk.clock)
    runner = SandboxCheckRunner(keeper, desk.tables.checks, desk.setups, "image:1")
    work = workspace(desk.folder / "work", FILES, executable=frozenset({"tools/format"}))
    checks = SessionChecks(runner, owner, "rep", settings, lambda changes: "tree")
    context = JobContext(Scripted(list(script)), work, checks=checks)
    try:
        result = await run_session(session_with_checks(), context.means(), context.watch())
    finally:
        runner.close(owner)
    assert result.pause is None
    assert desk.tables.sandboxes.all() == []
    return result.session


async def test_a_seeded_bug_is_repaired_by_reading_the_failing_test(desk: Desk, lasting: StandIn) -> None:
    def change(text: str) -> Any:
        return call("write", file_path="total.py", content=f"def total(prices):\n    return {text}\n")

    session = await run(
        desk,
        lasting,
        calls(call("check")),
        calls(change("sum(prices) - 1")),
        calls(call("check")),
        calls(change("sum(prices)")),
        calls(call("run", command=f"{TESTS} test_total.T.test_sum")),
        calls(call("check")),
        calls(finish()),
    )
    first, _, wrong, _, single, right = results(session)
    assert first.startswith("run 1 failed")
    assert "| AssertionError: 4 != 3" in first
    assert "| AssertionError: 2 != 3" in wrong
    assert single.startswith("run 3 passed")
    assert right.startswith("run 4 passed")
    assert session.ended
    assert session.ended.success
    assert session.checks
    assert session.checks.seconds > 0
    # tests leave caches behind; none of them is offered as a change
    assert "pycache" not in "".join(results(session))


async def test_a_formatter_changes_files_that_are_then_taken_over(desk: Desk, lasting: StandIn) -> None:
    untidy = "def total(prices):   \n    return sum(prices)  \n"
    session = await run(
        desk,
        lasting,
        calls(call("write", file_path="total.py", content=untidy)),
        calls(call("run", command="tools/format")),
        calls(call("take", paths=["total.py"])),
        calls(call("check")),
        calls(finish()),
    )
    listed = results(session)[1]
    assert "modified total.py (42 bytes)" in listed
    assert "added report.txt (10 bytes)" in listed
    assert session.changes == {"total.py": {"text": "def total(prices):\n    return sum(prices)\n"}}
    assert session.ended
    assert session.ended.success


async def test_arguments_reach_the_program_and_no_shell(desk: Desk, lasting: StandIn) -> None:
    session = await run(
        desk,
        lasting,
        calls(call("run", command="cat '/dev/null; echo $HOME' .tools")),
        calls(call("run", command="seq 100000")),
        calls(call("log", run=2, command=1, offset=588_880), call("log", run=2, command=7)),
        calls(call("run", command="head -c 100 /proc/1/environ")),
        calls(finish(met=(False, False))),
    )
    missing, long, page, none, environment = results(session)
    assert "| tools" in missing
    assert "/dev/null; echo $HOME" in missing
    assert "| 1\n" in long
    assert "| 100000" in long
    assert "left out" in long
    assert page.splitlines()[0] == "run 2, command 1: bytes 588880 to 588895 of 588895, to its end"
    assert page.endswith("| 100000")
    assert "no output from byte 0 on" in none
    assert "AWS" not in environment


@pytest.mark.parametrize(
    ("command", "says"), [("sleep 30", "ran out of time"), ("yes", "was ended for writing too much")]
)
async def test_commands_that_hang_or_flood_end_and_are_no_failure(
    desk: Desk, lasting: StandIn, command: str, says: str
) -> None:
    settings = SETTINGS.model_copy(update={"allowed": ("sleep", "yes"), "timeout_s": 2, "setup": ()})
    session = await run(
        desk, lasting, calls(call("run", command=command)), calls(finish(met=(False, False))), settings=settings
    )
    assert results(session)[0].startswith("run 1 could not run")
    assert says in results(session)[0]
