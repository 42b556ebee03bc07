"""Temporary folders; the next one deletes those of killed systems.

They stay outside DATA. Below a checkout, tools in a task would find the settings and the git repository of its parents;
the users of sandboxes could not enter; and paths of sockets have a small limit.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "groundwork-"
_LOCK = ".in-use"


class TemporaryFolder:
    """A locked folder in `parent` (default: the system's) until `close`."""

    def __init__(self, parent: str | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        draft = self.path / f"{_LOCK}.draft"
        self._lock = os.open(draft, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Renamed when locked: others delete a folder with an unlocked file of this name.
        draft.rename(self.path / _LOCK)
        # In the background: the folders may hold whole repositories.
        threading.Thread(target=delete_abandoned, args=(self.path.parent,), daemon=True).start()

    def close(self) -> None:
        """Delete the folder."""
        # A cleaner of /tmp may have been here.
        with contextlib.suppress(OSError):
            _delete(self.path)
        os.close(self._lock)


def delete_abandoned(parent: Path) -> None:
    """Delete this user's folders without a running owner; the kernel unlocks them at any end."""
    for folder in _own_folders(parent):
        with contextlib.suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _delete(folder)
            finally:
                os.close(lock)


def _own_folders(parent: Path) -> Iterator[Path]:
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            about = folder.lstat()
            if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid():
                yield folder


def _delete(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name == _LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    # Last: after a kill in between, the next system still recognizes the folder.
    shutil.rmtree(folder, ignore_errors=True)
