"""Background refresh of a data folder: writes the sign of life and loads new secrets."""

import threading
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from local.data import DataFolder
from local.secret_file import SecretFile, SecretsRefused

POLL_S = 2.0
TOUCH_EVERY = 5
"""Polls between two signs of life; ten seconds are precise enough for schedules in minutes."""


class DataRefresher:
    """Refreshes a data folder in the background until closed; `start` does it once at once."""

    def __init__(self, folder: DataFolder, secrets: SecretFile, say: Callable[[str], None]) -> None:
        self._folder, self._secrets, self._say = folder, secrets, say
        self._problems: dict[str, str] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self.poll()
        # A new system killed in its first seconds leaves work to recover too.
        self._touch()
        self._thread.start()

    def close(self) -> None:
        """Stop the refresh."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        polls = 0
        while not self._stopping.wait(POLL_S):
            polls += 1
            self.poll()
            if polls % TOUCH_EVERY == 0:
                self._touch()

    def poll(self) -> None:
        """Load changed secrets; report a problem."""
        try:
            self._secrets.load()
        except (SecretsRefused, OSError) as exc:
            self._report("secrets", str(exc))
        except (ClientError, BotoCoreError) as exc:
            # Its message may quote a value.
            self._report("secrets", f"Cannot load the secrets: {type(exc).__name__}. Repeating.")
        else:
            self._problems.pop("secrets", None)

    def _touch(self) -> None:
        try:
            self._folder.touch()
        except OSError as exc:
            self._report("folder", f"Cannot write to the data folder: {exc.strerror}")
        else:
            self._problems.pop("folder", None)

    def _report(self, of: str, problem: str) -> None:
        """Report a problem once, not on every poll."""
        if problem != self._problems.get(of):
            self._problems[of] = problem
            self._say(problem)
