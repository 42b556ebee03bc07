"""What outlives the local system: a data folder, and the engine that keeps the tables in it."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from local.data import DataFolder
from local.engine.dynamodb import DynamoDBLocal, EngineFailed
from local.engine.package import FetchFailed

OWN_DYNAMODB = "AWS_ENDPOINT_URL_DYNAMODB"


class Storage:
    """Holds a data folder and its engine from `open` to `close`. `say` gets one line for the user."""

    def __init__(self, folder: DataFolder, engine: DynamoDBLocal | None) -> None:
        self.folder, self._engine = folder, engine
        self.last_seen = folder.seen()
        """When the folder's last system was last alive; None for a new folder."""

    @classmethod
    def open(
        cls,
        path: Path,
        env: Mapping[str, str],
        say: Callable[[str], None],
        engine: Callable[[Path], DynamoDBLocal] = DynamoDBLocal,
    ) -> Self:
        """Raises DataRefused. Without an engine the tables are kept by moto in memory, and that is said."""
        with ExitStack() as undo:
            folder = DataFolder(path)
            undo.callback(folder.close)
            started = None if env.get(OWN_DYNAMODB) else _started(engine, folder, say)
            undo.pop_all()
        return cls(folder, started)

    @property
    def engine_pid(self) -> int | None:
        """The engine's process."""
        return self._engine.pid if self._engine else None

    @property
    def keeps_tables(self) -> bool:
        return self._engine is not None

    def environment(self) -> dict[str, str]:
        """Where the tables are, and the key that they are kept under. Raises EngineFailed."""
        if self._engine is None:
            return {}
        self._engine.await_answer()
        return {OWN_DYNAMODB: self._engine.url, "AWS_ACCESS_KEY_ID": self.folder.access_key()}

    def close(self) -> None:
        """End the engine, then let others use the folder."""
        if self._engine is not None:
            self._engine.close()
        self.folder.touch()
        self.folder.close()


def _started(
    engine: Callable[[Path], DynamoDBLocal], folder: DataFolder, say: Callable[[str], None]
) -> DynamoDBLocal | None:
    try:
        return engine(folder.tables)
    except (FetchFailed, EngineFailed) as exc:
        say(f"NOTHING IS KEPT when this system ends: {exc}")
        return None
