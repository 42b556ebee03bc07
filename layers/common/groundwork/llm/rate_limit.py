"""How hard the model is driven, and how a rate limit is found and kept.

`Pace` is the policy as a value; `PacedModel` acts on it around any model. The controller is additive increase,
multiplicative decrease (Chiu and Jain, 1989, "Analysis of the increase and decrease algorithms for congestion
avoidance"), the rule of TCP: a refusal halves the width, a full width of good answers adds one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from groundwork.llm.port import Model, ModelError, Question, RateLimited, RateLimits, Reply

MAX_CONCURRENT_CALLS = 40
SCARCE_SHARE = 0.1
"""With less than this share of a limit left, starts are spread over the time until it resets."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`width`: calls at a time now; `ceiling`: the most there may be; `interval_ms`: least time between two starts."""

    ceiling: int
    interval_ms: int
    width: float
    blocked_until_ms: int = 0
    refusals: int = 0

    @classmethod
    def named(cls, name: str) -> "Pace":
        """The contract's paces: safe, normal, fast."""
        ceiling, interval, width = {
            "safe": (1, 2_000, 1),
            "normal": (3, 1_000, 3),
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
        """Wait for the reset before the provider has to refuse us, where its headers show that we are near."""
        reset_s = scarce_reset_s(limits)
        if not reset_s:
            return self
        wait = reset_s * 1000 / max(1, self.slots)
        return replace(self, blocked_until_ms=max(self.blocked_until_ms, now_ms + int(wait)))

    def after_refusal(self, now_ms: int, refusal: RateLimited) -> "Pace":
        """Half the width, and nothing starts until the provider's own time (or a growing one of ours) has passed."""
        limits = refusal.limits
        stated = [refusal.retry_after, *([limits.requests_reset] if limits.requests_remaining == 0 else [])]
        waits = [wait for wait in stated if wait is not None]
        wait_s = max(waits) if waits else min(60.0, 2.0**self.refusals)
        return replace(
            self,
            width=max(1.0, self.width / 2),
            blocked_until_ms=max(self.blocked_until_ms, now_ms + int(wait_s * 1000)),
            refusals=self.refusals + 1,
        )

    def delay_ms(self, now_ms: int, last_start_ms: int | None) -> int:
        """How long the next start has to wait."""
        spaced = 0 if last_start_ms is None else last_start_ms + self.interval_ms
        return max(0, max(spaced, self.blocked_until_ms) - now_ms)


def scarce_reset_s(limits: RateLimits) -> float:
    """Seconds until a limit resets of which little is left; 0 where enough is left of all."""
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
    """The hop ended before the provider would take the call; it was never made."""


async def _always() -> None:
    return None


class PacedModel:
    """A model that waits its turn, and asks again for as long as it takes when it is told to slow down.

    `permit` is awaited right before each call; what it raises goes to the caller. No call fails because of a rate
    limit: it either gets its answer or raises OutOfTime, uncounted.
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
        """How many calls the pace allows at a time now."""
        return self.pace.slots

    def observed(self, note: Callable[[], None]) -> "ObservedModel":
        """The same model for one unit of work, which hears when a call of its own is really made."""
        return ObservedModel(self, note)

    async def reply(self, question: Question, note: Callable[[], None] = lambda: None) -> Reply:
        while True:
            await self._await_slot()
            note()
            self._calls += 1
            try:
                reply = await self.model.reply(question)
            except RateLimited as refusal:
                self.pace = self.pace.after_refusal(self._now_ms(), refusal)
                self._on_slow_down(refusal, self.pace)
                continue
            finally:
                self._calls -= 1
            self.pace = self.pace.after_success(self._now_ms(), reply.limits)
            return reply

    async def _await_slot(self) -> None:
        """Wait until a call may start; the check and the taking happen without an await between them."""
        while True:
            await self._permit()
            delay = self.pace.delay_ms(self._now_ms(), self._last_start)
            if delay == 0 and self._calls < self.pace.slots:
                self._last_start = self._now_ms()
                return
            if delay >= self._left_ms():
                raise OutOfTime
            await self._sleep(min(max(delay, 10), 500) / 1000)

    async def close(self) -> None:
        await self.model.close()


class ObservedModel:
    """A paced model that says when a call is really made: one that only waited its turn has used no attempt."""

    def __init__(self, paced: PacedModel, note: Callable[[], None]) -> None:
        self._paced, self._note = paced, note
        self.name, self.model_id = paced.name, paced.model_id

    async def reply(self, question: Question) -> Reply:
        return await self._paced.reply(question, self._note)

    async def close(self) -> None:
        """The paced model is closed once, by whoever made it."""
