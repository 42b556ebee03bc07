"""The data folder of the local system: its lock, its version, its parts."""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

DEFAULT = Path("build/local")
MEMORY = "memory"
VERSION = 1
"""Format of the folder; incremented when earlier releases cannot read the data."""

MIN_VERSION = 1
"""Oldest format read by this release."""

_LOCK = "lock"
_VERSION = "version"
_ERASING = "erasing"
"""The version's file during a reset; a start completes an interrupted one."""

_SECRETS = "secrets.toml"
SECRETS_LOCK = "secrets.lock"
_BEFORE_START = {_LOCK, _SECRETS, SECRETS_LOCK}
_OWN = _BEFORE_START | {_VERSION, _ERASING, "access-key", "seen", "dynamodb", "objects"}
_DRAFT = re.compile(rf"\.({'|'.join(map(re.escape, sorted(_OWN)))})\.\d+")
# Files of the operating system in any folder.
_IGNORED = {".DS_Store", "lost+found"}


class DataRefused(Exception):
    """The data folder cannot be used."""


def data_path(env: Mapping[str, str], default: Path = DEFAULT) -> Path | None:
    """Return the folder named by DATA, or None for DATA=memory. Raises DataRefused."""
    chosen = env.get("DATA") or str(default)
    if chosen == MEMORY:
        return None
    try:
        return Path(chosen).expanduser()
    except RuntimeError:
        raise DataRefused(f"DATA={chosen} names the home folder of an unknown user") from None


class DataFolder:
    """Lock on a data folder from creation to `close`.

    Raises DataRefused if the folder is in use, foreign, or in a format of another release.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _refusing(path):
            check_owner(path)
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _take_lock(path)
            try:
                if (path / _ERASING).exists():
                    _delete_content(path)
                _check_version(path, self._read_or_create(_VERSION, str(VERSION)))
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
        return self.path / _SECRETS

    def access_key(self) -> str:
        """Return the access key of the tables in DynamoDB Local; created once."""
        return self._read_or_create("access-key", secrets.token_hex(20))

    def last_seen(self) -> float | None:
        """Return the previous system's last sign of life (seconds since 1970); None if new."""
        try:
            return float((self.path / "seen").read_text())
        except (OSError, ValueError):
            return None

    def touch(self) -> None:
        """Record a sign of life."""
        write_atomically(self.path / "seen", str(int(time.time())))

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    def _read_or_create(self, name: str, value: str) -> str:
        file = self.path / name
        if not file.exists():
            write_atomically(file, value)
        return file.read_text().strip()


def check_owner(path: Path) -> None:
    """Raise DataRefused for a folder with files of others, and without a version of ours."""
    if (path / _VERSION).exists() or (path / _ERASING).exists() or not path.exists():
        return
    names = _names(path)
    if names <= _BEFORE_START:
        return
    # The lock proves an earlier start here; earlier releases deleted the version first.
    if _LOCK in names and names <= _OWN:
        raise DataRefused(f"The reset of DATA={path} was interrupted. Complete it: make reset DATA={path}")
    raise DataRefused(f"DATA={path} is not empty and not a Groundwork data folder: it has no file `version`.")


def erase(path: Path) -> None:
    """Delete the data of a data folder; files of others stay.

    Raises DataRefused if the folder is in use, is not a data folder, or cannot be deleted.
    """
    with _refusing(path):
        if not path.exists() or not _names(path):
            return
        _check_erasable(path)
        lock = _take_lock(path)
        try:
            if (path / _VERSION).exists():
                _check_version(path, (path / _VERSION).read_text().strip())
            _delete_content(path)
        finally:
            os.close(lock)


def _check_erasable(path: Path) -> None:
    if (path / _VERSION).is_file() or (path / _ERASING).is_file():
        return
    names = _names(path)
    # `make secret` leaves its lock beside the secrets, so a foreign secrets.toml is never deleted.
    if not names <= _OWN or not names & {_LOCK, SECRETS_LOCK}:
        raise DataRefused(f"{path} is not a Groundwork data folder: it has no file `version`.")


def _names(path: Path) -> set[str]:
    """Return the names in a folder without drafts of ours and files of the operating system."""
    found = {entry.name for entry in path.iterdir()}
    return {name for name in found if name not in _IGNORED and not _DRAFT.fullmatch(name)}


def _delete_content(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        # A rename needs no space: a reset must work on a full disk.
        (path / _VERSION).rename(path / _ERASING)
    for entry in path.iterdir():
        own = entry.name in _OWN - {_LOCK, _ERASING} or _DRAFT.fullmatch(entry.name)
        if own and entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif own:
            entry.unlink()
    (path / _ERASING).unlink(missing_ok=True)


def _take_lock(path: Path) -> int:
    # Never deleted: a lock on a deleted file excludes nobody.
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # The kernel releases it at any end of this process, even by SIGKILL.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
        os.close(lock)
        if not isinstance(exc, BlockingIOError):
            raise
        used = f" (process {holder})" if holder else ""
        raise DataRefused(
            f"DATA={path} is in use by another local system{used}. Stop it, or choose another folder."
        ) from None
    # The number serves the next one's error message only; it stays after the end.
    with contextlib.suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _check_version(path: Path, found: str) -> None:
    if not found.isdecimal():
        raise DataRefused(f"DATA={path} is damaged: its file `version` contains {found!r}, not a number.")
    if not MIN_VERSION <= int(found) <= VERSION:
        release = "a newer" if int(found) > VERSION else "an older"
        raise DataRefused(
            f"DATA={path} was written by {release} release (format {found}; this release reads "
            f"{MIN_VERSION} to {VERSION}). Nothing was changed. Use that release or another folder."
        )


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Report an error of the file system as DataRefused, with the file's name."""
    try:
        yield
    except OSError as exc:
        file = f" ({exc.filename})" if exc.filename and str(exc.filename) != str(path) else ""
        raise DataRefused(f"DATA={path} cannot be used: {exc.strerror}{file}") from exc
    except UnicodeDecodeError as exc:
        raise DataRefused(f"DATA={path} is damaged: one of its files is not text.") from exc


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
