"""Persistent storage of the local system: a data folder and the database engine."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from local.data import DataFolder
from local.disk_space import check_free_space
from local.engine.dynamodb import DynamoDBLocal, EngineFailed
from local.engine.package import FetchFailed

OWN_DYNAMODB = "AWS_ENDPOINT_URL_DYNAMODB"


class Storage:
    """A data folder and its engine from `open` to `close`; `say` prints a line for the user."""

    def __init__(self, folder: DataFolder, engine: DynamoDBLocal | None) -> None:
        self.folder, self._engine = folder, engine
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
            folder = DataFolder(path)
            undo.callback(folder.close)
            check_free_space(path)
            # The user's own DynamoDB keeps the tables.
            started = None if env.get(OWN_DYNAMODB) else _start_engine(engine, folder, say)
            undo.pop_all()
        return cls(folder, started)

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
        return {OWN_DYNAMODB: self._engine.url, "AWS_ACCESS_KEY_ID": self.folder.access_key()}

    def close(self) -> None:
        """Stop the engine, then release the folder."""
        try:
            if self._engine is not None:
                self._engine.close()
            self.folder.touch()
        finally:
            self.folder.close()


def _start_engine(
    engine: Callable[[Path], DynamoDBLocal], folder: DataFolder, say: Callable[[str], None]
) -> DynamoDBLocal | None:
    try:
        return engine(folder.tables)
    except (FetchFailed, EngineFailed) as exc:
        say(f"NOTHING IS KEPT after this system stops: {exc}")
        return None
