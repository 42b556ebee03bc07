"""Sandboxes and commands, as the rest of Groundwork sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Ending(StrEnum):
    """How a command ended. Only `EXIT` says anything of the tests."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    KILLED = "killed"
    OUTPUT = "output"
    LOST = "lost"
    COULD_NOT_START = "could_not_start"


@dataclass(frozen=True, slots=True)
class SandboxKey:
    """One sandbox of an owner (a task's attempt, a landing, a baseline).

    A dead sandbox is followed by the next generation."""

    owner: str
    generation: int = 1

    def __str__(self) -> str:
        return f"{self.owner}|{self.generation}"


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """Fixed when a sandbox is opened; a replay must be equal to the byte."""

    image_version: str | None = None
    max_seconds: int = 3600
    """Running and suspended together; then the sandbox is gone."""

    idle_seconds: int = 900
    """Without a request for so long it is suspended, and then kept for an hour."""

    hosts: tuple[str, ...] = ()
    """Further hosts for set-up, besides the machine's own: `name`, `*.name`, `name:port`."""


@dataclass(frozen=True, slots=True)
class Handle:
    """An open sandbox. A row keeps exactly these fields."""

    key: SandboxKey
    id: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder's files with links and executable files by path; a checkout shows neither."""

    folder: Path
    links: Mapping[str, str] = field(default_factory=dict)
    executable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one command. `seconds` are counted while the sandbox runs."""

    seconds: int = 600
    memory_mb: int = 2048
    processes: int = 256
    file_mb: int = 1024
    open_files: int = 1024
    log_bytes: int = 1024 * 1024
    """Bytes kept of the log; ten times as much ends the command."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, without a shell. Only set-up may have the network."""

    argv: tuple[str, ...]
    setup: bool = False
    network: bool = False
    limits: Limits = Limits()
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""

    @classmethod
    def shell(cls, line: str, **options: object) -> "Command":
        return cls(("/bin/sh", "-c", line), **options)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LogPage:
    """A part of a command's log. `skipped` bytes before it were not kept."""

    text: str = ""
    next_offset: int = 0
    skipped: int = 0
    total: int = 0

    @property
    def is_last(self) -> bool:
        return self.next_offset >= self.total


@dataclass(frozen=True, slots=True)
class CommandStatus:
    """A command's present state and a page of its log; `detail` explains unusual endings."""

    ending: Ending | None = None
    exit_code: int | None = None
    detail: str = ""
    seconds: float = 0.0
    peak_memory_mb: int = 0
    log: LogPage = LogPage()

    @classmethod
    def lost(cls, detail: str) -> "CommandStatus":
        return cls(Ending.LOST, detail=detail)


class ChangeKind(StrEnum):
    """Of a file, against the tree as sent."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A claim by untrusted code.

    Without content and link the file is too large, or no regular file (`special`)."""

    path: str
    kind: ChangeKind
    content: bytes | None = None
    link: str | None = None
    executable: bool = False
    size: int = 0
    special: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Files changed by commands, without set-up's own."""

    files: tuple[ChangedFile, ...] = ()
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Availability:
    """Can a sandbox be had here? The reason is a sentence for people."""

    available: bool
    reason: str = ""


IGNORED_FOLDERS = frozenset(
    {
        ".git",
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".tox",
        ".venv",
        "node_modules",
        ".hypothesis",
    }
)
"""Not looked into for changes: caches and installed packages."""
