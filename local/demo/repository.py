"""The git repository of the demo's plan, made from the example code base."""

import shutil
from pathlib import Path

from dulwich import porcelain
from dulwich.refs import Ref

AUTHOR = b"Groundwork <groundwork@localhost>"


def create_repository(source: Path, folder: Path) -> Path:
    """Create or replace a repository at `folder`: one commit of `source` on `main`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with porcelain.init(str(folder)) as repository:
        # Whatever default branch the user's settings name.
        repository.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(b"refs/heads/main"))
        porcelain.add(
            repository, [str(path) for path in folder.rglob("*") if path.is_file() and not _is_git_file(path)]
        )
        porcelain.commit(repository, message=b"The cycling app", author=AUTHOR, committer=AUTHOR)
    return folder


def _is_git_file(path: Path) -> bool:
    return ".git" in path.parts
