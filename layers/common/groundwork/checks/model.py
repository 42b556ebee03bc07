"""Checks of a repository: their settings, and the results of their commands."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from groundwork.sandbox.model import Ending
from groundwork.sandbox.verdict import Verdict, verdict
from groundwork.values import Stored, stored_as

MAX_COMMANDS = 20
MAX_COMMAND_CHARACTERS = 1_000
MAX_LOG_CHARACTERS = 16_000
"""Characters of a command's log in a result, shortened in the middle."""

CommandLine = Annotated[str, Field(min_length=1, max_length=MAX_COMMAND_CHARACTERS, pattern=r"\S")]


class CheckSettings(Stored):
    """Commands of a repository, run by `/bin/sh -c`. An empty `verify` means no checks.

    `allowed` are the first words of further commands for sessions. Set-up may reach the machine's package registries
    and `hosts`. `timeout_s` limits each command.
    """

    setup: Annotated[tuple[CommandLine, ...], stored_as("setup")] = ()
    verify: Annotated[tuple[CommandLine, ...], stored_as("verify")] = ()
    allowed: Annotated[tuple[CommandLine, ...], stored_as("allowed")] = ()
    network: Annotated[Literal["setup", "off"], stored_as("network")] = "setup"
    hosts: Annotated[tuple[str, ...], stored_as("hosts")] = ()
    timeout_s: Annotated[int, stored_as("timeoutS")] = 600
    memory_mb: Annotated[int, stored_as("memoryMb")] = 2_048
    env: Annotated[dict[str, str], stored_as("env")] = Field(default_factory=dict)
    require_review: Annotated[bool, stored_as("requireReview")] = False
    allow_red_baseline: Annotated[bool, stored_as("allowRedBaseline")] = False


class Verified(StrEnum):
    """Proof of a task's change. NOT_RUN: the system is set to run no checks."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CONFIGURED = "not_configured"
    NOT_RUN = "not_run"


class CommandResult(Stored):
    """Result of one command; `ending` is None while it runs.

    Only the ending `exit` is a verdict on the tree. `flaky`: it failed, and passed when run once more.
    """

    command: Annotated[str, stored_as("command")]
    setup: Annotated[bool, stored_as("setup")] = False
    ending: Annotated[Ending | None, stored_as("why")] = None
    exit_code: Annotated[int | None, stored_as("exitCode")] = None
    detail: Annotated[str, stored_as("detail")] = ""
    seconds: Annotated[float, stored_as("seconds")] = 0.0
    log: Annotated[str, stored_as("log")] = ""
    log_truncated: Annotated[bool, stored_as("logTruncated")] = False
    flaky: Annotated[bool, stored_as("flaky")] = False

    @property
    def verdict(self) -> Verdict | None:
        return verdict(self.ending, self.exit_code)
