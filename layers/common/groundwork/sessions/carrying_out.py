"""A session carried on as far as one invocation goes: until it has ended, its time is up, or it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from groundwork.ai.port import Misconfigured, ModelError, RateLimited
from groundwork.sessions.session import Session
from groundwork.sessions.stepping import Means, step

TURN_MS = 300_000
"""What one turn may take: the longest call to the model, and the longest searches it may ask for."""

FAULTS = 8
"""Of the provider, in a row, after which a later invocation tries again."""

LONGEST_WAIT_S = 60.0


class Pause(StrEnum):
    """Why an invocation leaves a session that has not ended."""

    TIME = "time"
    PROVIDER = "provider"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Carried:
    """The session as it is now. `pause` is None where it has ended; `wait_s` is what the provider asks us to wait."""

    session: Session
    pause: Pause | None = None
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    """`keep` saves the session after each turn; `left_ms` is what is left of the invocation; `stop` ends it at once."""

    keep: Callable[[Session], Awaitable[None]]
    left_ms: Callable[[], int]
    stop: asyncio.Event
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    turn_ms: int = TURN_MS


async def carry_on(session: Session, means: Means, watch: Watch) -> Carried:
    """Raises Misconfigured. Faults of the provider are waited for, and use up no turn of the session."""
    faults = 0
    while session.ended is None:
        if watch.stop.is_set():
            return Carried(session, Pause.STOPPED)
        if watch.left_ms() < watch.turn_ms:
            return Carried(session, Pause.TIME)
        try:
            after = await _unless_stopped(session, means, watch.stop)
        except Misconfigured:
            raise
        except ModelError as fault:
            faults += 1
            wait = _wait_s(fault, faults)
            if faults >= FAULTS or wait > LONGEST_WAIT_S or watch.left_ms() < watch.turn_ms + wait * 1_000:
                return Carried(session, Pause.PROVIDER, wait)
            means.tell(f"waits {wait:.0f} seconds: {fault}")
            await watch.sleep(wait)
            continue
        if after is None:
            return Carried(session, Pause.STOPPED)
        session, faults = after, 0
        await watch.keep(session)
    return Carried(session)


async def _unless_stopped(session: Session, means: Means, stop: asyncio.Event) -> Session | None:
    """The session after a turn, or None as soon as it is stopped: what was under way is then given up."""
    turn, stopped = asyncio.ensure_future(step(session, means)), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({turn, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return await turn if turn.done() else None
    finally:
        for task in (turn, stopped):
            task.cancel()
        await asyncio.gather(turn, stopped, return_exceptions=True)


def _wait_s(fault: ModelError, faults: int) -> float:
    asked = fault.retry_after if isinstance(fault, RateLimited) else None
    return asked if asked is not None else float(min(30, 2**faults))
