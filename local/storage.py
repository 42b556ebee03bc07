"""Persistent storage of the local system: a data folder and the database engine."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from local.data import DataFolder, DataRefused
from local.disk_space import check_free_space
from local.engine.dynamodb import DynamoDBLocal, EngineFailed
from local.engine.package import FetchFailed

OWN_DYNAMODB = "AWS_ENDPOINT_URL_DYNAMODB"


class Storage:
    """A data folder and its engine from `open` to `close`; `say` prints a line for the user."""

    def __init__(
        self, folder: DataFolder, engine: DynamoDBLocal | None, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self.folder, self._engine, self._say = folder, engine, say
        self.last_seen = folder.last_seen()
        """Last sign of life of the previous system, in seconds since 1970; None for a new folder."""

    @classmethod
    def open(
        cls,
        path: Path,
        env: Mapping[str, str],
        say: Callable[[str], None],
        engine: Callable[[Path], DynamoDBLocal] = DynamoDBLocal,
    ) -> Self:
        """Lock the folder and start the engine; if it cannot start, warn and use memory.

        Raises DataRefused.
        """
        with ExitStack() as undo:
            # Before the first file: a refused start must leave none.
            check_free_space(path)
            folder = DataFolder(path)
            undo.callback(folder.close)
            # The user's own DynamoDB keeps the tables.
            started = None if env.get(OWN_DYNAMODB) else _start_engine(engine, folder, say)
            if started is not None:
                undo.callback(started.close)
            storage = cls(folder, started, say)
            undo.pop_all()
        return storage

    @property
    def engine_pid(self) -> int | None:
        """Process id of the engine, or None."""
        return self._engine.pid if self._engine else None

    @property
    def keeps_tables(self) -> bool:
        return self._engine is not None

    def environment(self) -> dict[str, str]:
        """Return the variables with the engine's address and access key. Raises EngineFailed."""
        if self._engine is None:
            return {}
        self._engine.await_answer()
        self._engine.watch(self._say)
        return {OWN_DYNAMODB: self._engine.url, "AWS_ACCESS_KEY_ID": self.folder.access_key()}

    def close(self) -> None:
        """Stop the engine, then release the folder."""
        try:
            if self._engine is not None:
                self._engine.close()
            # On a full disk the last periodic sign of life stays.
            with suppress(OSError):
                self.folder.touch()
        finally:
            self.folder.close()


def _start_engine(
    engine: Callable[[Path], DynamoDBLocal], folder: DataFolder, say: Callable[[str], None]
) -> DynamoDBLocal | None:
    try:
        # An unusable key would be found only after the engine's start.
        folder.access_key()
        return engine(folder.tables)
    except (FetchFailed, EngineFailed, DataRefused) as exc:
        problem = str(exc)
    except OSError as exc:
        problem = f"{exc.strerror}: {exc.filename}" if exc.filename else str(exc)
    say(f"NOTHING IS KEPT after this system stops: {problem}")
    return None
