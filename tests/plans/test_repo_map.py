"""Repository layouts in few lines: nothing is omitted, relevant parts are detailed."""

import re

from hypothesis import given
from hypothesis import strategies as st

from groundwork.plans.repo_map import layout

NAMES = st.sampled_from(["src", "galaxy", "tests", "docs", "a", "b", "api.py", "cache.py", "x.md"])
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=5).map("/".join), max_size=80)
_FOLDER = re.compile(r"(.*/) \((\d+) files?\)")


def no_file_is_a_folder(paths: list[str]) -> list[str]:
    return [path for path in set(paths) if not any(other.startswith(f"{path}/") for other in paths)]


@given(PATHS.map(no_file_is_a_folder), st.integers(1, 40), st.sampled_from(["", "the galaxy cache"]))
def test_no_more_lines_than_asked_for_and_every_file_in_one_of_them(paths: list[str], most: int, about: str) -> None:
    lines = layout(paths, about, most)
    assert len(lines) <= most
    folders = {found[1]: int(found[2]) for line in lines if (found := _FOLDER.fullmatch(line))}
    shown = [line for line in lines if not _FOLDER.fullmatch(line)]
    assert set(shown) <= set(paths)
    for folder, count in folders.items():
        assert count == sum(path.startswith(folder) for path in paths)
    tops = {path.partition("/")[0] for path in paths}
    if len(tops) <= most:
        assert len(shown) + sum(folders.values()) == len(paths)


@given(st.lists(st.text(min_size=1, max_size=30), max_size=60), st.integers(1, 20))
def test_no_name_breaks_out_of_its_line(paths: list[str], most: int) -> None:
    lines = layout(paths, max_lines=most)
    assert len(lines) <= most
    assert all("\n" not in line for line in lines)


def a_large_one() -> list[str]:
    modules = [f"lib/modules/part{n % 30}/deep/file{n}.py" for n in range(3_000)]
    galaxy = [f"lib/galaxy/collection/{name}.py" for name in ("install", "download", "cache", "verify")]
    return [*modules, *galaxy, "README.md", "setup.cfg", *(f"docs/page{n}.rst" for n in range(900))]


def test_a_large_repository_is_shown_by_its_folders() -> None:
    lines = layout(a_large_one())
    assert {"README.md", "setup.cfg", "docs/ (900 files)", "lib/modules/part7/deep/ (100 files)"} <= set(lines)


def test_what_the_plan_is_about_is_shown_in_detail_however_deep() -> None:
    lines = layout(a_large_one(), "Cache what `galaxy collection install` downloads", max_lines=20)
    assert {f"lib/galaxy/collection/{name}.py" for name in ("install", "download", "cache", "verify")} <= set(lines)
    assert "lib/modules/ (3000 files)" in lines


def test_words_that_are_everywhere_lead_nowhere() -> None:
    paths = a_large_one()
    assert layout(paths, "lib modules file deep", max_lines=50) == layout(paths, max_lines=50)


def test_a_hundred_folders_in_each_other_are_no_trouble() -> None:
    paths = [f"{'a/' * 100}{n}" for n in range(500)]
    assert layout(paths) == (f"{'a/' * 100} (500 files)",)


def test_a_hundred_thousand_files_are_no_trouble() -> None:
    paths = [f"a{n % 40}/b{n % 900}/c{n % 7}/file{n}.py" for n in range(100_000)]
    assert len(layout(paths, "file7 b899")) <= 400
