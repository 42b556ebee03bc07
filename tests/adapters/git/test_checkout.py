"""Checkouts contain plain files only, and nothing that leads elsewhere."""

import hashlib
import itertools
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo

from groundwork.adapters.git.checkout import check_out
from groundwork.adapters.git.clone import Bounds
from groundwork.agent.repository import RepositoryRefused
from tests.adapters.git.conftest import BRANCH, Open, text_of
from tests.adapters.git.server import GitServer, git

LINK, REPOSITORY = 0o120000, 0o160000


class ChangeMetadata:
    """Build a commit by hand that git would not make."""

    def __init__(self, folder: Path) -> None:
        self.repo = Repo.init_bare(str(folder), mkdir=True)

    def blob(self, content: bytes) -> bytes:
        blob = Blob.from_string(content)
        self.repo.object_store.add_object(blob)
        return blob.id

    def tree(self, *entries: tuple[bytes, int, bytes]) -> bytes:
        """Written as raw bytes: dulwich's own tree refuses some names."""
        raw = b"".join(b"%o %s\0" % (mode, name) + bytes.fromhex(sha.decode()) for name, mode, sha in entries)
        tree = Tree.from_raw_string(2, raw)
        self.repo.object_store.add_object(tree)
        return tree.id

    def commit(self, tree: bytes) -> bytes:
        commit = Commit()
        commit.tree = tree
        commit.author = commit.committer = b"A <a@example.org>"
        commit.author_time = commit.commit_time = 0
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"x"
        self.repo.object_store.add_object(commit)
        return commit.id


@pytest.fixture
def made(tmp_path: Path) -> Iterator[ChangeMetadata]:
    one = ChangeMetadata(tmp_path / "made.git")
    yield one
    one.repo.close()


def _on_disk(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "name",
    [
        *(b"..", b".", b".git", b".GIT", b".Git ", b".git.", b"git~1", b"GIT~2", b".g\xe2\x80\x8cit"),
        *(b".git::$INDEX_ALLOCATION", "．git".encode(), b"a/../../b", b"/etc", b"a\\b", b"..\\up", b"\xff\xfe"),
        *(b"new\nline", b"del\x7f"),
    ],
)
def test_a_name_that_leads_elsewhere_is_left_out(made: ChangeMetadata, tmp_path: Path, name: bytes) -> None:
    inner = made.tree((b"config", 0o100644, made.blob(b"[core]\n\thooksPath = evil\n")))
    tree = made.tree((b"fine.txt", 0o100644, made.blob(b"fine")), (name, 0o40000, inner))
    found = check_out(made.repo.object_store, made.commit(tree), tmp_path / "up" / "work", Bounds())
    assert _on_disk(tmp_path / "up") == {"work", "work/fine.txt"}
    assert len(found.left_out) == 1


def test_no_link_is_made_and_nothing_is_written_through_one(made: ChangeMetadata, tmp_path: Path) -> None:
    # one name twice, as a link and as a folder: a naive checkout would write through the link
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = made.tree((b"stolen", 0o100644, made.blob(b"x")))
    link = made.blob(os.fsencode(outside))
    tree = made.tree((b"etc", LINK, link), (b"etc", 0o40000, inner), (b"passwd", LINK, made.blob(b"/etc/passwd")))
    found = check_out(made.repo.object_store, made.commit(tree), tmp_path / "work", Bounds())
    assert _on_disk(outside) == set()
    assert not any(path.is_symlink() for path in (tmp_path / "work").rglob("*"))
    assert found.links["passwd"] == "/etc/passwd"


def test_another_repository_inside_is_left_out(made: ChangeMetadata, tmp_path: Path) -> None:
    tree = made.tree((b"lib", REPOSITORY, b"1" * 40))
    found = check_out(made.repo.object_store, made.commit(tree), tmp_path / "work", Bounds())
    assert found.left_out == {"lib": "another repository"}


def test_folders_without_end_are_left_out_at_a_depth(made: ChangeMetadata, tmp_path: Path) -> None:
    tree = made.tree((b"f", 0o100644, made.blob(b"x")))
    for _ in range(500):
        tree = made.tree((b"d", 0o40000, tree))
    found = check_out(made.repo.object_store, made.commit(tree), tmp_path / "work", Bounds())
    assert list(found.left_out.values()) == ["too deep"]


def test_folders_that_hold_themselves_many_times_over_are_refused(made: ChangeMetadata, tmp_path: Path) -> None:
    # ten folders, each ten times the next: ten billion files of one byte
    tree = made.tree(*((b"%d" % n, 0o100644, made.blob(b"x")) for n in range(10)))
    for _ in range(10):
        tree = made.tree(*((b"%d" % n, 0o40000, tree) for n in range(10)))
    with pytest.raises(RepositoryRefused, match="more than 200 files"):
        check_out(made.repo.object_store, made.commit(tree), tmp_path / "work", Bounds(files=200))


@pytest.mark.parametrize("bottom", [(), ((b".git", 0o100644),), ((b"link", LINK),)])
def test_folders_without_a_file_are_counted_too(
    made: ChangeMetadata, tmp_path: Path, bottom: Sequence[tuple[bytes, int]]
) -> None:
    # eight folders, eight levels: counting only files would create seventeen million folders
    tree = made.tree(*((name, mode, made.blob(b"x")) for name, mode in bottom))
    for _ in range(8):
        tree = made.tree(*((b"%d" % n, 0o40000, tree) for n in range(8)))
    with pytest.raises(RepositoryRefused, match="more than 400 files and folders"):
        check_out(made.repo.object_store, made.commit(tree), tmp_path / "work", Bounds(files=200))


def test_a_repository_that_is_damaged_is_for_a_person(made: ChangeMetadata, tmp_path: Path) -> None:
    blob, raw = made.blob(b"x"), b"tree 14\x00100644 a\0short"
    cut = hashlib.sha1(raw).hexdigest()
    place = tmp_path / "made.git" / "objects" / cut[:2]
    place.mkdir()
    (place / cut[2:]).write_bytes(zlib.compress(raw))
    for number, tree in enumerate([b"1" * 40, blob, cut.encode(), made.tree((b"sub", 0o40000, blob))]):
        with pytest.raises(RepositoryRefused, match="damaged"):
            check_out(made.repo.object_store, made.commit(tree), tmp_path / f"work-{number}", Bounds())


def test_what_a_file_system_cannot_hold_is_left_out(made: ChangeMetadata, tmp_path: Path) -> None:
    tree = made.tree((b"n" * 200, 0o100644, made.blob(b"x")))
    for _ in range(30):
        tree = made.tree((b"d" * 200, 0o40000, tree))
    top = made.tree((b"deep", 0o40000, tree), (b"fine", 0o100644, made.blob(b"x")), (b"link", LINK, b"2" * 40))
    found = check_out(made.repo.object_store, made.commit(top), tmp_path / "work", Bounds())
    assert list(found.left_out.values()) == ["its path is too long"]
    assert (found.files, found.links) == (1, {"link": "?"})


def test_more_bytes_than_the_disk_may_hold_are_refused(made: ChangeMetadata, tmp_path: Path) -> None:
    entries: Sequence[tuple[bytes, int, bytes]] = [
        (b"%d" % n, 0o100644, made.blob(b"%d" % n + b"x" * 1_000_000)) for n in range(5)
    ]
    commit, bounds = made.commit(made.tree(*entries)), Bounds(checkout_bytes=3 * 2**20)
    with pytest.raises(RepositoryRefused, match="3 MB"):
        check_out(made.repo.object_store, commit, tmp_path / "work", bounds)


def test_what_is_left_out_of_a_checkout_stays_in_the_commit(server: GitServer, tmp_path: Path, open_: Open) -> None:
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(server.folder), str(work))
    (work / "link").symlink_to("/etc/passwd")
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "a link")
    git(work, "push", "-q", "origin", "HEAD:main")
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    checkout = upstream.checkout(base, tmp_path / "checkout")
    assert checkout.links == {"link": "/etc/passwd"}
    assert checkout.files == 4
    upstream.land(BRANCH, base, {"run.sh": b"#!/bin/bash\n", "new.sh": b"#!/bin/sh\n"}, text_of())
    modes = {line.split("\t")[1]: line.split()[0] for line in server.git("ls-tree", BRANCH).splitlines()}
    assert modes["link"] == "120000"
    assert modes["run.sh"] == modes["new.sh"] == "100755"


def test_a_huge_file_is_neither_fetched_nor_lost(server: GitServer, tmp_path: Path, open_: Open) -> None:
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(server.folder), str(work))
    (work / "huge.bin").write_bytes(b"\0" * 60_000_000)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "huge")
    git(work, "push", "-q", "origin", "HEAD:main")
    upstream = open_()
    base = upstream.head(BRANCH, "main")
    checkout = upstream.checkout(base, tmp_path / "checkout")
    assert checkout.left_out == {"huge.bin": "larger than 50 MB"}
    upstream.land(BRANCH, base, {"new.txt": b"new\n"}, text_of())
    assert "huge.bin" in server.paths(BRANCH)
    server.git("fsck", "--strict")


def test_a_patch_is_one_that_git_can_apply(server: GitServer, tmp_path: Path, open_: Open) -> None:
    upstream = open_()
    base = upstream.head(BRANCH, "main", make=False)
    changes = {"src/app.py": b"one\ntwo, changed\nthree", "bin/run": None, "ne w/file.txt": b"new\n"}
    patch = upstream.patch(base, changes)
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(server.folder), str(work))
    git(work, "apply", "--index", "-", stdin=patch.encode())
    assert (work / "src/app.py").read_bytes() == changes["src/app.py"]
    assert (work / "ne w/file.txt").read_bytes() == b"new\n"
    assert not (work / "bin/run").exists()


def test_a_patch_holds_what_is_no_utf_8_too(server: GitServer, tmp_path: Path, open_: Open) -> None:
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(server.folder), str(work))
    (work / "latin.txt").write_bytes("caf\xe9\nzwei\n".encode("latin-1"))
    for name in ("logo.png", "gone.png"):
        (work / name).write_bytes(os.urandom(500) + b"\0")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "binary")
    git(work, "push", "-q", "origin", "HEAD:main")
    changes = {
        "latin.txt": "caf\xe9\nzwei\n".encode(),
        "logo.png": os.urandom(1_000),
        "gone.png": None,
        "new.bin": b"\0",
        "one.bin": b"\xff",
        "src/app.py": b"one\r\ntwo",
        'a "quoted" ü.txt': b"x\n",
    }
    upstream = open_()
    patch = upstream.patch(upstream.head(BRANCH, "main", make=False), changes)
    git(work, "apply", "--index", "-", stdin=patch.encode())
    found = {path: (work / path).read_bytes() if (work / path).exists() else None for path in changes}
    assert found == changes


@pytest.mark.full
@pytest.mark.slow(reason="a repository of 100 MB")
def test_a_repository_of_100_mb_is_worked_on(server: GitServer, tmp_path: Path, open_: Open) -> None:
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(server.folder), str(work))
    # random bytes do not compress: git's attempt would take most of the time
    for folder, setting in itertools.product((work, server.folder), ("core.compression=0", "core.bigFileThreshold=1m")):
        git(folder, "config", *setting.split("="))
    for number in range(25):
        (work / f"{number}.bin").write_bytes(os.urandom(4 * 2**20))
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "large")
    git(work, "push", "-q", "origin", "HEAD:main")
    first, second = open_(), open_()
    base = first.head(BRANCH, "main")
    checkout = first.checkout(base, tmp_path / "checkout")
    assert checkout.bytes > 100 * 2**20
    second.head(BRANCH, "main")
    second.land(BRANCH, base, {"b.txt": b"b\n"}, text_of(2))
    fetched = sum(path.stat().st_size for path in (tmp_path / "clone-0").rglob("*.pack"))
    first.land(BRANCH, base, {"a.txt": b"a\n"}, text_of(1))
    more = sum(path.stat().st_size for path in (tmp_path / "clone-0").rglob("*.pack")) - fetched
    # objects fetched before are not fetched again after the branch has moved
    assert more < 100_000
    assert {"a.txt", "b.txt", "0.bin"} <= server.paths(BRANCH)
