"""The data folder: one system at a time, of one version, forgotten only when asked to."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.data import DEFAULT, MIN_VERSION, VERSION, DataFolder, DataRefused, data_path, erase, write_atomically

ROOT = Path(__file__).parents[2]


def test_data_names_a_folder_or_memory() -> None:
    assert data_path({}) == DEFAULT
    assert data_path({"DATA": ""}) == DEFAULT
    assert data_path({"DATA": "elsewhere"}) == Path("elsewhere")
    assert data_path({"DATA": "memory"}) is None


def test_a_second_system_on_the_same_folder_is_refused_by_name(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    with pytest.raises(DataRefused, match=f"in use by another local system .process {os.getpid()}"):
        DataFolder(tmp_path)
    first.close()
    DataFolder(tmp_path).close()


def test_the_lock_of_a_killed_system_holds_nobody_off(tmp_path: Path) -> None:
    code = "import sys, signal; from pathlib import Path; from local.data import DataFolder\n"
    code += "folder = DataFolder(Path(sys.argv[1])); print('held', flush=True); signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataRefused, match="in use"):
            DataFolder(tmp_path)
        holder.send_signal(signal.SIGKILL)
    DataFolder(tmp_path).close()


def test_data_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    DataFolder(tmp_path).close()
    (tmp_path / "version").write_text(str(VERSION + 1))
    with pytest.raises(DataRefused, match=f"a newer release .format {VERSION + 1}; this release reads 1 to {VERSION}"):
        DataFolder(tmp_path)
    assert (tmp_path / "version").read_text() == str(VERSION + 1)


def test_data_of_an_older_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    DataFolder(tmp_path).close()
    (tmp_path / "version").write_text(str(MIN_VERSION - 1))
    with pytest.raises(DataRefused, match="an older release"):
        DataFolder(tmp_path)
    assert (tmp_path / "version").read_text() == str(MIN_VERSION - 1)


def test_a_damaged_version_is_named(tmp_path: Path) -> None:
    DataFolder(tmp_path).close()
    (tmp_path / "version").write_text("")
    with pytest.raises(DataRefused, match="damaged: its file `version` contains ''"):
        DataFolder(tmp_path)


def test_the_access_key_is_created_once_and_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    key = folder.access_key()
    assert len(key) >= 32
    assert folder.access_key() == key
    assert (tmp_path / "access-key").stat().st_mode & 0o077 == 0
    folder.close()


def test_a_new_folder_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    DataFolder(tmp_path / "data").close()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_forgetting_empties_a_folder_unless_it_is_in_use(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    (tmp_path / "dynamodb").mkdir()
    (tmp_path / "dynamodb" / "some.db").write_text("rows")
    with pytest.raises(DataRefused, match="in use"):
        erase(tmp_path)
    assert (tmp_path / "dynamodb" / "some.db").exists()
    folder.close()
    erase(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]
    erase(tmp_path / "never made")


def test_a_foreign_folder_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataRefused, match="not a Groundwork data folder"):
        erase(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_the_reset_command_says_why_it_does_not(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    command = [sys.executable, "-m", "local.reset"]
    refused = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "DATA": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    folder.close()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "in use by another local system" in refused.stderr


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    write_atomically(file, "before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_atomically(file, "x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]
