"""`python -m local.demo` as a user runs it."""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest
from dulwich.refs import Ref
from dulwich.repo import Repo
from rich.console import Console

from groundwork.llm.mock.written import unpack
from local.demo import __main__ as demo
from local.demo.__main__ import environment, files_to_import
from local.demo.answers import EXAMPLES, read_answers
from local.demo.job import PLAN_STEPS, STEPS
from local.demo.repository import create_repository
from local.stop_signal import StopSignal

ROOT = Path(__file__).parents[3]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        shell = {
            name: value for name, value in os.environ.items() if not name.startswith(("GROUNDWORK_", "ANTHROPIC_"))
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "local.demo", *arguments],
            cwd=ROOT,
            env={**shell, "PORT": "0", "DATA": "memory", "GROUNDWORK_MOCK_LATENCY_MS": "1", "EXIT": "", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.communicate()


@pytest.mark.slow(reason="the whole demo, as a user starts it")
def test_the_demo_takes_the_examples_to_commits(start: Start) -> None:
    process = start(EXIT="1")
    output, errors = process.communicate(timeout=240)
    assert (process.returncode, errors) == (0, "")
    for name in (*STEPS.values(), PLAN_STEPS["GENERATE_PLAN"]):
        assert re.search(rf"^{name}: SUCCEEDED 100%", output, re.MULTILINE)
    assert re.search(r"^Run plan: COMPLETED 100%", output, re.MULTILINE)
    assert "The project has 63 cards, 7 epics, 35 stories, 175 subtasks" in output
    assert "Generating a plan for story S1: Restore a deleted ride within 30 days" in output
    assert "MOCK AI" in output
    branch = re.search(r"^Commits on (groundwork/.+):", output, re.MULTILINE)
    assert branch
    # Tasks are listed by end; two concurrent ones may have landed the other way round.
    landed = commits(ROOT / "build" / "demo" / "cycling-app", branch[1])[:-1]
    assert sorted(sha for sha, _ in landed) == sorted(committed(output))
    (plan,) = read_answers(EXAMPLES)["plans"]
    assert {subject for _, subject in landed} == {
        task["subject"] for phase in plan["phases"] for task in phase["tasks"]
    }


def commits(folder: Path, branch: str) -> list[tuple[str, str]]:
    """Short name and subject of each commit of a branch, the newest first."""
    with Repo(str(folder)) as repository:
        head = repository.refs[Ref(f"refs/heads/{branch}".encode())]
        found = [entry.commit for entry in repository.get_walker(include=[head])]
        return [(commit.id.decode()[:7], commit.message.decode().partition("\n")[0]) for commit in found]


def committed(output: str) -> list[str]:
    return re.findall(r"^  ([0-9a-f]{7}) ", output, re.MULTILINE)


@pytest.mark.slow(reason="the whole demo, as a user starts it")
def test_the_demo_serves_own_cards_until_a_signal(start: Start, tmp_path: Path) -> None:
    own = tmp_path / "mine.ndjson"
    own.write_text('{"text": "The export is broken"}\n{"text": "Please add a dark mode"}\n{"text": ""}\n')
    process = start("--cards", str(own))
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "Ctrl-C" in line:
            break
    url = next(word for line in seen for word in line.split() if word.startswith("http")).rstrip(".")
    headers = {"Authorization": "Bearer local-admin-token"}
    [project] = httpx.get(f"{url}/api/projects", headers=headers, timeout=120).json()["items"]
    assert (project["name"], project["counts"]["cards"]) == ("mine", 2)
    assert any("row 3 rejected: text: must be" in line for line in seen)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")


def test_a_taken_port_is_reported(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(PORT=str(port))
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    free = re.search(r"PORT=(\d+) make demo\n$", errors)
    assert free, errors
    assert int(free[1]) != port
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "shell", "message"),
    [
        (["--cards", "no-such.csv"], {}, "File not found: no-such.csv"),
        (["--cards", "pyproject.toml"], {}, "unsupported file type; use one of .csv, .ndjson, .jsonl, .json"),
        ([], {"HOST": "0.0.0.0"}, "set GROUNDWORK_TOKEN"),
        ([], {"PORT": "three"}, "PORT must be a number from 0 to 65535, not 'three'"),
        ([], {"PORT": "65536"}, "PORT must be a number from 0 to 65535, not '65536'"),
    ],
)
def test_bad_arguments_are_refused_before_the_start(
    start: Start, arguments: list[str], shell: dict[str, str], message: str
) -> None:
    process = start(*arguments, **shell)
    output, errors = process.communicate(timeout=120)
    assert process.returncode != 0
    assert (output, "Traceback" in errors) == ("", False)
    assert message in errors


def test_the_mock_is_fast_unless_configured() -> None:
    assert environment({})["GROUNDWORK_MOCK_LATENCY_MS"] == "200"
    chosen = {"GROUNDWORK_MOCK_LATENCY_MS": "5", "GROUNDWORK_MOCK_ANSWERS": "", "A": "b"}
    assert environment(chosen) == chosen


def test_the_mock_gets_the_written_answers_in_a_variable_that_any_system_can_hold() -> None:
    packed = environment({})["GROUNDWORK_MOCK_ANSWERS"]
    assert unpack(packed)
    # the limit of Linux for one variable
    assert len(packed) < 128 * 1024


def test_the_examples_are_imported_by_default() -> None:
    assert [file.name for file in files_to_import(None)] == ["feedback.csv", "interviews.ndjson"]


def test_the_example_repository_is_recreated_with_one_commit(tmp_path: Path) -> None:
    for _ in range(2):
        folder = create_repository(ROOT / "examples" / "cycling-app", tmp_path / "here")
        assert len(commits(folder, "main")) == 1
        (folder / "cycling" / "left_over.py").write_text("")
    create_repository(ROOT / "examples" / "cycling-app", folder)
    assert not (folder / "cycling" / "left_over.py").exists()


def test_a_log_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "build").write_text("")
    monkeypatch.setattr(demo, "LOG", tmp_path / "build" / "demo.log")
    arguments = argparse.Namespace(host="127.0.0.1", port=0, exit=True)
    assert demo._run_demo(arguments, [], Console(), cast(StopSignal, None)) == 1
    assert str(tmp_path / "build") in capsys.readouterr().err
