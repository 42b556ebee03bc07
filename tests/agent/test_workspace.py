"""Tools of a session against a hostile model: bounds of paths, git files and sizes."""

import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.agent import search, tools
from groundwork.agent.changes import as_json, from_json
from groundwork.agent.paths import PathRefused, is_git_name, normalize_path
from groundwork.agent.workspace import MAX_CHANGED_FILES, Workspace
from tests.agent.world import call, workspace

FILES: dict[str, str | bytes] = {
    "README.md": "# App\n\nhello\n",
    "src/app.py": "def run():\n    return 1\n",
    "src/deep/er.py": "value = 2\n",
    ".github/workflows/ci.yml": "on: push\n",
    "logo.png": b"\x89PNG\0\0",
    "windows.txt": "one\r\ntwo\r\nthree\r\n",
}


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "work", FILES)


def ask(work: Workspace, name: str, **given: Any) -> tools.ToolResult:
    return tools.run(work, call(name, **given))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


OUTSIDE = [
    *("../secret", "src/../../secret", "/etc/passwd", "//etc/passwd", "~/.aws/credentials", "C:\\secret", "C:/secret"),
    *("..\\secret", "src\\..\\..\\secret", "", ".", "/", "a\0b", "a\nb", "\ud800", "x" * 500, "/".join("a" * 60)),
    *(".git/config", ".GIT/config", "src/.git/hooks/pre-commit", ".git", ".git ", ".git./config", "git~1/config"),
    *("GIT~1", ".g\u200cit/config", ".git:stream", ".git::$INDEX_ALLOCATION/x", "．git/config", ".ｇit/config"),
    *("./.git/hooks/post-checkout", "src/./../.git/config", "%2e%2e/secret/../../x"),
]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("name", ["read", "write", "edit", "delete"])
def test_no_tool_gets_outside_or_into_git(work: Workspace, tmp_path: Path, name: str, path: str) -> None:
    (tmp_path / "secret").write_text("hands off")
    (tmp_path / "work/.git/hooks").mkdir(parents=True)
    (tmp_path / "work/.git/config").write_text("token = hands off")
    before = everything(tmp_path)
    result = ask(work, name, file_path=path, content="x", old_string="hands", new_string="x")
    assert result.is_error
    assert "hands off" not in result.text
    assert everything(tmp_path) == before
    assert str(tmp_path) not in result.text


@given(st.text(st.sampled_from([*"./\\~:abgit GIT", "\u200c", "．", "\0", "\n"]), max_size=20))
def test_a_path_that_is_taken_stays_inside_whatever_it_is_made_of(path: str) -> None:
    try:
        plain = normalize_path(path)
    except PathRefused:
        return
    assert os.path.normpath(os.path.join("/top", plain)) == f"/top/{plain}"
    assert not any(is_git_name(part) for part in plain.split("/"))
    assert normalize_path(plain) == plain


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "../secret", ".", "src"])
@pytest.mark.parametrize("name", ["read", "write", "edit", "delete"])
def test_a_link_that_has_got_there_all_the_same_is_not_followed(
    work: Workspace, tmp_path: Path, name: str, target: str
) -> None:
    (tmp_path / "secret").write_text("hands off")
    (tmp_path / "work/link").symlink_to(target)
    before = everything(tmp_path)
    for path in ("link", "link/secret", "link/app.py"):
        result = ask(work, name, file_path=path, content="x", old_string="return", new_string="x")
        assert result.is_error
    assert everything(tmp_path) == before
    assert "hands off" not in ask(work, "grep", pattern="hands").text
    assert "passwd" not in ask(work, "glob", pattern="**/*").text


def test_a_link_of_the_repository_is_named_and_neither_followed_nor_replaced(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", FILES, links={"conf": "/etc", "src/here": "../README.md"})
    assert "a symbolic link to '/etc'" in ask(work, "read", file_path="conf/passwd").text
    for name in ("write", "delete"):
        assert ask(work, name, file_path="src/here", content="x").is_error
    assert "here (a link to ../README.md)" in ask(work, "list", path="src").text


def test_a_pipe_or_device_is_not_opened(work: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "work/pipe")
    for name in ("read", "write", "edit", "delete"):
        assert ask(work, name, file_path="pipe", content="x", old_string="x", new_string="y").is_error
    assert ask(work, "grep", pattern="hello").text == "README.md:3: hello"


def test_what_build_servers_run_is_changed_only_where_the_task_names_it(tmp_path: Path) -> None:
    path = ".github/workflows/ci.yml"
    others = (".GITHUB/workflows/new.yml", ".gitlab-ci.yml", "Jenkinsfile", ".circleci/config.yml", ".drone.yml")
    for other in (path, *others, ".woodpecker/test.yml", "buildspec.yml", ".buildkite/pipeline.yml"):
        result = ask(workspace(tmp_path / "work", FILES), "write", file_path=other, content="on: push\n")
        assert result.is_error
        assert "CI server" in result.text
    named = workspace(tmp_path / "named", FILES, named=(path,))
    assert not ask(named, "write", file_path=path, content="on: tag\n").is_error
    assert ask(named, "write", file_path=".github/workflows/other.yml", content="x").is_error


def test_the_environment_is_nowhere_a_tool_can_read_it(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hands-off")
    for path in ("/proc/self/environ", "proc/self/environ", "../../proc/self/environ", "$AWS_SECRET_ACCESS_KEY"):
        result = ask(work, "read", file_path=path)
        assert result.is_error
        assert "hands-off" not in result.text
    assert ask(work, "bash", command="env").text.startswith("There is no tool 'bash'")
    assert ask(work, "grep", pattern="hands", path="/proc").is_error
    assert ask(work, "glob", pattern="/proc/*").text == "no file matches"
    assert ask(work, "glob", pattern="../../*").text == "no file matches"


@pytest.mark.parametrize("given", [None, [], "text", {}, {"file_path": 7}, {"file_path": None}, {"file_path": ["a"]}])
@pytest.mark.parametrize("name", ["read", "write", "edit", "glob", "grep", "delete", "nonsense", ""])
def test_input_of_any_shape_is_answered(work: Workspace, name: str, given: Any) -> None:
    result = tools.run(work, {"type": "tool_use", "id": "x", "name": name, "input": given})
    assert result.is_error
    assert result.text


def test_reading_gives_numbered_lines_and_says_how_to_go_on(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {"long.txt": "".join(f"line {n}\n" for n in range(1, 3_001))})
    first = ask(work, "read", file_path="long.txt").text.splitlines()
    assert first[0] == "long.txt, lines 1 to 1000 of 3000; read on with view_range [1001, …]"
    assert first[1] == "     1\tline 1"
    more = ask(work, "read", file_path="./long.txt", view_range=[2_999, -1]).text.splitlines()
    assert more == ["long.txt, lines 2999 to 3000 of 3000", "  2999\tline 2999", "  3000\tline 3000"]
    assert ask(work, "read", file_path="long.txt", view_range=[5, 2]).is_error


def test_huge_files_and_lines_are_shown_in_pieces_or_not_at_all(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {"huge.txt": "x" * 3_000_000, "line.txt": "y" * 1_000_000, "z.bin": b"a\0b"})
    assert "at most 2,000,000 can be read" in ask(work, "read", file_path="huge.txt").text
    assert len(ask(work, "read", file_path="line.txt").text) < 3_000
    assert "a binary file of 3 bytes" in ask(work, "read", file_path="z.bin").text
    assert ask(work, "write", file_path="new.txt", content="x" * 500_000).is_error


def test_what_is_hidden_in_a_file_is_shown_for_what_it_is(tmp_path: Path) -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    work = workspace(tmp_path / "work", {"a.md": f"plain{hidden}\u202etext\n"})
    assert "U+202E" in ask(work, "read", file_path="a.md").text
    assert not set(hidden) & set(ask(work, "read", file_path="a.md").text)


def test_an_edit_needs_text_that_is_there_once(work: Workspace) -> None:
    assert "is not in src/app.py" in ask(work, "edit", file_path="src/app.py", old_string="9", new_string="8").text
    assert (
        "2 times" in ask(work, "edit", file_path="src/app.py", old_string="n", new_string="m", replace_all=False).text
    )
    assert not ask(work, "edit", file_path="src/app.py", old_string="return 1", new_string="return 2").is_error
    assert work.changes() == {"src/app.py": b"def run():\n    return 2\n"}


def test_an_edit_keeps_the_line_ends_of_the_file(work: Workspace) -> None:
    ask(work, "edit", file_path="windows.txt", old_string="one\ntwo", new_string="1\n2")
    assert work.changes() == {"windows.txt": b"1\r\n2\r\nthree\r\n"}


def test_a_search_with_a_pattern_made_to_hang_ends_all_the_same(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {"a.txt": "a" * 5_000 + "!\n", "a" * 200: "x"})
    assert "stopped after" in search.grep(work, "(a|a|aa)+$b", seconds=0.2)
    assert ask(work, "grep", pattern="(").is_error
    assert search.glob(work, "*a" * 60 + "[!a]") == "no file matches"


@pytest.mark.parametrize("pattern", ["(?R)|a", r"(a(?1)?)", r"\\\\(?P<x>a)(?&x)*", "(?P<x>a)(?P>x)", "(?0)", "a(?-1)"])
def test_a_pattern_that_calls_itself_is_refused_before_it_takes_all_memory(work: Workspace, pattern: str) -> None:
    result = ask(work, "grep", pattern=pattern)
    assert result.is_error
    assert "calls itself" in result.text


def test_the_letters_of_such_a_call_can_be_searched_for(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {"a.txt": "see (?R) here\n"})
    assert "a.txt:1" in ask(work, "grep", pattern=r"\(\?R\)").text


def test_an_edit_that_would_make_gigabytes_is_refused_before_they_are_made(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {"a.txt": "a\n" * 900_000})
    tracemalloc.start()
    try:
        result = ask(work, "edit", file_path="a.txt", old_string="a", new_string="b" * 1_000, replace_all=True)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert "too large" in result.text


def test_finding_by_name_and_content(work: Workspace) -> None:
    assert ask(work, "glob", pattern="**/*.py").text.splitlines() == ["src/app.py", "src/deep/er.py"]
    assert ask(work, "glob", pattern="*.py").text == "no file matches"
    assert ask(work, "glob", pattern="*.py", path="src").text == "src/app.py"
    assert ask(work, "grep", pattern=r"=\s*\d", path="src").text == "src/deep/er.py:1: value = 2"
    assert ask(work, "list", path="src").text.splitlines() == ["app.py (24 bytes)", "deep/"]


def test_a_match_has_the_line_number_that_reading_shows(tmp_path: Path) -> None:
    content = "one\x0c\u2028two\r\nthree\x1d\n\nneedle = 1\r\n"
    work = workspace(tmp_path / "work", {"a.txt": content})
    assert "\n     4\tneedle = 1" in ask(work, "read", file_path="a.txt").text
    # the end of a line is before its carriage return, and no empty line follows the last one
    assert ask(work, "grep", pattern="= 1$").text == "a.txt:4: needle = 1"
    assert ask(work, "grep", pattern="^$").text == "a.txt:3: "


def test_results_are_bounded_in_number(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {f"{n}.txt": "same\n" for n in range(400)})
    assert ask(work, "glob", pattern="*").text.splitlines()[-1] == "… and 200 more; use a narrower pattern"
    assert len(ask(work, "grep", pattern="same").text.splitlines()) == 101
    assert len(ask(work, "list").text.splitlines()) == 201


def test_a_task_cannot_change_files_without_end(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {})
    results = [ask(work, "write", file_path=f"{n}.txt", content="x") for n in range(MAX_CHANGED_FILES + 1)]
    assert [result.is_error for result in results].count(True) == 1
    big = workspace(tmp_path / "big", {})
    results = [ask(big, "write", file_path=f"{n}.txt", content="x" * 390_000) for n in range(7)]
    assert [result.is_error for result in results] == [False] * 5 + [True] * 2


def test_a_file_takes_the_place_of_a_folder_that_has_become_empty(work: Workspace) -> None:
    assert "is a folder" in ask(work, "write", file_path="src/deep", content="x").text
    ask(work, "delete", file_path="src/deep/er.py")
    assert not ask(work, "write", file_path="src/deep", content="x").is_error
    assert work.changes() == {"src/deep/er.py": None, "src/deep": b"x"}


OPERATION = st.tuples(
    st.sampled_from(["write", "edit", "delete"]),
    st.sampled_from(["README.md", "src/app.py", "src/deep", "src/deep/er.py", "new/a", "new"]),
    st.sampled_from(["", "hello\n", "return 1", "# App\n\nhello\n", "\x00"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.lists(OPERATION, max_size=12))
def test_changes_are_what_differs_and_bring_a_fresh_checkout_to_the_same_state(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("work")
    work, before = workspace(folder / "one", FILES), {path: _bytes(text) for path, text in FILES.items()}
    for name, path, text in operations:
        ask(work, name, file_path=path, content=text, old_string=text or "x", new_string="new")
    now = _files(folder / "one")
    changed = {path: now.get(path) for path in {*before, *now} if before.get(path) != now.get(path)}
    assert work.changes() == changed
    again = workspace(folder / "two", FILES)
    again.restore(from_json(as_json(work.changes())))
    assert _files(folder / "two") == now


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
