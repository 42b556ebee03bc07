"""The data folder of the local system: its lock, its version, its parts."""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

DEFAULT = Path("build/local")
MEMORY = "memory"
VERSION = 1
"""Format of the folder; incremented when earlier releases cannot read the data."""

MIN_VERSION = 1
"""Oldest format read by this release."""


class DataRefused(Exception):
    """The data folder cannot be used."""


def data_path(env: Mapping[str, str], default: Path = DEFAULT) -> Path | None:
    """Return the folder named by DATA, or None for DATA=memory."""
    chosen = env.get("DATA") or str(default)
    return None if chosen == MEMORY else Path(chosen)


class DataFolder:
    """Lock on a data folder from creation to `close`.

    Raises DataRefused if the folder is in use, or in a format of another release.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Never deleted: a lock on a deleted file excludes nobody.
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise DataRefused(f"DATA={path} cannot be used: {exc.strerror}") from exc
        try:
            self._take_lock()
            self._check_version()
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def tables(self) -> Path:
        return self.path / "dynamodb"

    @property
    def objects(self) -> Path:
        return self.path / "objects"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets.toml"

    def access_key(self) -> str:
        """Return the access key of the tables in DynamoDB Local; created once."""
        return self._read_or_create("access-key", secrets.token_hex(20))

    def last_seen(self) -> float | None:
        """Return the previous system's last sign of life (seconds since 1970); None if new."""
        try:
            return float((self.path / "seen").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def touch(self) -> None:
        """Record a sign of life."""
        write_atomically(self.path / "seen", str(int(time.time())))

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    def _take_lock(self) -> None:
        try:
            # The kernel releases it at any end of this process, even by SIGKILL.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 20, 0).decode().strip()
            used = f" (process {holder})" if holder else ""
            raise DataRefused(
                f"DATA={self.path} is in use by another local system{used}. Stop it, or choose another folder."
            ) from None
        # The number serves the next one's error message only; it stays after the end.
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def _check_version(self) -> None:
        found = self._read_or_create("version", str(VERSION))
        if not found.isdecimal():
            raise DataRefused(f"DATA={self.path} is damaged: its file `version` contains {found!r}, not a number.")
        if not MIN_VERSION <= int(found) <= VERSION:
            release = "a newer" if int(found) > VERSION else "an older"
            raise DataRefused(
                f"DATA={self.path} was written by {release} release (format {found}; this release reads "
                f"{MIN_VERSION} to {VERSION}). Nothing was changed. Use that release or another folder."
            )

    def _read_or_create(self, name: str, value: str) -> str:
        file = self.path / name
        if not file.exists():
            write_atomically(file, value)
        return file.read_text().strip()


def write_atomically(file: Path, text: str) -> None:
    """Write a file atomically with mode 0600: a full disk leaves the old content."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        # After fsync: a power cut must not leave the new name with an empty file.
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def erase(path: Path) -> None:
    """Delete the content of a data folder.

    Raises DataRefused if the folder is in use, or is not a data folder.
    """
    if not path.exists():
        return
    if not (path / "version").is_file():
        if any(path.iterdir()):
            raise DataRefused(f"{path} is not a Groundwork data folder: it has no file `version`.")
        return
    folder = DataFolder(path)
    try:
        for entry in path.iterdir():
            if entry.name != "lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    finally:
        folder.close()
