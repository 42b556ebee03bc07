"""Keeps a data folder up to date while the system runs: its last sign of life, and secrets that were added since."""

import threading
from collections.abc import Callable

from local.data import DataFolder
from local.secret_file import SecretFile, SecretsRefused

LOOK_S = 2.0
TOUCH_EVERY = 5
"""Looks between two signs of life; times of schedules are told to the minute."""


class Keeper:
    """Loads the secrets at once; the rest in the background until it is closed."""

    def __init__(self, folder: DataFolder, secrets: SecretFile, say: Callable[[str], None]) -> None:
        self._folder, self._secrets, self._say = folder, secrets, say
        self._said = ""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._look()
        self._thread.start()

    def close(self) -> None:
        """Write nothing more."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        looks = 0
        while not self._closed.wait(LOOK_S):
            looks += 1
            self._look()
            if looks % TOUCH_EVERY == 0:
                self._touch()

    def _look(self) -> None:
        try:
            self._secrets.load()
        except (SecretsRefused, OSError) as exc:
            self._tell(str(exc))

    def _touch(self) -> None:
        try:
            self._folder.touch()
        except OSError as exc:
            self._tell(f"The data folder cannot be written: {exc.strerror}")

    def _tell(self, problem: str) -> None:
        """Once, not every two seconds."""
        if problem != self._said:
            self._said = problem
            self._say(problem)
