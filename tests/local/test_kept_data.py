"""`python -m local` on a data folder: every acknowledged write survives any end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local.engine.dynamodb import DynamoDBLocal, url_of
from local.engine.java import system_java
from local.engine.package import find_emulator
from local.storage import Storage
from tests.local.waiting import is_running, until

ROOT = Path(__file__).parents[2]
TEMPLATE = Path(__file__).parent / "fixture" / "template.yaml"
TABLE = "local-notes"

pytestmark = pytest.mark.skipif(system_java() is None and not os.environ.get("CI"), reason="needs Java 17 or newer")

type Process = "subprocess.Popen[str]"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def run(**environment: str) -> Process:
        ours = ("AWS_ENDPOINT", "GROUNDWORK")
        shell = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "--template", str(TEMPLATE), "--port", "0"],
            cwd=ROOT,
            env={**shell, "DATA": str(tmp_path / "data"), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.communicate(timeout=120)


def ready(process: Process) -> None:
    assert process.stdout is not None
    assert any("listens on" in line for line in process.stdout), process.communicate()


def engine_of(process: Process) -> psutil.Process:
    (java,) = [one for one in psutil.Process(process.pid).children(recursive=True) if "java" in one.name()]
    return java


def engine_url(java: psutil.Process) -> str:
    return url_of(java.cmdline())


def client(url: str, key: str) -> Any:
    return boto3.client("dynamodb", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key="x")


@pytest.fixture
def key(tmp_path: Path) -> Callable[[], str]:
    return lambda: (tmp_path / "data" / "access-key").read_text()


def put(dynamodb: Any, numbers: range) -> None:
    for number in numbers:
        dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": str(number)}})


def rows(dynamodb: Any) -> set[int]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=TABLE)
    return {int(row["pk"]["S"]) for page in pages for row in page["Items"]}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_every_row_is_there_after_the_system_has_ended(
    start: Callable[..., Process], key: Callable[[], str], how: signal.Signals
) -> None:
    process = start()
    ready(process)
    java = engine_of(process)
    put(client(engine_url(java), key()), range(50))
    process.send_signal(how)
    process.wait(60)
    until(lambda: not is_running(java.pid))
    again = start()
    ready(again)
    assert rows(client(engine_url(engine_of(again)), key())) == set(range(50))


def test_an_engine_that_dies_is_started_again_on_its_files(
    start: Callable[..., Process], key: Callable[[], str]
) -> None:
    process = start()
    ready(process)
    java = engine_of(process)
    dynamodb = client(engine_url(java), key())
    put(dynamodb, range(50))
    assert len(rows(dynamodb)) == 50
    java.kill()

    def found() -> set[int]:
        try:
            return rows(dynamodb)
        except (BotoCoreError, ClientError):
            return set()

    until(lambda: found() == set(range(50)))
    assert engine_of(process).pid != java.pid


def test_the_engine_listens_on_this_machine_only(start: Callable[..., Process]) -> None:
    process = start()
    ready(process)
    listening = [one.laddr for one in engine_of(process).net_connections("inet") if one.status == psutil.CONN_LISTEN]
    # Java binds an IPv4 address as an IPv6 one.
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_whoever_does_not_know_the_key_sees_no_table(start: Callable[..., Process], key: Callable[[], str]) -> None:
    process = start()
    ready(process)
    url = engine_url(engine_of(process))
    assert client(url, key()).list_tables()["TableNames"] == [TABLE]
    assert client(url, "stranger").list_tables()["TableNames"] == []


def test_a_second_start_on_the_same_data_is_refused_by_name(start: Callable[..., Process], tmp_path: Path) -> None:
    ready(start())
    second = start()
    _, errors = second.communicate(timeout=120)
    assert second.returncode == 1
    assert f"DATA={tmp_path / 'data'} is in use by another local system" in errors
    assert "Traceback" not in errors


def test_without_an_engine_it_says_once_that_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []

    def no_engine(folder: Path) -> Any:
        return DynamoDBLocal(folder, java=lambda: "java", emulator=lambda: find_emulator(tmp_path / "cache"))

    storage = Storage.open(tmp_path / "data", {}, said.append, engine=no_engine)
    try:
        assert (storage.keeps_tables, storage.environment()) == (False, {})
    finally:
        storage.close()
    assert said == ["NOTHING IS KEPT after this system stops: npm is not on the PATH"]
