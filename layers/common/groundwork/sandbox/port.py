"""Port for sandboxes."""

from collections.abc import Callable
from typing import Protocol

from groundwork.sandbox.model import (
    IGNORED_FOLDERS,
    Availability,
    ChangedFiles,
    Command,
    CommandStatus,
    Handle,
    SandboxKey,
    SandboxSpec,
    Tree,
)


class Sandboxes(Protocol):
    """Sandboxes, on AWS or on this machine.

    Every method may raise Transient; all but `available` and `sweep` may raise SandboxUnavailable and SandboxLost."""

    def available(self) -> Availability:
        """Tell if sandboxes work here, by a real call."""

    def open(self, key: SandboxKey, spec: SandboxSpec) -> Handle:
        """Open the sandbox of a key, or return the open one. Raises NoCapacity and KeyReused.

        Does not wait until it is ready, so that the caller can store its id first. The next call waits.
        """

    def put(self, handle: Handle, tree: Tree, *, clean: bool = False) -> str:
        """Replace the sandbox's tree and return its digest. Raises SandboxBusy and TreeRefused.

        Files of the last tree missing in this one are removed. `clean` also removes products of commands, but not those
        of set-up.
        """

    def start(self, handle: Handle, command_id: str, command: Command) -> None:
        """Start a command once. Raises SandboxBusy, CommandConflict, CommandRefused."""

    def poll(self, handle: Handle, command_id: str, offset: int = 0, wait: float = 0) -> CommandStatus:
        """Wait for output after `offset`, for the end, or for `wait` seconds.

        A command in a lost sandbox has the ending LOST.
        """

    def kill(self, handle: Handle, command_id: str) -> None:
        """End a command and all of its processes.

        Waits for its end, ten seconds at most: on a busy machine the sandbox may stay busy a little longer.
        """

    def changes(
        self, handle: Handle, max_bytes: int, max_files: int = 500, ignored: frozenset[str] = IGNORED_FOLDERS
    ) -> ChangedFiles:
        """List the changes that commands made to the last tree. Raises SandboxBusy."""

    def save_setup(self, handle: Handle, url: str, max_bytes: int) -> int:
        """Upload the products of set-up, before any check; return the bytes.

        Raises SetupNotKept, and TreeRefused if its disk is full.
        """

    def restore_setup(self, handle: Handle, url: str, max_bytes: int) -> int:
        """Unpack a kept set-up, before the first `put`; return the bytes.

        Raises SetupNotKept, and TreeRefused after a part of it was unpacked.
        """

    def suspend(self, handle: Handle) -> bool:
        """Suspend the sandbox; False if unsupported. The next call resumes it."""

    def close(self, handle: Handle) -> None:
        """End the sandbox. Does nothing if it is gone."""

    def sweep(self, keep: Callable[[str, float], bool]) -> list[str]:
        """End all sandboxes unless `keep(id, age in seconds)` is true; return the ended ids."""
