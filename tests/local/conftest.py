"""One local system over the fixture's template, for all tests of this directory."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.system import LocalSystem

TEMPLATE = Path(__file__).parent / "fixture" / "template.yaml"
# the shell has a declared variable, an undeclared one, and one of the local system alone
SHELL = {"STAGE": "from the shell", "NOT_DECLARED": "must not be seen", "GROUNDWORK_MOCK_ANSWERS": "packed"}


@pytest.fixture(scope="module")
def logs() -> list[tuple[str, str]]:
    return []


@pytest.fixture(scope="module")
def system(logs: list[tuple[str, str]]) -> Iterator[LocalSystem]:
    def keep(function: str, line: str) -> None:
        logs.append((function, line))

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GROUNDWORK_"))}
    with LocalSystem(
        TEMPLATE, env=environment | SHELL, retry_delays=(0.1, 0.2), minute=2.0, poll_interval=0.3, log=keep
    ) as running:
        yield running


@pytest.fixture
def http(system: LocalSystem) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.url, headers={"Authorization": f"Bearer {system.token}"}, timeout=120) as client:
        yield client


@pytest.fixture
def worker(system: LocalSystem) -> Callable[..., Any]:
    """Invokes the worker through boto3 and gives (answer, FunctionError)."""

    def invoke(**event: Any) -> tuple[Any, str | None]:
        answer = system.client("lambda").invoke(FunctionName="local-worker", Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    return invoke


@pytest.fixture
def count(system: LocalSystem) -> Callable[[str], int]:
    """How often the worker counted under a key."""

    def read(key: str) -> int:
        item = system.client("dynamodb").get_item(TableName="local-notes", Key={"pk": {"S": key}}).get("Item")
        return int(item["n"]["N"]) if item else 0

    return read
