"""Free space of the data folder's disk: work stops before the disk is full.

DynamoDB Local acknowledges a write before its file is committed. On a full disk the commit fails, and an acknowledged
write is lost. So the engine must never meet a full disk.
"""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from local.background import repeat
from local.data import DataRefused

MIN_FREE_MB = 64
"""More than the engine writes between two polls, with the transactions in progress."""

RESUME_FREE_MB = 96
"""Above MIN_FREE_MB: the system must not stop and resume in turn."""

POLL_S = 0.2

ALMOST_FULL = (
    "The disk of the data folder is almost full, so nothing is written. Free some space and repeat the request."
)


def free_mb(folder: Path) -> int:
    """Return the free space for this user in MB."""
    return shutil.disk_usage(folder).free >> 20


def check_free_space(folder: Path) -> None:
    """Raise DataRefused if the disk is almost full; the folder need not exist."""
    try:
        free = free_mb(next(one for one in (folder, *folder.absolute().parents) if one.exists()))
    except OSError as exc:
        raise DataRefused(f"DATA={folder} cannot be used: {exc.strerror}") from exc
    if free < MIN_FREE_MB:
        raise DataRefused(
            f"The disk of DATA={folder} is almost full: {free} MB are free, {MIN_FREE_MB} MB are needed. "
            "Free some space or choose another folder."
        )


class DiskWatch:
    """Call `pause` on an almost full disk, and `resume` when there is space again."""

    def __init__(
        self,
        folder: Path,
        pause: Callable[[], None],
        resume: Callable[[], None],
        say: Callable[[str], None],
        free: Callable[[Path], int] = free_mb,
    ) -> None:
        self._folder, self._pause, self._resume, self._say, self._free = folder, pause, resume, say, free
        self._paused = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def poll(self) -> None:
        """Compare the free space with the limits once."""
        free = self._free(self._folder)
        if not self._paused and free < MIN_FREE_MB:
            self._paused = True
            # Before the message: a terminal may block, and writes go on meanwhile.
            self._pause()
            self._say(
                f"The disk of {self._folder} is almost full ({free} MB left). Writes are refused and runs wait until "
                f"{RESUME_FREE_MB} MB are free. Nothing is lost."
            )
        elif self._paused and free >= RESUME_FREE_MB:
            self._paused = False
            self._say(f"The disk of {self._folder} has {free} MB free again. The work continues.")
            self._resume()

    def _run(self) -> None:
        repeat(self.poll, self._stopping, POLL_S, self._say, name="The check of the free disk space")
