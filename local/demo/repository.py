"""The repository that the demo's plan is carried out on: the example code base, as a git repository of its own."""

import shutil
from pathlib import Path

from dulwich import porcelain
from dulwich.refs import Ref

WHO = b"Groundwork <groundwork@localhost>"


def made_anew(source: Path, folder: Path) -> Path:
    """The files below `source` in a repository at `folder` with one commit on `main`; what was there is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with porcelain.init(str(folder)) as repository:
        repository.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(b"refs/heads/main"))
        porcelain.add(repository, [str(path) for path in folder.rglob("*") if path.is_file() and not _gits(path)])
        porcelain.commit(repository, message=b"The cycling app", author=WHO, committer=WHO)
    return folder


def _gits(path: Path) -> bool:
    return ".git" in path.parts
