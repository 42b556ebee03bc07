"""Model of Lambda MicroVMs, behind the port `groundwork.sandbox.port.Sandboxes`.

Each call goes through `ask`, so the caller may be delayed or lost before and after its effect. A start has a token: for
five minutes it gives the same machine, then another one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from groundwork.errors import Transient
from groundwork.sandbox.errors import NoCapacity, SandboxBusy, SandboxLost
from groundwork.sandbox.model import Command, CommandStatus, Ending, Handle, LogPage, SandboxKey, SandboxSpec, Tree
from tests.simulation.cloud import Cloud, Sandbox, ask
from tests.simulation.sandboxes.faults import SandboxFaults

TOKEN_S = 300.0


@dataclass(slots=True)
class Machine:
    """`started_by`: the invocation that started it."""

    id: str
    key: SandboxKey
    started_at: float
    ends_at: float
    started_by: Sandbox
    named: bool = False
    ended_at: float | None = None
    commands: dict[str, tuple[float, float, int]] = field(default_factory=dict)
    """Begin, duration and exit code by command id."""

    since_put: list[str] = field(default_factory=list)
    """Ids of the commands begun since the last tree."""

    repaired: bool = False
    """True after the command `repairs` has changed the tree."""

    def alive(self, now: float) -> bool:
        return self.ended_at is None and now < self.ends_at

    def running(self, now: float) -> bool:
        return any(begin + took > now for begin, took, _ in self.commands.values())


@dataclass(slots=True)
class Service:
    """All machines. `on_start`, `on_begin` and `on_end` are told before the effect."""

    cloud: "SandboxCloud"
    on_start: Callable[[Sandbox, SandboxKey], None] = lambda caller, key: None
    on_begin: Callable[[Machine, str], None] = lambda machine, command_id: None
    on_end: Callable[[Sandbox, Machine], None] = lambda caller, machine: None
    machines: dict[str, Machine] = field(default_factory=dict)
    tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    def living(self) -> list[Machine]:
        now = self.cloud.loop.now
        return [machine for machine in self.machines.values() if machine.alive(now)]

    async def carry_out(self, caller: Sandbox, method: str, arguments: tuple[Any, ...]) -> Any:
        if method == "poll":
            return await self._poll(*arguments)
        if method == "open":
            return self._open(caller, *arguments)
        return getattr(self, f"_{method}")(caller, *arguments)

    def _open(self, caller: Sandbox, key: SandboxKey, spec: SandboxSpec) -> Handle:
        now = self.cloud.loop.now
        made, id_ = self.tokens.get(str(key), (float("-inf"), ""))
        if now - made < TOKEN_S:
            return Handle(key, self._alive(id_).id, "model")
        if self.cloud.happens(self.cloud.faults.no_capacity):
            raise NoCapacity
        self.on_start(caller, key)
        id_ = f"m{len(self.machines) + 1}"
        self.tokens[str(key)] = (now, id_)
        self.machines[id_] = Machine(id_, key, now, now + spec.max_seconds, caller)
        return Handle(key, id_, "model")

    def _alive(self, id_: str) -> Machine:
        machine = self.machines[id_]
        if machine.alive(self.cloud.loop.now) and self.cloud.happens(self.cloud.faults.machine_dies):
            self.cloud.note(f"{id_} dies")
            machine.ended_at = self.cloud.loop.now
        if not machine.alive(self.cloud.loop.now):
            raise SandboxLost
        return machine

    def _idle(self, id_: str) -> Machine:
        machine = self._alive(id_)
        if machine.running(self.cloud.loop.now):
            raise SandboxBusy
        return machine

    def _put(self, caller: Sandbox, id_: str) -> str:
        machine = self._idle(id_)
        machine.since_put, machine.repaired = [], False
        return "digest"

    def _begin(self, caller: Sandbox, id_: str, command_id: str, line: str) -> None:
        machine = self._alive(id_)
        if command_id not in machine.commands:
            self._idle(id_)
            seconds = self.cloud.random.choice((0.5, 5.0, 60.0, 400.0))
            self.on_begin(machine, command_id)
            fails = line == "fails" or (line == "repairs" and not machine.repaired)
            machine.commands[command_id] = (self.cloud.loop.now, seconds, 1 if fails else 0)
            machine.since_put.append(command_id)
            machine.repaired |= line == "repairs"

    async def _poll(self, id_: str, command_id: str, wait: float) -> CommandStatus:
        ends = self.cloud.loop.now + wait
        while True:
            machine, now = self.machines[id_], self.cloud.loop.now
            if not machine.alive(now) or command_id not in machine.commands:
                return CommandStatus.lost("gone")
            begin, took, code = machine.commands[command_id]
            if begin + took <= now:
                return CommandStatus(Ending.EXIT, code, seconds=took, log=LogPage("", 0, 0, 0))
            if now >= ends:
                return CommandStatus(seconds=now - begin)
            await asyncio.sleep(min(ends, begin + took) - now + 0.001)

    def _kill(self, caller: Sandbox, id_: str, command_id: str) -> None:
        machine = self.machines[id_]
        if command_id in machine.commands:
            begin, took, _ = machine.commands[command_id]
            machine.commands[command_id] = (begin, min(took, self.cloud.loop.now - begin), 137)

    def _close(self, caller: Sandbox, id_: str) -> None:
        machine = self.machines[id_]
        if machine.alive(self.cloud.loop.now):
            self.on_end(caller, machine)
            machine.ended_at = now = self.cloud.loop.now
            self.cloud.closed_late[machine.id] = now - self.cloud.closing_at.get(machine.id, now)

    def _listed(self, caller: Sandbox) -> list[tuple[str, float]]:
        return [(machine.id, self.cloud.loop.now - machine.started_at) for machine in self.living()]


@dataclass(slots=True)
class SandboxCloud(Cloud):
    faults: SandboxFaults
    service: Service = field(init=False)
    freezing: tuple[str, ...] = ("worker", "sweep")
    closing_at: dict[str, float] = field(default_factory=dict)
    closed_late: dict[str, float] = field(default_factory=dict)
    """Seconds from the closing of a machine's row to its end."""

    def __post_init__(self) -> None:
        self.service = Service(self)

    async def carry_out(self, sandbox: Sandbox, what: str, sent: Any) -> Any:
        if what != "microvms":
            return await Cloud.carry_out(self, sandbox, what, sent)
        await self._disturb(sandbox, self.faults.killed_before)
        await self._travel(sandbox)
        if self.happens(self.faults.service_refuses):
            raise Transient("Lambda MicroVMs: ThrottlingException")
        method, arguments = sent
        self.note(f"{sandbox.number} {method} {' '.join(map(str, arguments[:2]))}")
        answer = await self.service.carry_out(sandbox, method, arguments)
        await self._disturb(sandbox, self.faults.killed_after)
        if self.happens(self.faults.service_answer_lost):
            self.note(f"{sandbox.number} {method} answer lost")
            raise Transient("Lambda MicroVMs: ReadTimeoutError")
        return answer


class AskedSandboxes:
    """The port, for code within `Sandbox.io`."""

    def open(self, key: SandboxKey, spec: SandboxSpec) -> Handle:
        handle: Handle = _ask("open", key, spec)
        return handle

    def put(self, handle: Handle, tree: Tree, *, clean: bool = False) -> str:
        return str(_ask("put", handle.id))

    def start(self, handle: Handle, command_id: str, command: Command) -> None:
        _ask("begin", handle.id, command_id, command.argv[-1])

    def poll(self, handle: Handle, command_id: str, offset: int = 0, wait: float = 0) -> CommandStatus:
        status: CommandStatus = _ask("poll", handle.id, command_id, wait)
        return status

    def kill(self, handle: Handle, command_id: str) -> None:
        _ask("kill", handle.id, command_id)

    def close(self, handle: Handle) -> None:
        _ask("close", handle.id)

    def sweep(self, keep: Callable[[str, float], bool]) -> list[str]:
        return [id_ for id_, age in _ask("listed") if not keep(id_, age) and _ask("close", id_) is None]


def _ask(method: str, *arguments: Any) -> Any:
    return ask("microvms", (method, arguments))
