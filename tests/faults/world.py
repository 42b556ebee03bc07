"""The local system among faults: real functions in processes, all calls through the plan."""

import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.system import LocalSystem
from tests.anthropic_server.faults import Script
from tests.faults.plan import Aws, Blow, Plan, Process
from tests.faults.provider import Provider
from tests.faults.proxy import Decide, Proxy
from tests.faults.quick_clock import Durations, quick_template
from tests.faults.reader import BACKLOG, RUNS, Reader

HOP_S = 12


@dataclass(slots=True)
class Evidence:
    """Output of the functions: lines by function."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def add(self, function: str, line: str) -> None:
        self.lines.append((function, line))

    def of(self, *words: str) -> list[str]:
        """Return the lines with all of these words."""
        return [line for _, line in list(self.lines) if all(word in line for word in words)]

    def records(self, message: str) -> list[dict[str, Any]]:
        """The functions' structured log records with this message."""
        found = []
        for line in self.of(f'"{message}"'):
            with suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict) and record.get("message") == message:
                    found.append(record)
        return found


@dataclass(slots=True)
class World:
    """A running system and its surroundings."""

    system: LocalSystem
    http: httpx.Client
    reader: Reader
    provider: Provider
    evidence: Evidence


@contextmanager
def world(
    decide: Decide,
    script: Script,
    *,
    dynamodb: str | None = None,
    durations: Durations | None = None,
    minute: float = 1.0,
    latency_s: float = 0.15,
    retry_delays: tuple[float, float] = (0.3, 0.6),
) -> Iterator[World]:
    """Start a system.

    `dynamodb`: address of a DynamoDB Local, else moto keeps the tables. `minute`: seconds between two sweeps.
    """
    evidence = Evidence()
    with ExitStack() as closing:
        directory = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        provider = Provider(script, latency_s=latency_s)
        closing.enter_context(provider)
        proxy = closing.enter_context(Proxy(decide, lambda service: upstream(service)))
        system = LocalSystem(
            quick_template(directory, durations or Durations()),
            env=_shell(proxy.url, provider.url),
            parameters={"ProcessNextTimeout": str(HOP_S), "SweepRate": "1 minute"},
            retry_delays=retry_delays,
            minute=minute,
            poll_interval=0.4,
            log=evidence.add,
        )

        def upstream(service: str) -> str:
            return dynamodb if service == "dynamodb" and dynamodb else system.endpoint_url

        closing.enter_context(system)
        client = _client(upstream("dynamodb"))
        if dynamodb:
            # tables of a DynamoDB Local outlive the system, and the next one would find them
            closing.callback(_drop_tables, client)
        authorization = {"Authorization": f"Bearer {system.token}"}
        http = closing.enter_context(httpx.Client(base_url=system.url, headers=authorization, timeout=60))
        yield World(system, http, Reader(client), provider, evidence)


def without_faults(service: str, operation: str, body: bytes) -> tuple[Aws | None, float]:
    """Decide on no fault, for a proxy."""
    return None, 0.0


def _shell(proxy: str, provider: str) -> dict[str, str]:
    ours = ("AWS_", "GROUNDWORK_", "ANTH")
    shell = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return shell | {
        "AWS_ENDPOINT_URL_DYNAMODB": proxy,
        "AWS_ENDPOINT_URL_LAMBDA": proxy,
        "GROUNDWORK_AI": "anthropic",
        "ANTHROPIC_API_KEY": "test-key",
        "ANTHROPIC_BASE_URL": provider,
    }


def _client(url: str) -> Any:
    return boto3.client(
        "dynamodb", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def _drop_tables(client: Any) -> None:
    for table in (BACKLOG, RUNS):
        client.delete_table(TableName=table)


class Blows(threading.Thread):
    """Hits sandboxes as the plan says, until it is ended."""

    def __init__(self, system: LocalSystem, plan: Plan, blows: list[Blow]) -> None:
        super().__init__(daemon=True)
        self._system, self._plan, self._blows = system, plan, blows
        self._ended = threading.Event()

    def run(self) -> None:
        for blow in self._blows:
            if self._ended.wait(blow.after_s):
                return
            pids = self._system.pids(blow.function)
            if pids:
                # The last process is the most recently started or idle one; the system decides.
                self._hit(pids[int(blow.after_s * 1000) % len(pids)], blow)

    def end(self) -> None:
        """Stop the blows; a frozen sandbox thaws in its own time."""
        self._ended.set()
        self.join()

    def _hit(self, pid: int, blow: Blow) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if blow.kind is Process.KILLED:
                os.killpg(pid, signal.SIGKILL)
            else:
                os.killpg(pid, signal.SIGSTOP)
                threading.Timer(blow.lasts_s, _thaw, (pid,)).start()
            self._plan.note(f"{blow.function}: {blow.kind}")


def _thaw(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGCONT)


def until[T](look: Callable[[], T | None], patience_s: float, what: str) -> T:
    """Poll `look` and return its first truthy result. Raises AssertionError after a timeout."""
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {patience_s:.0f} s")
