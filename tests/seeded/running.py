"""Real commands as checks: each runs on a copy of the tree, in a process of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from groundwork.checks.model import CommandResult
from groundwork.checks.ports import CheckJob, CheckProgress
from groundwork.sandbox.model import Ending
from tests.fakes.checks import ScriptedChecks, exits


def run(command: str, files: Mapping[str, bytes]) -> CommandResult:
    """Run a command in a folder with these files."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        argv = [sys.executable, *command.split()[1:]]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return exits(command, done.returncode, done.stdout + done.stderr)


class Killed(BaseException):
    """The worker's process ends here."""


@dataclass
class Moments:
    """Kills the worker at the n-th moment, `at`."""

    at: int = 0
    count: int = 0

    def pass_(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise Killed


@dataclass
class ProcessChecks(ScriptedChecks):
    """Checks by real processes.

    The first `lost` jobs lose their sandbox; `moments` surround each job.
    """

    lost: int = 0
    moments: Moments = field(default_factory=Moments)

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        self.moments.pass_()
        progress = super().advance(job, seconds)
        self.moments.pass_()
        return progress


def losing(checks: list[ProcessChecks]) -> Callable[[str, Mapping[str, bytes]], CommandResult]:
    """Return a script that loses a sandbox as often as `lost` says."""

    def script(command: str, files: Mapping[str, bytes]) -> CommandResult:
        if checks[0].lost:
            checks[0].lost -= 1
            return CommandResult(command=command, ending=Ending.LOST, detail="The machine is gone.")
        return run(command, files)

    return script
