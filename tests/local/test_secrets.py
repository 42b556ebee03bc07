"""Secrets of the local system: in a private file, never in a log."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from local.data import DataFolder
from local.data_refresh import DataRefresher
from local.secret_file import SecretFile, SecretsRefused, read_secrets, write_secret
from tests.local.waiting import until

ROOT = Path(__file__).parents[2]


def test_a_secret_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secrets.toml"
    write_secret(file, "groundwork/github-token", "ghp_1")
    write_secret(file, "groundwork/gitlab/token", "glpat_2")
    write_secret(file, "groundwork/github-token", "ghp_3")
    assert read_secrets(file) == {"groundwork/github-token": "ghp_3", "groundwork/gitlab/token": "glpat_2"}
    assert file.stat().st_mode & 0o777 == 0o600


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    file = tmp_path_factory.mktemp("data") / "secrets.toml"
    write_secret(file, "groundwork/name", value)
    assert read_secrets(file) == {"groundwork/name": value}


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    write_secret(file, "groundwork/name", "value")
    file.chmod(0o644)
    with pytest.raises(SecretsRefused, match="chmod 600"):
        read_secrets(file)


@pytest.mark.parametrize("text", ['name = "ghp_1', "name = 5", "ghp_1"])
def test_a_file_that_cannot_be_read_does_not_show_what_is_in_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(SecretsRefused) as refused:
        read_secrets(file)
    assert "ghp_1" not in str(refused.value)
    assert "secrets.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'"groundwork/b" = ""', "the value of groundwork/b is empty"),
        (b'"" = "ghp_1"', "the name '' is invalid"),
        (b'"with space" = "ghp_1"', "the name 'with space' is invalid"),
        (b'"groundwork/b" = 5', "the value of groundwork/b must be a quoted string"),
        (b'groundwork/b = "ghp_1"', "secrets.toml, line 2: not valid TOML"),
        (b'"groundwork/b" = "ghp_1\xff"', "secrets.toml, line 2: not UTF-8"),
    ],
)
def test_a_wrong_line_is_named_and_the_refresh_continues(
    tmp_path: Path, moto_server: str, monkeypatch: pytest.MonkeyPatch, line: bytes, said: str
) -> None:
    monkeypatch.setattr("local.data_refresh.POLL_S", 0.02)
    manager: Any = boto3.client("secretsmanager", endpoint_url=moto_server)
    folder, lines = DataFolder(tmp_path), list[str]()
    write_secret(folder.secrets, "groundwork/a", "1")
    folder.secrets.write_bytes(folder.secrets.read_bytes() + line)
    refresher = DataRefresher(folder, SecretFile(folder.secrets, lambda service: manager), lines.append)
    refresher.start()
    try:
        assert len(lines) == 1
        assert said in lines[0]
        assert "ghp_1" not in lines[0]
        folder.secrets.write_text('"groundwork/a" = "2"')
        until(lambda: stored(manager, "groundwork/a") == "2", 10)
        assert len(lines) == 1
    finally:
        refresher.close()
        folder.close()
        manager.delete_secret(SecretId="groundwork/a", ForceDeleteWithoutRecovery=True)


def stored(manager: Any, name: str) -> str | None:
    try:
        value: str = manager.get_secret_value(SecretId=name)["SecretString"]
    except manager.exceptions.ResourceNotFoundException:
        return None
    return value


def test_the_refresh_survives_an_error_of_secrets_manager(tmp_path: Path, moto_server: str) -> None:
    manager: Any = boto3.client("secretsmanager", endpoint_url=moto_server)
    closed: Any = boto3.client(
        "secretsmanager", endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1})
    )
    clients = iter([closed, closed, manager])
    folder, lines = DataFolder(tmp_path), list[str]()
    write_secret(folder.secrets, "groundwork/survivor", "1")
    refresher = DataRefresher(folder, SecretFile(folder.secrets, lambda service: next(clients)), lines.append)
    for _ in range(3):
        refresher.poll()
    assert lines == ["Cannot load the secrets: EndpointConnectionError. Repeating."]
    assert stored(manager, "groundwork/survivor") == "1"
    folder.close()


def test_a_secret_deleted_elsewhere_may_leave_the_file(tmp_path: Path, moto_server: str) -> None:
    manager: Any = boto3.client("secretsmanager", endpoint_url=moto_server)
    file = tmp_path / "secrets.toml"
    write_secret(file, "groundwork/gone", "1")
    secrets = SecretFile(file, lambda service: manager)
    secrets.load()
    manager.delete_secret(SecretId="groundwork/gone", ForceDeleteWithoutRecovery=True)
    file.unlink()
    secrets.load()


def test_concurrent_writers_keep_all_secrets(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    names = {f"groundwork/{number}": str(number + 1) for number in range(40)}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: write_secret(file, name, names[name]), names))
    assert read_secrets(file) == names


def test_the_folder_of_the_first_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    write_secret(tmp_path / "data" / "secrets.toml", "groundwork/a", "1")
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["github", "groundwork/a b"])
def test_the_command_refuses_a_name_before_it_asks_for_the_value(tmp_path: Path, name: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "local.secret_file", name],
        cwd=ROOT,
        env={**os.environ, "DATA": str(tmp_path)},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # The pipe stays open: a command waiting for the value would not end.
        assert process.wait(60) == 1
        assert process.stderr is not None
        assert f"NAME={name} is invalid" in process.stderr.read()


def test_the_command_leaves_a_foreign_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    command = [sys.executable, "-m", "local.secret_file", "groundwork/a"]
    environment = {**os.environ, "DATA": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, input="1", capture_output=True, text=True, check=False)
    assert (done.returncode, [entry.name for entry in tmp_path.iterdir()]) == (1, ["thesis.txt"])
    assert "not a Groundwork data folder" in done.stderr


@pytest.mark.parametrize(
    "name", ["", "groundwork/", "github", "groundwork/a b", "groundwork/ü", "groundwork/" + "x" * 502]
)
def test_a_name_that_no_function_could_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SecretsRefused, match="NAME="):
        write_secret(tmp_path / "secrets.toml", name, "value")


def test_the_command_reads_a_pipe_and_shows_no_value(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.secret_file", "groundwork/github-token"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "DATA": str(tmp_path)},
        input="ghp_1\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert read_secrets(tmp_path / "secrets.toml") == {"groundwork/github-token": "ghp_1"}
    assert "ghp_1" not in done.stdout + done.stderr


def test_a_running_system_takes_up_what_the_file_says_now(tmp_path: Path, moto_server: str) -> None:
    manager: Any = boto3.client("secretsmanager", endpoint_url=moto_server)
    file = tmp_path / "secrets.toml"
    secrets = SecretFile(file, lambda service: manager)
    secrets.load()
    write_secret(file, "groundwork/one", "1")
    write_secret(file, "groundwork/two", "2")
    secrets.load()
    assert manager.get_secret_value(SecretId="groundwork/one")["SecretString"] == "1"
    os.utime(file, (0, 1))
    file.write_text('"groundwork/two" = "3"\n')
    secrets.load()
    assert manager.get_secret_value(SecretId="groundwork/two")["SecretString"] == "3"
    with pytest.raises(manager.exceptions.ResourceNotFoundException):
        manager.get_secret_value(SecretId="groundwork/one")
