"""Verdicts: only a command's own exit is one."""

import zipfile
from io import BytesIO

import pytest

from groundwork.sandbox.model import Ending
from groundwork.sandbox.program import agent_program
from groundwork.sandbox.verdict import Verdict, verdict, verdict_of_all

PASSED, FAILED, RUNNING = verdict(Ending.EXIT, 0), verdict(Ending.EXIT, 1), verdict(None, None)
LOST = verdict(Ending.LOST, None)


def test_an_exit_is_a_verdict() -> None:
    assert (PASSED, FAILED, RUNNING) == (Verdict.PASSED, Verdict.FAILED, None)


@pytest.mark.parametrize("ending", sorted(set(Ending) - {Ending.EXIT}))
@pytest.mark.parametrize("code", [None, 0, 1])
def test_no_other_ending_is_a_verdict(ending: Ending, code: int | None) -> None:
    assert verdict(ending, code) is Verdict.COULD_NOT_RUN


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([PASSED, PASSED], Verdict.PASSED),
        ([PASSED, FAILED], Verdict.FAILED),
        ([PASSED, RUNNING], None),
        ([FAILED, RUNNING], Verdict.FAILED),
        ([PASSED, LOST], Verdict.COULD_NOT_RUN),
        ([LOST, FAILED], Verdict.FAILED),
        ([], Verdict.COULD_NOT_RUN),
    ],
)
def test_several_commands_have_passed_if_each_has(verdicts: list[Verdict | None], expected: Verdict | None) -> None:
    assert verdict_of_all(verdicts) is expected


def test_the_agent_is_one_file_of_the_standard_library() -> None:
    with zipfile.ZipFile(BytesIO(agent_program())) as archive:
        sources = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "agent/main.py" in sources
    assert not any("groundwork." in line for text in sources.values() for line in text.splitlines() if "import" in line)
