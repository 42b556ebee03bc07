"""Sessions in a checkout: scripted models, a clock, and the dependencies of a turn."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundwork.agent.check_state import CheckState
from groundwork.agent.check_tools import SessionChecks
from groundwork.agent.repository import Checkout
from groundwork.agent.runner import RunnerContext
from groundwork.agent.session import Session, TaskBrief
from groundwork.agent.turn import TurnDeps
from groundwork.agent.workspace import Workspace
from groundwork.checks.model import CheckSettings
from groundwork.checks.ports import CheckRunner, Owner, OwnerKind
from groundwork.llm.conversation import Block, Conversation, ConversationModel, Turn, TurnEnd
from groundwork.llm.port import Usage
from groundwork.llm.prices import cost_micro_usd

MODEL = "claude-sonnet-5-5"
CRITERIA = ("Downloads can be resumed.", "A test shows it.")


def brief(number: int = 1, **fields: Any) -> TaskBrief:
    known = {
        "plan_id": "plk3v9x2m4q8",
        "task_id": f"plk3v9x2m4q8-T{number}",
        "attempt": 1,
        "plan_title": "Downloads that survive",
        "key": f"resume-{number}",
        "title": "Resume broken downloads",
        "description": "A broken download goes on where it stopped.",
        "acceptance_criteria": CRITERIA,
        "files": ("src/app.py",),
    }
    return TaskBrief.model_validate(known | fields)


def workspace(folder: Path, files: dict[str, str | bytes], **fields: Any) -> Workspace:
    """Checkout with these files, made by hand."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    folder.mkdir(exist_ok=True)
    named = fields.pop("named", ())
    return Workspace(Checkout(folder, "0" * 40, len(files), 0, **fields), named)


def session_with_checks(**fields: Any) -> Session:
    """New session in a repository with checks; `fields` are of their state."""
    return Session(brief=brief(), base="0" * 40, checks=CheckState(**fields))


@dataclass
class Clock:
    """Time in seconds: it passes only when something waits."""

    seconds: float = 1_000.0

    def now(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return int(self.seconds * 1_000)


def checks_with(runner: CheckRunner, *verify: str, epoch: int = 1, **settings: Any) -> SessionChecks:
    return SessionChecks(
        runner=runner,
        owner=Owner(OwnerKind.TASK, "plk3v9x2m4q8", "plk3v9x2m4q8-T1", 1, epoch),
        repository_id="rep",
        settings=CheckSettings(verify=verify or ("pytest -q",), **settings),
        tree_id=lambda changes: f"tree of {len(changes)}",
    )


def call(name: str, **given: Any) -> Block:
    return {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": given}


def finish(met: Iterable[bool] = (True, True), **fields: Any) -> Block:
    verdicts = [{"number": n, "met": yes, "evidence": "src/app.py"} for n, yes in enumerate(met, 1)]
    return call("finish", **({"summary": "Done.", "criteria": verdicts} | fields))


def calls(*blocks: Block) -> Turn:
    numbered = tuple({**block, "id": f"{block['id']}_{position}"} for position, block in enumerate(blocks))
    return Turn(numbered, TurnEnd.CALLS, Usage(100, 10, calls=1), MODEL)


def said(text: str, end: TurnEnd = TurnEnd.SAID, detail: str = "") -> Turn:
    return Turn(({"type": "text", "text": text},), end, Usage(100, 10, calls=1), MODEL, detail=detail)


@dataclass
class Scripted:
    """Returns its script turn by turn, raises its faults, and repeats the last turn forever."""

    script: list[Turn | Exception]
    name: str = "scripted"
    model_id: str = MODEL
    with_message: list[Conversation] = field(default_factory=list)

    async def turn(self, conversation: Conversation) -> Turn:
        self.with_message.append(conversation)
        next_ = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(next_, Exception):
            raise next_
        return next_

    async def close(self) -> None:
        return None


@dataclass
class JobContext:
    """Context of turns and invocations, and their traces."""

    model: ConversationModel
    workspace: Workspace
    log: list[str] = field(default_factory=list)
    kept: list[Session] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    left_ms: int = 900_000
    clock: int = 0
    turn_takes_ms: int = 1_000
    jitter: float = 0.0
    stagger_s: float = 0.0
    checks: SessionChecks | None = None
    time: Clock = field(default_factory=Clock)
    activities: list[str] = field(default_factory=list)

    def means(self) -> TurnDeps:
        return TurnDeps(self.model, self.workspace, cost_micro_usd, self._now, self.log.append, self.checks)

    def watch(self, stop: asyncio.Event | None = None) -> RunnerContext:
        sleep, share, stop = self._sleep, self.jitter, stop or asyncio.Event()
        left_ms = lambda: self.left_ms  # noqa: E731
        return RunnerContext(
            self._keep,
            left_ms,
            stop,
            sleep,
            jitter=lambda: share,
            stagger_s=self.stagger_s,
            monotonic=self.time.now,
            report_activity=self._report,
        )

    def _now(self) -> int:
        self.clock += self.turn_takes_ms // 2
        return self.clock

    async def _keep(self, session: Session) -> None:
        # through storage: the stored session must be enough to continue
        self.kept.append(Session.decompress(session.compress()))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time.seconds += seconds

    async def _report(self, text: str) -> None:
        self.activities.append(text)


type Async = Callable[[], Awaitable[None]]
