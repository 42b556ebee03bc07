"""The tree in a sandbox: exactly as sent, with the changes of commands."""

from pathlib import Path

import pytest

from groundwork.sandbox.errors import TreeRefused
from groundwork.sandbox.model import ChangeKind, Tree
from tests.sandbox.conftest import Runner

MB = 2**20


def test_what_is_in_the_sandbox_is_what_was_sent(box: Runner) -> None:
    digest = box.put({"a.txt": "a", "src/b.py": "b"}, links={"link": "src/b.py"})
    assert box.run("find . -type f | sort; cat link")[1] == "./a.txt\n./src/b.py\nb"
    assert box.put({"src/b.py": "b", "a.txt": "a"}, links={"link": "src/b.py"}) == digest
    assert box.put({"src/b.py": "c", "a.txt": "a"}, links={"link": "src/b.py"}) != digest


def test_files_that_are_no_longer_in_the_tree_are_gone(box: Runner) -> None:
    box.put({"a.txt": "a", "old/b.txt": "b"})
    box.put({"a.txt": "a"})
    assert box.run("find . -type f")[1] == "./a.txt\n"


def test_a_folder_takes_the_place_of_a_file_and_the_other_way_round(box: Runner) -> None:
    box.put({"one": "file", "two/inside": "file"})
    box.put({"one/inside": "file", "two": "file"})
    assert box.run("find . -type f | sort")[1] == "./one/inside\n./two\n"


def test_executable_files_and_links_stay_what_they_are(box: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "run.sh").write_text("#!/bin/sh\necho ran\n")
    tree = Tree(folder, {"alias": "run.sh"}, frozenset({"run.sh"}))
    box.sandboxes.put(box.handle, tree)
    assert box.run("./run.sh; ./alias")[1] == "ran\nran\n"


def test_what_commands_changed_is_told_with_its_content(box: Runner) -> None:
    box.put({"keep.txt": "same", "edit.txt": "old", "gone.txt": "x", "script": "y"})
    box.run("echo new > edit.txt; rm gone.txt; mkdir made; printf made > made/a.txt; chmod +x script; touch keep.txt")
    box.run("mkdir -p __pycache__ node_modules/x; touch __pycache__/a node_modules/x/b")
    changes = box.sandboxes.changes(box.handle, MB)
    told = {one.path: (one.kind, one.content, one.executable) for one in changes.files}
    assert told == {
        "edit.txt": (ChangeKind.MODIFIED, b"new\n", False),
        "gone.txt": (ChangeKind.DELETED, None, False),
        "made/a.txt": (ChangeKind.ADDED, b"made", False),
        "script": (ChangeKind.MODIFIED, b"y", True),
    }
    assert not changes.truncated


def test_a_change_under_its_old_time_and_size_is_found(box: Runner) -> None:
    box.put({"a.txt": "one"})
    box.run("touch -r a.txt /tmp/t; printf two > a.txt; touch -r /tmp/t a.txt")
    assert [one.content for one in box.sandboxes.changes(box.handle, MB).files] == [b"two"]


def test_changes_are_bounded_in_bytes_and_number(box: Runner) -> None:
    box.put({"a.txt": "a"})
    box.run("head -c 3000 /dev/zero > big; for i in $(seq 30); do echo $i > f$i; done")
    small = {one.path: one for one in box.sandboxes.changes(box.handle, 1000).files}
    assert (small["big"].content, small["big"].size) == (None, 3000)
    assert small["f1"].content == b"1\n"
    few = box.sandboxes.changes(box.handle, MB, 5)
    assert (len(few.files), few.truncated) == (5, True)


def test_a_clean_tree_keeps_what_set_up_made_and_nothing_else(box: Runner) -> None:
    box.put({"a.txt": "a"})
    box.run("mkdir -p vendor; echo lib > vendor/lib", setup=True)
    box.run("echo bad >> a.txt; echo stray > stray; echo more > vendor/more; mkdir -p deep/er; touch deep/er/x")
    box.put({"a.txt": "a"}, clean=True)
    assert box.run("find . -type f | sort; cat a.txt")[1] == "./a.txt\n./vendor/lib\na"
    assert box.sandboxes.changes(box.handle, MB).files == ()


def test_closed_folders_of_commands_are_removed_and_written(box: Runner) -> None:
    box.put({"a.txt": "a", "lib/b.txt": "b", "one/c.txt": "c"})
    box.run("mkdir -p made/deep; touch made/x made/deep/y; chmod 555 made/deep made; touch lib/z; chmod 000 lib")
    box.run("rm one/c.txt; chmod 555 one")
    box.put({"a.txt": "a", "lib/b.txt": "b", "one/c.txt": "c"}, clean=True)
    assert box.run("find . -type f | sort; touch lib/new one/new")[1] == "./a.txt\n./lib/b.txt\n./one/c.txt\n"


def test_a_link_out_of_the_tree_is_not_followed_to_open_folders(box: Runner) -> None:
    box.run("mkdir -p ~/shut/in; chmod 555 ~/shut; ln -s ~/shut link; ln -s ~ home")
    box.put({"a.txt": "a"}, clean=True)
    assert box.run("stat -c %a ~/shut; ls")[1] == "555\na.txt\n"


def test_a_tree_that_does_not_fit_is_refused_and_a_smaller_one_taken(box: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}").write_bytes(bytes(70 * MB))
    with pytest.raises(TreeRefused):
        box.sandboxes.put(box.handle, Tree(folder))
    box.put({"a.txt": "a"}, clean=True)
    assert box.run("ls")[1] == "a.txt\n"
