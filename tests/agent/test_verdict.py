"""Verdicts on `finish`: failed calls beside it, and texts of the commit or log."""

from pathlib import Path
from typing import Any

import pytest

from groundwork.agent.session import Session
from groundwork.agent.turn import run_turn
from groundwork.agent.workspace import Workspace
from groundwork.llm.conversation import Turn
from tests.agent.world import JobContext, Scripted, brief, call, calls, finish, workspace

KEY = "AKIA" + "QYLPMN5HFIXTEBZ2"
WRITE = call("write", file_path="src/app.py", content="two\n")
MISSES = call("edit", file_path="src/app.py", old_string="nowhere", new_string="x")


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "work", {"src/app.py": "one\n"})


async def ended(work: Workspace, *script: Turn) -> Session:
    session, desk = Session(brief=brief(), base="0" * 40), JobContext(Scripted(list(script)), work)
    while not session.ended and session.turns < 10:
        session = await run_turn(session, desk.means())
    return session


async def test_an_end_that_was_written_before_a_call_beside_it_failed_is_not_taken(work: Workspace) -> None:
    session = await ended(work, calls(WRITE, MISSES, finish()), calls(finish((True, False))))
    assert session.turns == 2
    assert session.ended
    assert session.ended.outcome == "UNMET"
    told = [block["content"] for message in session.messages for block in message.content if block.get("is_error")]
    assert any("edit failed in this very turn" in text for text in told)


async def test_calls_that_went_well_may_come_with_the_end(work: Workspace) -> None:
    session = await ended(work, calls(WRITE, finish()))
    assert session.ended
    assert session.ended.success


@pytest.mark.parametrize(
    ("leak", "end", "where"),
    [
        (WRITE, finish(summary=f"Done.\n\nThe old key was {KEY}."), "the summary"),
        (WRITE, finish(commit_subject=f"fix: replace {KEY}"), "the subject"),
        (call("write", file_path=f"keys/{KEY}", content="two\n"), finish(), "the name of a new file"),
    ],
)
async def test_a_secret_in_what_would_be_pushed_beside_the_files_stops_the_commit(
    work: Workspace, leak: Any, end: Any, where: str
) -> None:
    session = await ended(work, calls(leak, end), calls(end))
    assert session.ended
    assert session.ended.outcome == "SECRET"
    assert f"{where} looks like an AWS access key" in session.ended.reason
    assert KEY not in session.ended.model_dump_json()


async def test_evidence_that_quotes_a_secret_is_kept_without_it(work: Workspace) -> None:
    verdicts = [{"number": n, "met": n == 1, "evidence": f"The key {KEY} is in the README."} for n in (1, 2)]
    session = await ended(work, calls(WRITE, finish(criteria=verdicts)))
    assert session.ended
    assert session.ended.reason == "Criterion 2 is not met: The key [an AWS access key] is in the README."
    assert KEY not in session.ended.model_dump_json()
