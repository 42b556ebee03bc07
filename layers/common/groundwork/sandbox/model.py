"""Sandboxes and commands: the types used by the rest of Groundwork."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Ending(StrEnum):
    """How a command ended. Only `EXIT` is a result of the tests."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    KILLED = "killed"
    OUTPUT = "output"
    LOST = "lost"
    COULD_NOT_START = "could_not_start"


@dataclass(frozen=True, slots=True)
class SandboxKey:
    """One sandbox of an owner (a task's attempt, a landing, a baseline).

    The replacement of a dead sandbox has the next generation."""

    owner: str
    generation: int = 1

    def __str__(self) -> str:
        return f"{self.owner}|{self.generation}"


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """Settings of a new sandbox. A repeated request must be identical to the byte."""

    image_version: str | None = None
    max_seconds: int = 3600
    """Lifetime of the sandbox, running or suspended."""

    idle_seconds: int = 900
    """Time without a request until the sandbox is suspended. It is then kept for an hour."""

    hosts: tuple[str, ...] = ()
    """Additional hosts that set-up may reach: `name`, `*.name`, `name:port`."""


@dataclass(frozen=True, slots=True)
class Handle:
    """An open sandbox. All fields are stored in a row."""

    key: SandboxKey
    id: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Tree:
    """Files of a folder.

    A checkout lacks symbolic links and executable bits, so both are listed here by path.
    """

    folder: Path
    links: Mapping[str, str] = field(default_factory=dict)
    executable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """Limits of one command. `seconds` counts only while the sandbox runs."""

    seconds: int = 600
    memory_mb: int = 2048
    processes: int = 256
    file_mb: int = 1024
    open_files: int = 1024
    log_bytes: int = 1024 * 1024
    """Bytes of the log to keep. A command is ended after ten times as much."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, run without a shell. Only set-up may use the network."""

    argv: tuple[str, ...]
    setup: bool = False
    network: bool = False
    limits: CommandLimits = CommandLimits()
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""


def shell(line: str) -> tuple[str, ...]:
    """Return the arguments that run a command line in a shell."""
    return ("/bin/sh", "-c", line)


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
    """Current state of a command and a page of its log. `detail` explains an unusual end."""

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
    """Kind of a file's change, compared with the tree as sent."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A changed file, as reported by untrusted code.

    A file without content and link is too large, or not a regular file (`special`)."""

    path: str
    kind: ChangeKind
    content: bytes | None = None
    link: str | None = None
    executable: bool = False
    size: int = 0
    special: bool = False


@dataclass(frozen=True, slots=True)
class ChangedFiles:
    """Files changed by commands, without the products of set-up."""

    files: tuple[ChangedFile, ...] = ()
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Availability:
    """Tells if sandboxes work here. `reason` is a sentence for users."""

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
"""Caches and installed packages: not searched for changes."""
