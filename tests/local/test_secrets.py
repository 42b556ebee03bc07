"""Secrets of the local system: in a private file, never in a log."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.secret_file import SecretFile, SecretsRefused, read_secrets, write_secret

ROOT = Path(__file__).parents[2]


def test_a_secret_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secrets.toml"
    write_secret(file, "github-token", "ghp_1")
    write_secret(file, "gitlab/token", "glpat_2")
    write_secret(file, "github-token", "ghp_3")
    assert read_secrets(file) == {"github-token": "ghp_3", "gitlab/token": "glpat_2"}
    assert file.stat().st_mode & 0o777 == 0o600


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    file = tmp_path_factory.mktemp("data") / "secrets.toml"
    write_secret(file, "name", value)
    assert read_secrets(file) == {"name": value}


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    write_secret(file, "name", "value")
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


@pytest.mark.parametrize("name", ["", "with space", "ü", "x" * 513])
def test_a_name_that_secrets_manager_would_not_take_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SecretsRefused, match="NAME="):
        write_secret(tmp_path / "secrets.toml", name, "value")


def test_the_command_reads_a_pipe_and_shows_no_value(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.secret_file", "github-token"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "DATA": str(tmp_path)},
        input="ghp_1\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert read_secrets(tmp_path / "secrets.toml") == {"github-token": "ghp_1"}
    assert "ghp_1" not in done.stdout + done.stderr


def test_a_running_system_takes_up_what_the_file_says_now(tmp_path: Path, moto_server: str) -> None:
    manager: Any = boto3.client("secretsmanager", endpoint_url=moto_server)
    file = tmp_path / "secrets.toml"
    secrets = SecretFile(file, lambda service: manager)
    secrets.load()
    write_secret(file, "one", "1")
    write_secret(file, "two", "2")
    secrets.load()
    assert manager.get_secret_value(SecretId="one")["SecretString"] == "1"
    os.utime(file, (0, 1))
    file.write_text('"two" = "3"\n')
    secrets.load()
    assert manager.get_secret_value(SecretId="two")["SecretString"] == "3"
    with pytest.raises(manager.exceptions.ResourceNotFoundException):
        manager.get_secret_value(SecretId="one")
