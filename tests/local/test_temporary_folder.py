"""Temporary folders: those of killed systems are deleted, those in use are not."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from local.microvms.configure import InvalidSetting, LocalMicrovms
from local.pool import SandboxPool
from local.temporary_folder import TemporaryFolder, delete_abandoned
from tests.local.waiting import until

ROOT = Path(__file__).parents[2]
HOLD = "import sys, signal; from {module} import {name}; one = {name}({argument}); print(flush=True); signal.pause()"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # A long folder of tests would send the sockets to /tmp.
    monkeypatch.setattr("local.microvms.configure._short_folder", lambda: None)
    return tmp_path


@pytest.mark.parametrize("make", [lambda: SandboxPool(lambda *_: None), lambda: LocalMicrovms({})])
def test_the_folder_of_a_killed_system_is_deleted(temporary: Path, make: Callable[[], SandboxPool]) -> None:
    abandoned = kill_with_folder(temporary)
    one = make()
    try:
        until(lambda: not abandoned.exists(), 20)
        assert len(list(temporary.iterdir())) == 1
    finally:
        one.close()
    assert list(temporary.iterdir()) == []


def kill_with_folder(temporary: Path) -> Path:
    code = HOLD.format(module="local.pool", name="SandboxPool", argument="print")
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as system:
        assert system.stdout is not None
        assert system.stdout.readline() == "\n"
        (folder,) = temporary.iterdir()
        (folder / "work").mkdir()
        (folder / "work" / "file").write_text("")
        delete_abandoned(temporary)
        assert (folder / "work" / "file").exists(), "its system runs"
        system.kill()
    return folder


def test_the_folders_of_others_stay(temporary: Path) -> None:
    others = temporary / "groundwork-mine", temporary / "other"
    for folder in others:
        folder.mkdir()
        (folder / "file").write_text("")
    (others[1] / ".in-use").write_text("")
    (temporary / "groundwork-link").symlink_to(others[1])
    delete_abandoned(temporary)
    assert all((folder / "file").exists() for folder in others)


def test_a_folder_deleted_by_half_is_recognized(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = TemporaryFolder()
    (folder.path / "work").mkdir()
    with monkeypatch.context() as killed:
        killed.setattr("shutil.rmtree", lambda *_, **__: None)
        folder.close()
    assert folder.path.exists()
    delete_abandoned(temporary)
    assert not folder.path.exists()


def test_an_invalid_setting_leaves_no_folder(temporary: Path) -> None:
    with pytest.raises(InvalidSetting):
        LocalMicrovms({"GROUNDWORK_CHECKS_DISK_MB": "one"})
    assert list(temporary.iterdir()) == []
