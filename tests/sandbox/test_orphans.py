"""A killed local system leaves no process behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.sandbox.agent.memory import descendants
from tests.sandbox.conftest import living

ROOT = Path(__file__).parents[2]
SYSTEM = """
import sys, time
from pathlib import Path
from groundwork.sandbox.model import Command, SandboxKey, SandboxSpec, shell
from local.microvms.launcher import SandboxSettings
from tests.sandbox.conftest import StandIn

stand_in = StandIn(SandboxSettings(disk_mb=64), Path(sys.argv[1]))
if problem := stand_in.service.problem():
    print("none:", problem, flush=True)
    sys.exit()
sandboxes = stand_in.sandboxes()
handle = sandboxes.open(SandboxKey("a"), SandboxSpec())
sandboxes.start(handle, "c1", Command(shell("setsid sleep 600 & echo started; sleep 600")))
sandboxes.poll(handle, "c1", 0, 20)
print("running", flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[str]:
    """Below /tmp itself: the sandbox's user cannot look into pytest's own."""
    with tempfile.TemporaryDirectory() as made:
        yield made


def test_a_local_system_that_is_killed_takes_its_sandboxes_along(folder: str) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/common'}"}
    command = [sys.executable, "-c", SYSTEM, folder]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as system:
        assert system.stdout is not None
        first = system.stdout.readline()
        if first.startswith("none:"):
            pytest.skip(f"no sandbox can be made here: {first}")
        assert first == "running\n"
        inside = [pid for pid in descendants(system.pid) if pid != system.pid]
        assert len(inside) >= 5
        system.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while living(inside) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert living(inside) == []
