"""Files that other programs put into the data folder: each becomes an object of its bucket.

DATA/objects/BUCKET/imports/PROJECT/NAME is stored as the object imports/PROJECT/NAME, then deleted. S3's event of the
object does the rest.
"""

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from local.background import repeat
from local.buckets import name_of, sends_events
from local.template import SamTemplate

PREFIX = "imports"
_IDENTITY = "dropped-file"
# Names of downloads and copies in progress.
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", "~")

type State = tuple[int, int]


class DropFolder:
    """Watches the folders of the buckets with events, from `start` to `close`."""

    def __init__(
        self,
        objects: Path,
        template: SamTemplate,
        client: Callable[[str], Any],
        say: Callable[[str], None],
        *,
        interval: float = 1.0,
    ) -> None:
        names = [name_of(one) for one in template.of_type("AWS::S3::Bucket") if sends_events(one)]
        self._folders = {name: objects / quote(name, safe="") for name in names}
        self._client, self._say, self._interval = client, say, interval
        self._states: dict[Path, State] = {}
        self._refused: set[Path] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        for folder in self._folders.values():
            (folder / PREFIX).mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the present file."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def poll(self) -> None:
        """Store the files unchanged since the last poll: others are still being written."""
        states = {file: state for file in self._files() if (state := _state(file))}
        settled = [file for file, state in states.items() if self._states.get(file) == state]
        self._states = states
        self._refused &= states.keys()
        for file in settled:
            try:
                self._take(file, states[file])
            except (OSError, UnicodeError, BotoCoreError, ClientError) as exc:
                self._refuse(file, exc)

    def _refuse(self, file: Path, problem: Exception) -> None:
        # The next poll retries, and must not say the same again.
        if file not in self._refused and not self._stopping.is_set():
            self._say(f"Cannot take {file.name!r}: {problem}")
        self._refused.add(file)

    def _watch(self) -> None:
        repeat(self.poll, self._stopping, self._interval, self._say, name="The check for dropped files")

    def _files(self) -> Iterator[Path]:
        for folder in self._folders.values():
            for file in sorted((folder / PREFIX).rglob("*")):
                path = file.relative_to(folder)
                hidden = any(part.startswith(".") for part in path.parts)
                if not hidden and not file.name.endswith(_UNFINISHED) and file.is_file() and not file.is_symlink():
                    yield file

    def _take(self, file: Path, state: State) -> None:
        bucket = next(name for name, folder in self._folders.items() if file.is_relative_to(folder))
        key = file.relative_to(self._folders[bucket]).as_posix()
        stored = self._client("s3")
        identity = f"{file.stat().st_ino}-{file.stat().st_ctime_ns}"
        # After a kill between the two steps below, the file is stored already.
        if _stored_identity(stored, bucket, key) != identity:
            with _Settled(file, state) as body:
                try:
                    stored.put_object(Bucket=bucket, Key=key, Body=body, Metadata={_IDENTITY: identity})
                except (OSError, BotoCoreError, ClientError):
                    if body.has_changed:
                        return
                    raise
        if _state(file) != state:
            return
        file.unlink(missing_ok=True)
        self._say(f"Took {key}")


class _Settled(io.FileIO):
    """A file to upload piece by piece.

    A read fails after the file has changed, so no object of two states is stored.
    """

    def __init__(self, file: Path, state: State) -> None:
        super().__init__(file)
        self._path, self._state = file, state
        self.has_changed = False

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(-1 if size is None else size)
        # Checked after the read: the last piece completes the object.
        if _state(self._path) != self._state:
            self.has_changed = True
            raise OSError("The file has changed.")
        return found or b""


def _state(file: Path) -> State | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def _stored_identity(s3: Any, bucket: str, key: str) -> str | None:
    try:
        metadata: dict[str, str] = s3.head_object(Bucket=bucket, Key=key)["Metadata"]
    except ClientError:
        return None
    return metadata.get(_IDENTITY)
