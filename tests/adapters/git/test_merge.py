"""Merges of texts and trees, compared with git itself."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import Blob
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groundwork.adapters.git import line_merge
from groundwork.adapters.git.trees import FILE, TreeEntry, entry_at, update_tree

# few distinct lines, so that versions share lines in confusing places
LINE = st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"d"])
TEXT = st.lists(LINE, max_size=8).map(b"".join)


def git_merges(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(text)
        done = subprocess.run(["git", "merge-file", "-p", *map(str, paths)], capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None


@given(TEXT, TEXT, TEXT)
def test_a_merge_is_the_same_from_both_sides_and_keeps_what_only_one_has_changed(
    base: bytes, ours: bytes, theirs: bytes
) -> None:
    assert line_merge.merge(base, ours, theirs) == line_merge.merge(base, theirs, ours)
    assert line_merge.merge(base, ours, base) == ours
    assert line_merge.merge(base, base, theirs) == theirs
    assert line_merge.merge(base, ours, ours) == ours


@st.composite
def apart(draw: st.DrawFn) -> tuple[bytes, bytes, bytes, bytes]:
    """A text of distinct lines, two separate sets of edits, and the text with both."""
    count = draw(st.integers(1, 30))
    kinds = draw(st.lists(st.sampled_from(["keep", "ours", "theirs"]), min_size=count, max_size=count))
    base, ours, theirs, both = [], [], [], []
    for number, kind in enumerate(kinds):
        line, fixed = b"line %d\n" % number, b"between %d\n" % number
        new = draw(st.sampled_from([[], [b"new %d\n" % number], [line, b"more %d\n" % number]]))
        base += [line, fixed]
        ours += [*(new if kind == "ours" else [line]), fixed]
        theirs += [*(new if kind == "theirs" else [line]), fixed]
        both += [*(new if kind != "keep" else [line]), fixed]
    return b"".join(base), b"".join(ours), b"".join(theirs), b"".join(both)


@given(apart())
def test_changes_with_a_line_between_them_merge_to_both(versions: tuple[bytes, bytes, bytes, bytes]) -> None:
    base, ours, theirs, both = versions
    assert line_merge.merge(base, ours, theirs) == both


@pytest.mark.skipif(not shutil.which("git"), reason="compared with git itself: install git")
@settings(max_examples=60, deadline=None)
@given(apart(), st.integers(0, 60), st.integers(0, 60))
def test_where_git_merges_distinct_lines_so_do_we_to_the_same(
    versions: tuple[bytes, bytes, bytes, bytes], mine: int, yours: int
) -> None:
    base, ours, theirs, _ = versions
    # one more change on each side: beside another one, on the same line, or far away
    ours, theirs = _with_line(ours, mine, b"mine\n"), _with_line(theirs, yours, b"yours\n")
    assert line_merge.merge(base, ours, theirs) == git_merges(base, ours, theirs)


def _with_line(text: bytes, at: int, line: bytes) -> bytes:
    parts = text.splitlines(keepends=True)
    return b"".join([*parts[: at % (len(parts) + 1)], line, *parts[at % (len(parts) + 1) :]])


def test_a_file_that_is_not_text_does_not_merge() -> None:
    assert line_merge.merge(b"a\n\0b\nc\n", b"A\n\0b\nc\n", b"a\n\0b\nC\n") is None


def test_long_files_with_many_equal_lines_merge_in_time() -> None:
    base = b"x\n\n" * 10_000
    assert line_merge.merge(base, b"ours\n" + base, base + b"theirs\n") == b"ours\n" + base + b"theirs\n"


NAME = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAME, min_size=1, max_size=3).map("/".join)


def _possible(paths: dict[str, bytes]) -> dict[str, bytes]:
    """Without paths used as both file and folder."""
    return {path: text for path, text in paths.items() if not any(other.startswith(path + "/") for other in paths)}


@given(st.dictionaries(PATHS, st.binary(max_size=3)).map(_possible), st.data())
@example({"a/b": b"1", "a/c": b"2"}, None)
def test_a_rebuilt_tree_holds_what_it_held_with_the_updates(
    files: dict[str, bytes], data: st.DataObject | None
) -> None:
    store = MemoryObjectStore()

    def entry(text: bytes) -> TreeEntry:
        blob = Blob.from_string(text)
        store.add_object(blob)
        return FILE, blob.id

    root, trees = update_tree(store, None, {path: entry(text) for path, text in files.items()})
    for tree in trees:
        store.add_object(tree)
    gone = data.draw(st.sets(st.sampled_from(sorted(files)))) if data and files else set(files)
    if root is None:
        assert not files
        return
    kept = {path: b"new" if path[0] == "a" else text for path, text in files.items() if path not in gone}
    updates = {path: entry(kept[path]) if path in kept else None for path in files}
    after, trees = update_tree(store, root, updates)
    for tree in trees:
        store.add_object(tree)
    assert (after is None) == (not kept)
    if after:
        found = {path: entry_at(store, after, path) for path in files}
        assert found == {path: updates[path] for path in files}
        assert after == update_tree(store, None, {path: entry for path, entry in updates.items() if entry})[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        (b"# Log\n- ours\n- old\n", b"# Log\n- theirs\n- old\n", b"# Log\n- theirs\n- ours\n- old\n"),
        (b"# Log\n- old\n- ours\n", b"# Log\n- old\n- theirs\n", b"# Log\n- old\n- theirs\n- ours\n"),
        (b"# Log\n- same\n- old\n", b"# Log\n- same\n- old\n", b"# Log\n- same\n- old\n"),
        (b"# Log\n- ours\n", b"# Log\n- theirs\n", None),
        (b"# Log\n- old\n- no end", b"# Log\n- old\n- theirs\n", None),
    ],
)
def test_lines_added_to_a_document_at_one_place_are_both_kept(ours: bytes, theirs: bytes, merged: bytes | None) -> None:
    assert line_merge.merge(b"# Log\n- old\n", ours, theirs, both=True) == merged


@pytest.mark.parametrize(
    ("path", "both"),
    [
        ("CHANGELOG.md", True),
        ("docs/a.rst", True),
        ("src/app.py", False),
        ("requirements.txt", False),
        ("a.md/b", False),
    ],
)
def test_only_documents_keep_both(path: str, both: bool) -> None:
    assert line_merge.keeps_both(path) is both
