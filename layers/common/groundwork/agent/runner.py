"""A session carried on as far as one invocation goes: until it has ended, its time is up, or it is stopped.

Sessions of parallel tasks run in processes that know nothing of one another, against one rate limit. What they have in
common is the provider's own count, which comes with each answer: where little is left, each waits for a random share of
the time until the limit resets; and who was refused waits as long as it was told to, and a random while longer, so that
they do not all come back at the same moment.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from groundwork.agent.session import Session
from groundwork.agent.turn import TurnDeps, step
from groundwork.llm.conversation import Conversation, ConversationModel, Turn
from groundwork.llm.port import Misconfigured, ModelError, RateLimited, RateLimits
from groundwork.llm.rate_limit import scarce_reset_s

TURN_MS = 300_000
"""What one turn may take: the longest call to the model, and the longest searches it may ask for."""

FAULTS = 8
"""Of the provider, in a row, after which a later invocation tries again."""

MAX_WAIT_S = 60.0


class Pause(StrEnum):
    """Why an invocation leaves a session that has not ended."""

    TIME = "time"
    PROVIDER = "provider"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RunnerResult:
    """The session as it is now. `pause` is None where it has ended; `wait_s` is what the provider asks us to wait."""

    session: Session
    pause: Pause | None = None
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RunnerContext:
    """`keep` saves the session after each turn; `left_ms` is what is left of the invocation; `stop` ends it at once.

    `share` gives numbers between 0 and 1, by which waits differ; a session's first call is put off by its share of
    `spread_s`.
    """

    keep: Callable[[Session], Awaitable[None]]
    left_ms: Callable[[], int]
    stop: asyncio.Event
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    turn_ms: int = TURN_MS
    share: Callable[[], float] = random.random
    spread_s: float = 0.0


async def run_session(session: Session, means: TurnDeps, watch: RunnerContext) -> RunnerResult:
    """Raises Misconfigured. Faults of the provider are waited for, and use up no turn of the session."""
    faults, model = 0, _Listening(means.model)
    means = replace(means, model=model)
    await _put_off(session, watch)
    while session.ended is None:
        if watch.stop.is_set():
            return RunnerResult(session, Pause.STOPPED)
        if watch.left_ms() < watch.turn_ms:
            return RunnerResult(session, Pause.TIME)
        try:
            after = await _unless_stopped(session, means, watch.stop)
        except Misconfigured:
            raise
        except ModelError as fault:
            faults += 1
            wait = _wait_s(fault, faults, watch.share())
            if faults >= FAULTS or wait > MAX_WAIT_S or watch.left_ms() < watch.turn_ms + wait * 1_000:
                return RunnerResult(session, Pause.PROVIDER, wait)
            means.tell(f"waits {wait:.0f} seconds: {fault}")
            await _rest(watch, wait)
            continue
        if after is None:
            return RunnerResult(session, Pause.STOPPED)
        session, faults = after, 0
        await watch.keep(session)
        await _make_room(session, model.limits, watch)
    return RunnerResult(session)


async def _put_off(session: Session, watch: RunnerContext) -> None:
    """Before its first call alone."""
    if watch.spread_s and not session.turns and session.ended is None:
        await _rest(watch, watch.spread_s * watch.share())


async def _make_room(session: Session, limits: RateLimits, watch: RunnerContext) -> None:
    scarce = min(MAX_WAIT_S, scarce_reset_s(limits))
    if scarce and session.ended is None:
        await _rest(watch, scarce * watch.share())


class _Listening:
    """The model, and what it last said of its limits."""

    def __init__(self, model: ConversationModel) -> None:
        self.name, self.model_id, self._model = model.name, model.model_id, model
        self.limits = RateLimits()

    async def turn(self, conversation: Conversation) -> Turn:
        turn = await self._model.turn(conversation)
        self.limits = turn.limits
        return turn

    async def close(self) -> None:
        await self._model.close()


async def _rest(watch: RunnerContext, seconds: float) -> None:
    """Until then, or until it is stopped."""
    resting = asyncio.ensure_future(watch.sleep(seconds)), asyncio.ensure_future(watch.stop.wait())
    try:
        await asyncio.wait(resting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in resting:
            one.cancel()
        await asyncio.gather(*resting, return_exceptions=True)


async def _unless_stopped(session: Session, means: TurnDeps, stop: asyncio.Event) -> Session | None:
    """The session after a turn, or None as soon as it is stopped: what was under way is then given up."""
    turn, stopped = asyncio.ensure_future(step(session, means)), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({turn, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return await turn if turn.done() else None
    finally:
        for task in (turn, stopped):
            task.cancel()
        await asyncio.gather(turn, stopped, return_exceptions=True)


def _wait_s(fault: ModelError, faults: int, share: float) -> float:
    """Never less than the provider asks for."""
    own = float(min(30, 2**faults))
    asked = fault.retry_after if isinstance(fault, RateLimited) else None
    return own * (0.5 + share) if asked is None else asked + share * max(asked, own)
