"""The check of committed files for hosts of registries and paths of machines."""

import subprocess
from pathlib import Path

import pytest

from checks.traces import committed, traces

# in pieces, or the check would find this file
HOST = "pypi" + ".org"
PLACE = "/" + "root/.cache/pip"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"--index-url https://{HOST}/simple", HOST),
        ("https://files.python" + "hosted.org/packages/ab/cd", "python" + "hosted.org"),
        ("registry=https://registry." + "npm" + "js.org", "registry." + "npm" + "js"),
        (f"cache: {PLACE}", "/" + "root/"),
        ("cd /" + "home/ann/groundwork", "/" + "home/a"),
        ("/" + "Users/ann/groundwork", "/" + "Users/a"),
    ],
)
def test_a_trace_is_found_with_its_line(line: str, found: str) -> None:
    assert list(traces(["first", line])) == [(2, found)]


@pytest.mark.parametrize(
    "line", ["the root of the tree", "/opt/python", "work/main job", "see /api/users/", "pip install rich", "~/home/"]
)
def test_ordinary_text_is_none(line: str) -> None:
    assert list(traces([line])) == []


def test_files_that_git_ignores_are_not_looked_at(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored.txt\n")
    (tmp_path / "ignored.txt").write_text(PLACE)
    (tmp_path / "new.txt").write_text(PLACE)
    (tmp_path / "gone.txt").write_text(PLACE)
    subprocess.run(["git", "-C", str(tmp_path), "add", "gone.txt"], check=True)
    (tmp_path / "gone.txt").unlink()
    assert sorted(path.name for path in committed(tmp_path)) == [".gitignore", "new.txt"]
