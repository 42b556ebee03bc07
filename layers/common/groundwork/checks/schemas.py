"""Responses of the API about checks, for OpenAPI and mypy."""

from typing import Literal, TypedDict

from groundwork.checks.baseline import BaselineStatus
from groundwork.sandbox.model import Ending
from groundwork.sandbox.verdict import Verdict


class CommandShown(TypedDict):
    """A command and its result. `why` is its ending, null while it runs.

    Only `exit` says something about the tree. `flaky`: it failed, and passed when run once more; then `log` is of the
    failure.
    """

    command: str
    setup: bool
    why: Ending | None
    exitCode: int | None
    detail: str
    seconds: float
    log: str
    logTruncated: bool
    flaky: bool


class Suggested(TypedDict):
    setup: list[str]
    verify: list[str]


class BaselineShown(TypedDict):
    """Checks on the head of the default branch. `reason` explains why they could not run."""

    commit: str | None
    status: BaselineStatus
    steps: list[CommandShown]
    suggested: Suggested
    reason: str | None
    activity: str
    seconds: float
    costUsd: float
    requestedAt: str
    endedAt: str | None


class CheckShown(CommandShown):
    """A command of a task's check, in its session, before it lands or after a rollback (`kind`).

    A command without an end is `running` in an open sandbox, and `could_not_run` after a pause or a cancel.
    """

    tree: str
    commit: str
    status: Verdict | Literal["running"]
    costUsd: float
    kind: Literal["task", "landing", "rollback"]
    attempt: int
    startedAt: str
