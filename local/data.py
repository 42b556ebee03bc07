"""The folder in which the local system keeps what it is given: its lock, its version, its parts."""

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
"""Raised when a release keeps its data in a way that earlier ones cannot read."""


class DataRefused(Exception):
    """The data folder cannot be used."""


def data_of(env: Mapping[str, str], default: Path = DEFAULT) -> Path | None:
    """DATA: a folder, or None where nothing is to be kept."""
    chosen = env.get("DATA") or str(default)
    return None if chosen == MEMORY else Path(chosen)


class DataFolder:
    """Hold a folder from creation to `close`. Raises DataRefused for one that is in use or of another release."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            # never deleted: a lock on a file that is gone holds nobody off
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
        """The key under which DynamoDB Local keeps the tables; made once."""
        return self._once("access-key", secrets.token_hex(20))

    def seen(self) -> float | None:
        """When the system that used the folder last was last alive, in seconds since 1970; None for a new folder."""
        try:
            return float((self.path / "seen").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def touch(self) -> None:
        """Note that the system is alive."""
        write_whole(self.path / "seen", str(int(time.time())))

    def close(self) -> None:
        """Let others use the folder."""
        os.close(self._lock)

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 20, 0).decode().strip()
            used = f" (process {holder})" if holder else ""
            raise DataRefused(f"DATA={self.path} is in use by another local system{used}.") from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def _check_version(self) -> None:
        found = self._once("version", str(VERSION))
        if not found.isdecimal() or int(found) > VERSION:
            raise DataRefused(
                f"DATA={self.path} was written by a newer release (version {found}, this one reads {VERSION}): "
                "use that release, or another folder."
            )

    def _once(self, name: str, value: str) -> str:
        file = self.path / name
        if not file.exists():
            write_whole(file, value)
        return file.read_text().strip()


def write_whole(file: Path, text: str) -> None:
    """Write a file that only its owner reads, all of it or nothing: a full disk leaves what was there."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def forget(path: Path) -> None:
    """Delete all that a folder keeps. Raises DataRefused while a system uses it, or where it is no such folder."""
    if not path.exists():
        return
    if not (path / "version").is_file():
        if any(path.iterdir()):
            raise DataRefused(f"{path} is not a data folder of Groundwork: it has no file `version`.")
        return
    folder = DataFolder(path)
    try:
        for entry in path.iterdir():
            if entry.name != "lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    finally:
        folder.close()
