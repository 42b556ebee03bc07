"""Runs a session within one invocation, until it ends, is stopped, or time is up.

Sessions of parallel tasks run in separate processes against one rate limit. They share only the provider's own count,
sent with each response. When little is left, each session waits a random share of the time until the limit resets. A
refused session waits as long as told, plus a random extra, so that not all of them return at the same moment.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from groundwork.agent.session import Session
from groundwork.agent.turn import TurnDeps, run_turn
from groundwork.llm.conversation import Conversation, ConversationModel, Turn
from groundwork.llm.port import Misconfigured, ModelError, RateLimited, RateLimits
from groundwork.llm.rate_limit import scarce_reset_s

TURN_MS = 300_000
"""Upper limit of one turn: the longest model call plus the longest searches."""

MAX_PROVIDER_FAULTS = 8
"""Provider faults in a row; after these, a later invocation tries again."""

# a longer wait is left to the state machine, where it holds no Lambda
MAX_WAIT_S = 60.0


class Pause(StrEnum):
    """Reason to leave an unfinished session."""

    TIME = "time"
    PROVIDER = "provider"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RunnerResult:
    """Session after an invocation. `pause` is None once it has ended.

    `wait_s` is the provider's requested wait.
    """

    session: Session
    pause: Pause | None = None
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RunnerContext:
    """Callbacks and limits of a session run.

    `save` stores the session after each turn. `left_ms` returns the time left in the invocation. `stop` ends the run at
    once. `jitter` returns random numbers from 0 to 1 that vary all waits. The first call is delayed by its share of
    `stagger_s`.
    """

    save: Callable[[Session], Awaitable[None]]
    left_ms: Callable[[], int]
    stop: asyncio.Event
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    turn_ms: int = TURN_MS
    jitter: Callable[[], float] = random.random
    stagger_s: float = 0.0


async def run_session(session: Session, deps: TurnDeps, context: RunnerContext) -> RunnerResult:
    """Run turns until the session ends or must pause.

    Provider faults are retried with backoff and use up no turn. Raises Misconfigured.
    """
    faults, model = 0, _LimitRecorder(deps.model)
    deps = replace(deps, model=model)
    await _stagger_first_call(session, context)
    while session.ended is None:
        if context.stop.is_set():
            return RunnerResult(session, Pause.STOPPED)
        # a turn cut off by the end of the invocation is billed and lost
        if context.left_ms() < context.turn_ms:
            return RunnerResult(session, Pause.TIME)
        try:
            after = await _turn_unless_stopped(session, deps, context.stop)
        # a ModelError too, but no retry can help
        except Misconfigured:
            raise
        except ModelError as fault:
            faults += 1
            wait = _wait_s(fault, faults, context.jitter())
            if faults >= MAX_PROVIDER_FAULTS or wait > MAX_WAIT_S or context.left_ms() < context.turn_ms + wait * 1_000:
                return RunnerResult(session, Pause.PROVIDER, wait)
            deps.log(f"waits {wait:.0f} seconds: {fault}")
            await _sleep_unless_stopped(context, wait)
            continue
        if after is None:
            return RunnerResult(session, Pause.STOPPED)
        session, faults = after, 0
        # saved before the wait: the invocation may be killed in it
        await context.save(session)
        await _wait_for_rate_limit(session, model.limits, context)
    return RunnerResult(session)


async def _stagger_first_call(session: Session, context: RunnerContext) -> None:
    """Delay the first call of a new session."""
    if context.stagger_s and not session.turns and session.ended is None:
        await _sleep_unless_stopped(context, context.stagger_s * context.jitter())


async def _wait_for_rate_limit(session: Session, limits: RateLimits, context: RunnerContext) -> None:
    scarce = min(MAX_WAIT_S, scarce_reset_s(limits))
    if scarce and session.ended is None:
        await _sleep_unless_stopped(context, scarce * context.jitter())


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


async def _sleep_unless_stopped(context: RunnerContext, seconds: float) -> None:
    """Sleep until the time is up, or the session is stopped."""
    waits = asyncio.ensure_future(context.sleep(seconds)), asyncio.ensure_future(context.stop.wait())
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _turn_unless_stopped(session: Session, deps: TurnDeps, stop: asyncio.Event) -> Session | None:
    """Run a turn, or return None as soon as the session is stopped, and cancel the turn."""
    turn, stopped = asyncio.ensure_future(run_turn(session, deps)), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({turn, stopped}, return_when=asyncio.FIRST_COMPLETED)
        # a turn ended in the same moment as the stop is kept: it has been billed
        return await turn if turn.done() else None
    finally:
        for task in (turn, stopped):
            task.cancel()
        await asyncio.gather(turn, stopped, return_exceptions=True)


def _wait_s(fault: ModelError, faults: int, jitter: float) -> float:
    """Exponential backoff with jitter, never below the provider's requested wait."""
    own = float(min(30, 2**faults))
    asked = fault.retry_after if isinstance(fault, RateLimited) else None
    return own * (0.5 + jitter) if asked is None else asked + jitter * max(asked, own)
