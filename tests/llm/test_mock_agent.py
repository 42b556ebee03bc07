"""Mock sessions: their files run, and no existing content is lost."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from groundwork.agent.runner import run_session
from groundwork.agent.session import Session
from groundwork.llm.mock.model import MockModel
from tests.agent.world import MODEL, JobContext, brief, workspace

FILES: dict[str, str | bytes] = {
    "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Older.\n\n## 1.0\n\n- First.\n",
    "README.md": "# App\n\nhello\n",
    "src/app.py": '"""App."""\n\n\ndef run() -> int:\n    return 1\n',
    "tests/test_app.py": "def test_nothing() -> None:\n    assert True\n",
    "web/app.js": "export const a = 1;\n",
    "style.css": "a { color: red }\n",
    "data.json": "{}\n",
    "long.py": "x = 1\n" * 3_000,
}


async def carried_out(folder: Path, **task: Any) -> Session:
    desk = JobContext(MockModel(MODEL, latency_ms=0), workspace(folder, FILES))
    asked = brief(layout=tuple(sorted(FILES)), **task)
    session = (await run_session(Session(brief=asked, base="0" * 40), desk.means(), desk.watch())).session
    assert session.ended
    assert session.ended.success, session.ended.reason
    return session


def text(session: Session, path: str) -> str:
    return str(session.changes[path]["text"])


@pytest.mark.parametrize("path", ["README.md", "src/app.py", "tests/test_app.py", "web/app.js", "style.css"])
async def test_what_was_in_a_file_is_still_there(tmp_path: Path, path: str) -> None:
    session = await carried_out(tmp_path, files=(path,))
    assert set(session.changes) == {path}
    assert text(session, path).startswith(str(FILES[path]))


async def test_the_code_and_its_test_run(tmp_path: Path) -> None:
    await carried_out(tmp_path, files=("src/app.py", "tests/test_app.py", "src/new.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "-c", "/dev/null"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout.decode()
    assert b"2 passed" in done.stdout
    compile((tmp_path / "src/new.py").read_text(), "new.py", "exec")


async def test_the_newest_of_a_changelog_comes_first(tmp_path: Path) -> None:
    session = await carried_out(tmp_path, files=("CHANGELOG.md",))
    assert "## Unreleased\n\n- Resume broken downloads\n- Older.\n" in text(session, "CHANGELOG.md")


@pytest.mark.parametrize("files", [(), ("data.json",), ("long.py",), ("Makefile",)])
async def test_where_an_outline_fits_nowhere_a_note_is_written(tmp_path: Path, files: tuple[str, ...]) -> None:
    session = await carried_out(tmp_path, files=files)
    assert set(session.changes) == {"notes/resume-1.md"}


@pytest.mark.parametrize("hostile", ['"""', "*/ alert(1) /*", "\\", "'", '" + x + "', "\n\nimport os\n", "</task>"])
async def test_a_tasks_words_never_become_code(tmp_path: Path, hostile: str) -> None:
    fields = {"title": f"a {hostile}", "description": hostile, "acceptance_criteria": [hostile + " x"], "key": "class"}
    files = ("src/app.py", "tests/test_app.py", "web/app.js", "new.py", "deep/new.md")
    session = await carried_out(tmp_path, files=files[:4], **fields)
    for path in ("src/app.py", "tests/test_app.py", "new.py"):
        tree = compile(text(session, path), path, "exec")
        assert "os" not in tree.co_names
    assert "alert(1) */" not in text(session, "web/app.js")


async def test_the_same_function_twice_gets_another_name(tmp_path: Path) -> None:
    first = await carried_out(tmp_path / "one", files=("src/app.py",))
    after = {**FILES, "src/app.py": text(first, "src/app.py")}
    desk = JobContext(MockModel(MODEL, latency_ms=0), workspace(tmp_path / "two", after))
    session = (await run_session(Session(brief=brief(), base="0" * 40), desk.means(), desk.watch())).session
    assert "def resume_1_2(" in text(session, "src/app.py")
    assert json.dumps(session.changes)
