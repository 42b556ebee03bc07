"""The data folder: one system at a time, of one version, forgotten only when asked to."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local import reset
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


def test_a_start_leaves_a_foreign_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "objects").mkdir()
    with pytest.raises(DataRefused, match=f"DATA={tmp_path} is not empty and not a Groundwork data folder"):
        DataFolder(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"thesis.txt", "objects"}


@pytest.mark.parametrize("names", [["secrets.toml"], ["lock", "secrets.toml", "secrets.lock"], [".DS_Store"]])
def test_secrets_may_be_there_before_the_first_start(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("")
    DataFolder(tmp_path).close()
    assert (tmp_path / "version").read_text() == str(VERSION)


def test_a_reset_leaves_the_files_of_others(tmp_path: Path) -> None:
    DataFolder(tmp_path).close()
    for name in ("notes", "dynamodb"):
        (tmp_path / name).mkdir()
    (tmp_path / ".seen.123").write_text("a draft")
    erase(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"lock", "notes"}


def test_a_secrets_file_of_another_program_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text("")
    with pytest.raises(DataRefused, match="not a Groundwork data folder"):
        erase(tmp_path)
    assert (tmp_path / "secrets.toml").exists()


def test_a_reset_may_be_repeated(tmp_path: Path) -> None:
    DataFolder(tmp_path).close()
    for _ in range(3):
        erase(tmp_path)
    DataFolder(tmp_path).close()


def interrupt(_: Path) -> None:
    raise KeyboardInterrupt


def interrupt_reset(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = DataFolder(path)
    folder.access_key()
    folder.close()
    for name in ("dynamodb", "objects"):
        (path / name).mkdir()
    with monkeypatch.context() as killed:
        # no signal: a shell may have started the tests with SIGINT ignored
        killed.setattr(shutil, "rmtree", interrupt)
        with pytest.raises(KeyboardInterrupt):
            erase(path)
    assert (path / "dynamodb").exists()


def test_an_interrupted_reset_is_completed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_reset(tmp_path, monkeypatch)
    erase(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]


def test_an_interrupted_reset_is_completed_by_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_reset(tmp_path, monkeypatch)
    DataFolder(tmp_path).close()
    assert {entry.name for entry in tmp_path.iterdir()} == {"lock", "version"}


def test_an_interrupted_reset_of_an_earlier_release_is_named_and_completed(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("")
    (tmp_path / "dynamodb").mkdir()
    with pytest.raises(DataRefused, match=r"was interrupted\. Complete it: make reset"):
        DataFolder(tmp_path)
    erase(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]


def test_a_reset_deletes_a_link_and_not_its_target(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("")
    data = tmp_path / "data"
    DataFolder(data).close()
    (data / "objects").symlink_to(elsewhere)
    erase(data)
    assert [entry.name for entry in data.iterdir()] == ["lock"]
    assert (elsewhere / "file").exists()


def test_a_file_system_error_is_reported_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    DataFolder(tmp_path).close()
    (tmp_path / "dynamodb").mkdir()
    # Root may delete anything, so file modes would prove nothing.
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(DataRefused, match=r"cannot be used: Permission denied \(.*dynamodb\)"):
        erase(tmp_path)
    monkeypatch.setenv("DATA", str(tmp_path))
    assert reset.main() == 1


def refuse(path: Path) -> None:
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.data.write_atomically", lambda file, _: refuse(file))
    with pytest.raises(DataRefused, match="Permission denied"):
        DataFolder(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataRefused, match=r"cannot be used: (Not a directory|File exists)"):
        DataFolder(tmp_path / "file")


def test_data_may_begin_with_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/people/me")
    assert data_path({"DATA": "~/groundwork"}) == Path("/people/me/groundwork")
    with pytest.raises(DataRefused, match="unknown user"):
        data_path({"DATA": "~nobody-of-this-name/data"})


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
