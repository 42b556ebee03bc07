"""Adaptive rate limiting of model calls.

`Pace` is the policy as a value; `PacedModel` applies it to any model. The controller is additive increase,
multiplicative decrease (Chiu and Jain, 1989, "Analysis of the increase and decrease algorithms for congestion
avoidance"), as in TCP: a refusal halves the width, a full width of good answers adds one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from groundwork.llm.port import Model, ModelError, Question, RateLimited, RateLimits, Reply

MAX_CONCURRENT_CALLS = 40
SCARCE_SHARE = 0.1
"""Below this share of a limit, starts are spread over the time until its reset."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`width`: concurrent calls now; `ceiling`: their maximum.

    `interval_ms`: minimum time between two starts.
    """

    ceiling: int
    interval_ms: int
    width: float
    blocked_until_ms: int = 0
    refusals: int = 0

    @classmethod
    def named(cls, name: str) -> "Pace":
        """Return the pace for `pacing` of the run's options: safe, normal or fast."""
        ceiling, interval, width = {
            "safe": (1, 2_000, 1),
            "normal": (3, 1_000, 3),
            # starts well below its ceiling and finds the account's limit from there
            "fast": (MAX_CONCURRENT_CALLS, 0, 8),
        }[name]
        return cls(ceiling, interval, float(width))

    @property
    def slots(self) -> int:
        return max(1, int(self.width))

    def after_success(self, now_ms: int, limits: RateLimits) -> "Pace":
        wider = min(self.ceiling, self.width + 1 / max(self.width, 1))
        pace = replace(self, width=wider, refusals=0)
        return pace._spread(now_ms, limits)

    def _spread(self, now_ms: int, limits: RateLimits) -> "Pace":
        """Wait for the reset of a nearly exhausted limit, before the provider refuses calls."""
        reset_s = scarce_reset_s(limits)
        if not reset_s:
            return self
        # a share of the time for each slot, not a standstill with a burst at its end
        wait = reset_s * 1000 / max(1, self.slots)
        return replace(self, blocked_until_ms=max(self.blocked_until_ms, now_ms + int(wait)))

    def after_refusal(self, now_ms: int, refusal: RateLimited) -> "Pace":
        """Halve the width; block starts for the provider's time, else for a growing one."""
        limits = refusal.limits
        stated = [refusal.retry_after, *([limits.requests_reset] if limits.requests_remaining == 0 else [])]
        waits = [wait for wait in stated if wait is not None]
        wait_s = max(waits) if waits else min(60.0, 2.0**self.refusals)
        return replace(
            self,
            width=max(1.0, self.width / 2),
            # refusals of concurrent calls arrive one by one: the longest wait holds
            blocked_until_ms=max(self.blocked_until_ms, now_ms + int(wait_s * 1000)),
            refusals=self.refusals + 1,
        )

    def delay_ms(self, now_ms: int, last_start_ms: int | None) -> int:
        """Return the delay of the next start."""
        spaced = 0 if last_start_ms is None else last_start_ms + self.interval_ms
        return max(0, max(spaced, self.blocked_until_ms) - now_ms)


def scarce_reset_s(limits: RateLimits) -> float:
    """Return the seconds until the reset of a nearly exhausted limit; 0 if none is."""
    known = (
        (limits.requests_limit, limits.requests_remaining, limits.requests_reset),
        (limits.tokens_limit, limits.tokens_remaining, limits.tokens_reset),
    )
    resets = [
        reset
        for limit, remaining, reset in known
        if limit and remaining is not None and reset is not None and remaining < max(1, limit * SCARCE_SHARE)
    ]
    return max(resets, default=0.0)


class OutOfTime(ModelError):
    """The hop ended before the call could start; it was never made."""


async def _always() -> None:
    return None


class PacedModel:
    """A model with rate-limited calls, repeated until the provider accepts them.

    `permit` is awaited right before each call; its exceptions go to the caller. No call fails because of a rate limit:
    it returns the answer, or raises OutOfTime without having been made.
    """

    def __init__(
        self,
        model: Model,
        pace: Pace,
        now_ms: Callable[[], int],
        left_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_slow_down: Callable[[RateLimited, Pace], None] = lambda refusal, pace: None,
        permit: Callable[[], Awaitable[None]] = _always,
    ) -> None:
        self.model, self.pace = model, pace
        self.name, self.model_id = model.name, model.model_id
        self._now_ms, self._left_ms, self._sleep, self._on_slow_down = now_ms, left_ms, sleep, on_slow_down
        self._permit = permit
        self._last_start: int | None = None
        self._calls = 0

    @property
    def slots(self) -> int:
        """Number of concurrent calls now allowed."""
        return self.pace.slots

    def observed(self, note: Callable[[], None]) -> "ObservedModel":
        """Return this model with `note` called whenever a call of its user is really made."""
        return ObservedModel(self, note)

    async def reply(self, question: Question, note: Callable[[], None] = lambda: None) -> Reply:
        while True:
            await self._await_slot()
            note()
            self._calls += 1
            try:
                reply = await self.model.reply(question)
            # the limit concerns all calls: this one waits with the others and does not fail
            except RateLimited as refusal:
                self.pace = self.pace.after_refusal(self._now_ms(), refusal)
                self._on_slow_down(refusal, self.pace)
                continue
            finally:
                self._calls -= 1
            self.pace = self.pace.after_success(self._now_ms(), reply.limits)
            return reply

    async def _await_slot(self) -> None:
        """Wait until a call may start. No await separates the check from taking the slot."""
        while True:
            # in the loop: a wait may outlast the permit
            await self._permit()
            delay = self.pace.delay_ms(self._now_ms(), self._last_start)
            if delay == 0 and self._calls < self.pace.slots:
                self._last_start = self._now_ms()
                return
            if delay >= self._left_ms():
                raise OutOfTime
            # short naps: a slot may open or the time run out before the delay ends
            await self._sleep(min(max(delay, 10), 500) / 1000)

    async def close(self) -> None:
        await self.model.close()


class ObservedModel:
    """A paced model with a callback for each call really made: waiting alone uses no attempt."""

    def __init__(self, paced: PacedModel, note: Callable[[], None]) -> None:
        self._paced, self._note = paced, note
        self.name, self.model_id = paced.name, paced.model_id

    async def reply(self, question: Question) -> Reply:
        return await self._paced.reply(question, self._note)

    async def close(self) -> None:
        """Do nothing: the owner closes the paced model."""
