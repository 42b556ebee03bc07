"""Sandboxes in memory, behind the port. A script decides the commands' ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from groundwork.sandbox.agent.files import file_digest, tree_digest
from groundwork.sandbox.errors import (
    CommandConflict,
    KeyReused,
    NoCapacity,
    SandboxBusy,
    SandboxLost,
    SandboxUnavailable,
    TreeRefused,
)
from groundwork.sandbox.model import (
    IGNORED_FOLDERS,
    Availability,
    ChangedFile,
    ChangedFiles,
    Command,
    CommandStatus,
    Ending,
    Handle,
    LogPage,
    SandboxKey,
    SandboxSpec,
    Tree,
)
from groundwork.sandbox.packing import files_of


@dataclass(frozen=True)
class Outcome:
    """The end of a command."""

    exit_code: int | None = 0
    log: str = ""
    seconds: float = 1.0
    changed: tuple[ChangedFile, ...] = ()
    ending: Ending = Ending.EXIT


Script = Callable[[Command, Mapping[str, bytes]], Outcome | None]
"""Decides a command's outcome from the tree; None for an endless one."""


@dataclass
class FakeSandbox:
    """One sandbox."""

    handle: Handle
    spec: SandboxSpec
    opened_at: float
    alive: bool = True
    suspended: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    from_setup: set[str] = field(default_factory=set)
    commands: dict[str, tuple[Command, CommandStatus | None, str]] = field(default_factory=dict)
    changed: dict[str, ChangedFile] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        return any(status is None for _, status, _ in self.commands.values())


class FakeSandboxes:
    """Sandboxes in memory. `limit` bounds the open ones; a `reason` makes them unavailable.

    Kept set-ups in `broken` leave a part behind when they are restored.
    """

    def __init__(self, script: Script, clock: Callable[[], float] = lambda: 0.0, limit: int = 8) -> None:
        self._script, self._clock, self.limit = script, clock, limit
        self.reason = ""
        self.opened: dict[str, FakeSandbox] = {}
        self.kept: dict[str, int] = {}
        self.broken: set[str] = set()

    @property
    def living(self) -> list[FakeSandbox]:
        return [one for one in self.opened.values() if one.alive]

    def lose(self, handle: Handle) -> None:
        """Terminate the machine and all its commands."""
        self.opened[handle.id].alive = False

    def available(self) -> Availability:
        return Availability(not self.reason, self.reason)

    def open(self, key: SandboxKey, spec: SandboxSpec) -> Handle:
        if self.reason:
            raise SandboxUnavailable(self.reason)
        handle = Handle(key, f"microvm-{key}", "fake")
        if (known := self.opened.get(handle.id)) is not None:
            if known.spec != spec:
                raise KeyReused()
            if not known.alive:
                raise SandboxLost()
            return handle
        if len(self.living) >= self.limit:
            raise NoCapacity()
        self.opened[handle.id] = FakeSandbox(handle, spec, self._clock())
        return handle

    def put(self, handle: Handle, tree: Tree, *, clean: bool = False) -> str:
        sandbox = self._idle(handle)
        sent = {path: place.read_bytes() for path, place in files_of(tree.folder)}
        made = {path: data for path, data in sandbox.files.items() if path not in sandbox.sent}
        kept = {path: data for path, data in made.items() if not clean or path in sandbox.from_setup}
        sandbox.files, sandbox.sent = {**kept, **sent}, set(sent)
        sandbox.changed.clear()
        digests = {path: file_digest(path in tree.executable, data) for path, data in sent.items()}
        return tree_digest({**digests, **{path: f"l:{target}" for path, target in tree.links.items()}})

    def start(self, handle: Handle, command_id: str, command: Command) -> None:
        sandbox = self._living(handle)
        if (known := sandbox.commands.get(command_id)) is not None:
            if known[0] != command:
                raise CommandConflict()
            return
        self._idle(handle)
        outcome = self._script(command, sandbox.files)
        if outcome is None:
            sandbox.commands[command_id] = (command, None, "")
            return
        code = outcome.exit_code if outcome.ending is Ending.EXIT else None
        status = CommandStatus(outcome.ending, code, seconds=outcome.seconds)
        sandbox.commands[command_id] = (command, status, outcome.log)
        for one in outcome.changed:
            sandbox.changed[one.path] = one
            sandbox.files.pop(one.path, None)
            if one.content is not None:
                sandbox.files[one.path] = one.content
        if command.setup:
            sandbox.from_setup = set(sandbox.files) - sandbox.sent

    def poll(self, handle: Handle, command_id: str, offset: int = 0, wait: float = 0) -> CommandStatus:
        sandbox = self.opened.get(handle.id)
        if sandbox is None or not sandbox.alive or command_id not in sandbox.commands:
            return CommandStatus.lost("The sandbox is gone.")
        sandbox.suspended = False
        _, status, log = sandbox.commands[command_id]
        data = log.encode()
        page = LogPage(data[offset:].decode(errors="replace"), len(data), 0, len(data))
        status = status or CommandStatus()
        return CommandStatus(status.ending, status.exit_code, status.detail, status.seconds, 0, page)

    def kill(self, handle: Handle, command_id: str) -> None:
        sandbox = self.opened.get(handle.id)
        if sandbox is None or not sandbox.alive:
            return
        command, status, log = sandbox.commands[command_id]
        sandbox.commands[command_id] = (command, status or CommandStatus(Ending.KILLED), log)

    def changes(
        self, handle: Handle, max_bytes: int, max_files: int = 500, ignored: frozenset[str] = IGNORED_FOLDERS
    ) -> ChangedFiles:
        found = tuple(self._idle(handle).changed.values())
        return ChangedFiles(found[:max_files], len(found) > max_files)

    def save_setup(self, handle: Handle, url: str, max_bytes: int) -> int:
        self._idle(handle)
        self.kept[url] = 1
        return 1

    def restore_setup(self, handle: Handle, url: str, max_bytes: int) -> int:
        sandbox = self._idle(handle)
        if url in self.broken:
            sandbox.files["half"] = b""
            sandbox.from_setup.add("half")
            raise TreeRefused("half/way: Permission denied")
        return self.kept.get(url, 0)

    def suspend(self, handle: Handle) -> bool:
        self._living(handle).suspended = True
        return True

    def close(self, handle: Handle) -> None:
        if (sandbox := self.opened.get(handle.id)) is not None:
            sandbox.alive = False

    def sweep(self, keep: Callable[[str, float], bool]) -> list[str]:
        now = self._clock()
        ended = [one for one in self.living if not keep(one.handle.id, now - one.opened_at)]
        for sandbox in ended:
            sandbox.alive = False
        return [one.handle.id for one in ended]

    def _living(self, handle: Handle) -> FakeSandbox:
        sandbox = self.opened.get(handle.id)
        if sandbox is None or not sandbox.alive:
            raise SandboxLost()
        sandbox.suspended = False
        return sandbox

    def _idle(self, handle: Handle) -> FakeSandbox:
        sandbox = self._living(handle)
        if sandbox.busy:
            raise SandboxBusy()
        return sandbox
