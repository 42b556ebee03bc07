"""Runs a session within one invocation, until it ends, is stopped, or time is up.

Sessions of parallel tasks run in separate processes against one rate limit. They share only the provider's own count,
sent with each response. When little is left, each session waits a random share of the time until the limit resets. A
refused session waits as long as told, plus a random extra, so that not all of them return at the same moment.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from groundwork.agent.check_tools import next_look_s
from groundwork.agent.session import Session
from groundwork.agent.stop import unless_stopped
from groundwork.agent.turn import TurnDeps, resume_turn, run_turn
from groundwork.checks.ports import CheckProgress
from groundwork.llm.conversation import Conversation, ConversationModel, Turn
from groundwork.llm.port import Misconfigured, ModelError, RateLimited, RateLimits
from groundwork.llm.rate_limit import scarce_reset_s

TURN_MS = 300_000
"""Upper limit of one turn: the longest model call plus the longest searches."""

COMMAND_MS = 60_000
"""Time needed in an invocation to put a tree and ask for a command's end."""

WAIT_IN_PLACE_S = 20.0
"""Wait for a command in its first invocation. After it the session is put away."""

POLL_IN_PLACE_S = 4.0
"""Wait for a command in later invocations: long enough to put a tree into a new sandbox."""

MAX_PROVIDER_FAULTS = 8
"""Provider faults in a row; after these, a later invocation tries again."""

# a longer wait is left to the state machine, where it holds no Lambda
MAX_WAIT_S = 60.0


class Pause(StrEnum):
    """Reason to leave an unfinished session."""

    TIME = "time"
    PROVIDER = "provider"
    STOPPED = "stopped"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class RunnerResult:
    """Session after an invocation. `pause` is None once it has ended.

    `wait_s` is the provider's requested wait, or the time until the next look at a command. `activity` tells users what
    the session waits for.
    """

    session: Session
    pause: Pause | None = None
    wait_s: float = 0.0
    activity: str = ""


async def _no_activity(text: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class RunnerContext:
    """Callbacks and limits of a session run.

    `save` stores the session after each turn. `left_ms` returns the time left in the invocation. `stop` ends the run at
    once. `jitter` returns random numbers from 0 to 1 that vary all waits. The first call is delayed by its share of
    `stagger_s`. `report_activity` takes a line for users.
    """

    save: Callable[[Session], Awaitable[None]]
    left_ms: Callable[[], int]
    stop: asyncio.Event
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    turn_ms: int = TURN_MS
    jitter: Callable[[], float] = random.random
    stagger_s: float = 0.0
    monotonic: Callable[[], float] = time.monotonic
    report_activity: Callable[[str], Awaitable[None]] = _no_activity


async def run_session(session: Session, deps: TurnDeps, context: RunnerContext) -> RunnerResult:
    """Run turns until the session ends or must pause.

    Provider faults are retried with backoff and use up no turn. Raises Misconfigured, and as the check runner does.
    """
    model = _LimitRecorder(deps.model)
    run = _Run(replace(deps, model=model), context, model)
    await _stagger_first_call(session, context)
    while session.ended is None:
        result = await run.advance(session)
        if result.pause:
            return result
        session = result.session
    return RunnerResult(session)


@dataclass(slots=True)
class _Run:
    """One invocation. `faults` counts faults of the provider in a row.

    A command begun in this invocation is waited for longer than one of an earlier invocation.
    """

    deps: TurnDeps
    context: RunnerContext
    model: "_LimitRecorder"
    faults: int = 0
    in_place_s: float = POLL_IN_PLACE_S

    async def advance(self, session: Session) -> RunnerResult:
        """Run a turn or a command, save the session, or pause."""
        unfinished = session.unfinished_turn
        if self.context.stop.is_set():
            return RunnerResult(session, Pause.STOPPED)
        # a turn cut off by the end of the invocation is billed and lost
        if self.context.left_ms() < (COMMAND_MS if unfinished else self.context.turn_ms):
            return RunnerResult(session, Pause.TIME)
        result = await (self._command if unfinished else self._turn)(session)
        if result.pause or result.session is session:
            return result
        self.in_place_s = WAIT_IN_PLACE_S
        # saved before the wait: the invocation may be killed in it
        await self.context.save(result.session)
        if not unfinished:
            await _wait_for_rate_limit(result.session, self.model.limits, self.context)
        return result

    async def _turn(self, session: Session) -> RunnerResult:
        # a provider that does not answer is then seen as such
        await self.context.report_activity(f"Waiting for the model: turn {session.turns + 1}")
        try:
            after = await unless_stopped(run_turn(session, self.deps), self.context.stop)
        # a ModelError too, but no retry can help
        except Misconfigured:
            raise
        except ModelError as fault:
            return await self._after_fault(session, fault)
        self.faults = 0
        return RunnerResult(session, Pause.STOPPED) if after is None else RunnerResult(after)

    async def _after_fault(self, session: Session, fault: ModelError) -> RunnerResult:
        """Wait for another try, or pause."""
        self.faults, context = self.faults + 1, self.context
        wait = _wait_s(fault, self.faults, context.jitter())
        no_time = context.left_ms() < context.turn_ms + wait * 1_000
        if self.faults >= MAX_PROVIDER_FAULTS or wait > MAX_WAIT_S or no_time:
            return RunnerResult(session, Pause.PROVIDER, wait, str(fault))
        await context.report_activity(f"Model unavailable, retrying in {wait:.0f} s: {fault}")
        self.deps.log(f"waits {wait:.0f} seconds: {fault}")
        await unless_stopped(context.sleep(wait), context.stop)
        return RunnerResult(session)

    async def _command(self, session: Session) -> RunnerResult:
        """Wait shortly for the pending command; then put the session away, so that no Lambda waits."""
        context = self.context
        ends = context.monotonic() + self.in_place_s
        await context.report_activity(_activity(session))

        def seconds() -> float:
            return 0.0 if context.stop.is_set() else max(0.0, ends - context.monotonic())

        while True:
            result = await resume_turn(session, self.deps, seconds)
            if not isinstance(result, CheckProgress):
                return RunnerResult(result)
            if context.stop.is_set():
                return RunnerResult(session, Pause.STOPPED)
            if not result.wait_s or result.wait_s > seconds():
                return _put_away(session, result)
            await unless_stopped(context.sleep(result.wait_s), context.stop)


def _activity(session: Session) -> str:
    assert session.checks
    first, *others = session.checks.runs[-1].commands
    return f"Running {first[:200]}" + (f" and {len(others)} more" if others else "")


def _put_away(session: Session, progress: CheckProgress) -> RunnerResult:
    return RunnerResult(session, Pause.COMMAND, next_look_s(session, progress), progress.activity)


async def _stagger_first_call(session: Session, context: RunnerContext) -> None:
    """Delay the first call of a new session."""
    if context.stagger_s and not session.turns and session.ended is None:
        await unless_stopped(context.sleep(context.stagger_s * context.jitter()), context.stop)


async def _wait_for_rate_limit(session: Session, limits: RateLimits, context: RunnerContext) -> None:
    scarce = min(MAX_WAIT_S, scarce_reset_s(limits))
    if scarce and session.ended is None:
        await unless_stopped(context.sleep(scarce * context.jitter()), context.stop)


class _LimitRecorder:
    """Model wrapper that records the latest rate limits."""

    def __init__(self, model: ConversationModel) -> None:
        self.name, self.model_id, self._model = model.name, model.model_id, model
        self.limits = RateLimits()

    async def turn(self, conversation: Conversation) -> Turn:
        turn = await self._model.turn(conversation)
        self.limits = turn.limits
        return turn

    async def close(self) -> None:
        await self._model.close()


def _wait_s(fault: ModelError, faults: int, jitter: float) -> float:
    """Exponential backoff with jitter, never below the provider's requested wait."""
    own = float(min(30, 2**faults))
    asked = fault.retry_after if isinstance(fault, RateLimited) else None
    return own * (0.5 + jitter) if asked is None else asked + jitter * max(asked, own)
