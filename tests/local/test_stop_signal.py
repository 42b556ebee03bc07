"""A stop signal is never missed, whenever it comes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.waiting import until

ROOT = Path(__file__).parents[2]

BEFORE = """
import signal
from local.stop_signal import StopSignal
stop = StopSignal()
seen = [stop.wait(0), stop.wait(0.01)]
signal.raise_signal(signal.{name})
print(*seen, stop.wait(), stop.wait(), stop.wait(0))
"""

# A signal taken by another thread does not wake the main thread, like one just before the sleep.
ELSEWHERE = """
import signal, threading
from local.stop_signal import StopSignal
stop = StopSignal()
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.{name}}})
print("ready", flush=True)
print(stop.wait({seconds}), flush=True)
"""


def python(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def is_asleep(pid: int) -> bool:
    """Return True if the main thread of a process sleeps."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_came_before_ends_every_wait_after_it(name: str) -> None:
    with python(BEFORE.format(name=name)) as process:
        assert process.communicate(timeout=120)[0] == "False False True True True\n"


@pytest.mark.parametrize("seconds", ["", "100000"], ids=["for ever", "with an end"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_wait_whose_thread_it_does_not_wake(name: str, seconds: str) -> None:
    with python(ELSEWHERE.format(name=name, seconds=seconds)) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            until(lambda: is_asleep(process.pid))
            process.send_signal(signal.Signals[name])
            assert process.communicate(timeout=120)[0] == "True\n"
        finally:
            process.kill()
