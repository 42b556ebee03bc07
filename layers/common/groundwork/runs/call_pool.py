"""The calls in flight of a hop: starts units of work as tasks and collects their results."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from groundwork.errors import Transient
from groundwork.llm.port import Misconfigured, ModelError, Reply, Usage
from groundwork.llm.rate_limit import OutOfTime, PacedModel
from groundwork.llm.structured_output import AnswerRejected
from groundwork.runs.handler import ItemFailed, ItemOutcome, JobContext, RunHandler
from groundwork.runs.model import Claim, ErrorCode, ManifestEntry, Run
from groundwork.runs.outcome import Halt
from groundwork.runs.results import CallCost, ItemResult
from groundwork.runs.retry import item_retry_delay_ms
from groundwork.runs.selection import Unit, select_units

type Partial = Mapping[int, ItemOutcome | ItemFailed | None]


class CallPool:
    """Tasks in flight. `finished` collects results.

    `fatal` is set once no further call can succeed.
    """

    def __init__(
        self,
        handler: RunHandler,
        context: JobContext,
        model: PacedModel,
        price: Callable[[str, Usage], int],
        now_ms: Callable[[], int],
    ) -> None:
        self.handler, self.context, self.model, self._price, self._now_ms = handler, context, model, price, now_ms
        self.finished: list[ItemResult] = []
        self.fatal: Halt | None = None
        self.broken: BaseException | None = None
        """Unexpected exception of a task: the hop raises it."""
        self.abandoned = CallCost()
        self.out_of_time = False
        self._units: dict[asyncio.Task[None], Unit] = {}
        self._started: dict[int, Claim] = {}
        # only calls really made count as attempts: a wait for a slot costs nothing
        self._called: set[int] = set()
        self._not_before: dict[int, int] = {}
        self._alone = False

    @property
    def busy(self) -> int:
        return len(self._units)

    @property
    def tasks(self) -> Iterable[asyncio.Task[None]]:
        return self._units.keys()

    @property
    def free_slots(self) -> int:
        slots = self.model.slots if self.handler.calls_model else 1
        return slots - self.busy

    def next_units(self, run: Run, entries: Mapping[int, ManifestEntry], slots: int) -> list[Unit]:
        """Return the units to start now; see `select_units`."""
        if not self._units:
            # also if the claim of a suspect could not be saved and its unit never started
            self._alone = False
        if slots <= 0 or self._alone:
            return []
        selection = select_units(run, entries, self.handler.batch_size, slots, self.busy > 0, self._is_due)
        self._alone = selection.alone
        return selection.units

    def _is_due(self, index: int) -> bool:
        return self._not_before.get(index, 0) <= self._now_ms()

    def start(self, unit: Unit, claims: Mapping[int, Claim]) -> None:
        """Start the calls of a unit. Its claims must be saved already."""
        own = {entry.index: claims[entry.index] for entry in unit}
        self._started.update(own)
        task = asyncio.create_task(self._work(unit, own))
        self._units[task] = unit
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._units.pop(task)
        # `exception` itself raises for a cancelled task
        if not task.cancelled() and task.exception():
            self.broken = task.exception()
        if not self._units:
            self._alone = False

    async def _work(self, unit: Unit, claims: Mapping[int, Claim]) -> None:
        spent = CallCost()

        def spend(reply: Reply) -> None:
            nonlocal spent
            spent += CallCost(reply.usage, self._price(reply.model, reply.usage))

        indexes = {entry.index for entry in unit}
        # a call of an earlier attempt within this hop must not count for this one
        self._called -= indexes
        context = replace(self.context, model=self.model.observed(lambda: self._called.update(indexes)))
        results: Partial
        try:
            results = await self.handler.process(context, unit, spend)
        except (AnswerRejected, ModelError, ItemFailed, Transient) as error:
            results = dict.fromkeys(indexes, self._failure(error))
        except asyncio.CancelledError:
            # replies paid before the cut-off still belong to the run's cost
            self.abandoned += spent
            raise
        self._take(unit, claims, results, spent)

    def _failure(self, error: AnswerRejected | ModelError | ItemFailed | Transient) -> ItemFailed | None:
        """Return the failure of all items of a unit; None if its call was never made."""
        if isinstance(error, OutOfTime):
            # each further call would end alike, so the hop starts none
            self.out_of_time = True
            return None
        # the tables failed, not the model: the item keeps its attempt unless a reply was paid
        if isinstance(error, Transient):
            return None
        failure = _item_failure(error)
        if isinstance(error, Misconfigured) or (isinstance(error, ItemFailed) and error.code.stops):
            self.fatal = (failure.code, str(failure))
        return failure

    def _take(self, unit: Unit, claims: Mapping[int, Claim], results: Partial, spent: CallCost) -> None:
        """Record the result of each item, with its share of the cost."""
        now = self._now_ms()
        for entry, share in zip(unit, spent.split(len(unit)), strict=True):
            missing = ItemFailed(ErrorCode.ANSWER_INVALID, "The answer has no entry for this item.")
            result = results.get(entry.index, missing)
            if result is None and spent.usage.calls:
                # a paid call counts as an attempt
                result = ItemFailed(ErrorCode.TIMED_OUT, "The answer was invalid, and no time was left for a repair.")
            finished = ItemResult(entry, claims[entry.index], result, share, now, len(unit) > 1)
            self.finished.append(finished)
            self._started.pop(entry.index, None)
            if not finished.final:
                delay = item_retry_delay_ms(claims[entry.index].attempts)
                # in memory only: after a hand-over the item is due at once
                self._not_before[entry.index] = now + delay

    def next_retry_in_ms(self, run: Run) -> int | None:
        """Return the time until the first waiting item may be retried; None if none waits."""
        waits = [self._not_before.get(i, 0) for i, claim in run.claims.items() if not claim.active]
        return max(0, min(waits) - self._now_ms()) if waits else None

    async def cancel(self) -> None:
        """End all calls in flight.

        Their attempts count: a call longer than a hop must not be made for ever.
        """
        tasks = list(self._units)
        for task in tasks:
            task.cancel()
        # each task must have added its cost to `abandoned` before the caller saves it
        await asyncio.gather(*tasks, return_exceptions=True)

    def unfinished_claims(self) -> dict[int, Claim]:
        """Return the claims of cancelled items. A call never made does not count as an attempt."""
        waiting = {index: replace(claim, started_at=0) for index, claim in self._started.items()}
        return {
            index: claim if index in self._called else replace(claim, attempts=claim.attempts - 1)
            for index, claim in waiting.items()
        }


def _item_failure(error: AnswerRejected | ModelError | ItemFailed) -> ItemFailed:
    if isinstance(error, ItemFailed):
        return error
    if isinstance(error, AnswerRejected):
        return ItemFailed(ErrorCode(error.code), str(error))
    misconfigured = isinstance(error, Misconfigured)
    return ItemFailed(ErrorCode.MODEL_MISCONFIGURED if misconfigured else ErrorCode.MODEL_UNAVAILABLE, str(error))
