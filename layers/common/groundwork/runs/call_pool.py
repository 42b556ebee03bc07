"""The crew of a hop: which items are begun next, the calls in flight, and what came of them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from groundwork.errors import Transient
from groundwork.generation.backlog_handlers import JOBS, ItemFailed, ItemOutcome, JobContext, batch_size
from groundwork.generation.plan_handlers import PLAN_JOBS
from groundwork.llm.port import Misconfigured, ModelError, Reply, Usage
from groundwork.llm.rate_limit import OutOfTime, PacedModel
from groundwork.llm.structured_output import AnswerRejected
from groundwork.runs.model import ITEM_ATTEMPTS, Claim, ErrorCode, ItemStatus, JournalEntry, ManifestEntry, Run

RETRY_AFTER_MS = (1_000, 5_000)
"""How long an item waits before its second and third attempt."""

SUSPECT_ATTEMPTS = ITEM_ATTEMPTS - 1

_ALL_JOBS = JOBS | PLAN_JOBS
_ANSWERS = (ErrorCode.ANSWER_INVALID, ErrorCode.ANSWER_TRUNCATED, ErrorCode.ANSWER_REFUSED)


@dataclass(frozen=True, slots=True)
class CallCost:
    usage: Usage = Usage()
    cost: int = 0

    def __add__(self, other: "CallCost") -> "CallCost":
        return CallCost(self.usage + other.usage, self.cost + other.cost)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """An item whose attempt is over: an outcome to save, a failure, or a call that was never made (`result` None).

    `shared`: its call was about other items too.
    """

    target: ManifestEntry
    claim: Claim
    result: ItemOutcome | ItemFailed | None
    spent: CallCost
    at: int
    shared: bool = False

    @property
    def duration_ms(self) -> int:
        return max(1, self.at - self.claim.started_at)

    @property
    def final(self) -> bool:
        """Whether the item ends with this attempt."""
        if not isinstance(self.result, ItemFailed):
            return self.result is not None
        if self.claim.attempts >= ITEM_ATTEMPTS:
            return True
        if self.result.code in _ANSWERS:
            # the answer has had its one repair; what was asked with others is asked once more by itself
            return not self.shared
        return not self.result.code.retryable

    def entry(self, created: int = 0, deleted: int = 0) -> JournalEntry:
        failed = self.result if isinstance(self.result, ItemFailed) else None
        return JournalEntry(
            index=self.target.index,
            status=ItemStatus.FAILED if failed else ItemStatus.COMPLETED,
            attempts=self.claim.attempts,
            created=created,
            deleted=deleted,
            usage=self.claim.usage + self.spent.usage,
            cost=self.claim.cost + self.spent.cost,
            started_at=self.claim.started_at,
            completed_at=self.at,
            error_code=failed.code if failed else None,
            error=str(failed)[:400] if failed else None,
        )

    def claim_left(self) -> Claim:
        """The claim of an item that will be tried again; a call that was never made gives its attempt back."""
        unmade = self.result is None
        return Claim(
            attempts=self.claim.attempts - (1 if unmade else 0),
            usage=self.claim.usage + self.spent.usage,
            cost=self.claim.cost + self.spent.cost,
        )


class CallPool:
    """The items in flight. `finished` fills up as they end; `fatal` is set when no further call can succeed."""

    def __init__(
        self, desk: JobContext, model: PacedModel, price: Callable[[str, Usage], int], now_ms: Callable[[], int]
    ) -> None:
        self.desk, self.model, self._price, self._now_ms = desk, model, price, now_ms
        self.finished: list[ItemResult] = []
        self.fatal: Misconfigured | None = None
        self._units: dict[asyncio.Task[None], tuple[ManifestEntry, ...]] = {}
        self._begun: dict[int, Claim] = {}
        self._not_before: dict[int, int] = {}
        self._lost_alone = False
        self._asked: set[int] = set()
        self.abandoned = CallCost()
        self.out_of_time = False
        self.broken: BaseException | None = None

    @property
    def busy(self) -> int:
        return len(self._units)

    @property
    def tasks(self) -> Iterable[asyncio.Task[None]]:
        return self._units.keys()

    @property
    def room(self) -> int:
        return self.model.room - self.busy

    def next_units(self, run: Run, targets: dict[int, ManifestEntry], room: int) -> list[tuple[ManifestEntry, ...]]:
        """The units to begin now, as far as the pace has room and their targets are at hand.

        An item over which two workers were lost runs with nothing beside it: if it kills a third, it is alone. Losing
        one is no sign yet: a deployment or a timeout takes dozens of innocent items with it.
        """
        if not self._units:
            # also where a suspect's claim could not be saved, and so it was never begun
            self._lost_alone = False
        if room <= 0 or self._lost_alone:
            return []
        units = self._again(run, targets)
        if units is None:
            return []
        if self._lost_alone:
            return units
        return [*units, *self._fresh(run, targets, room - len(units))][:room]

    def _again(self, run: Run, targets: dict[int, ManifestEntry]) -> list[tuple[ManifestEntry, ...]] | None:
        waiting = {i: c for i, c in run.claims.items() if not c.active and i in targets}
        lost = sorted(i for i, c in waiting.items() if c.lost and c.attempts >= SUSPECT_ATTEMPTS)
        if lost:
            if self.busy:
                return None
            self._lost_alone = True
            return [(targets[lost[0]],)]
        now = self._now_ms()
        return [(targets[i],) for i in sorted(waiting) if self._not_before.get(i, 0) <= now]

    def _fresh(self, run: Run, targets: dict[int, ManifestEntry], room: int) -> list[tuple[ManifestEntry, ...]]:
        units: list[tuple[ManifestEntry, ...]] = []
        size, index = batch_size(run.type), run.cursor
        while len(units) < room and index < run.total:
            unit: list[ManifestEntry] = []
            while len(unit) < size and index in targets:
                target = targets[index]
                index += 1
                if not target.skipped:
                    unit.append(target)
            if not unit:
                break
            if unit[0].merges and (units or run.claims or self.busy):
                # the merge reads what all the batches have left: it is the last and alone
                break
            units.append(tuple(unit))
        return units

    def begin(self, unit: Sequence[ManifestEntry], claims: dict[int, Claim]) -> None:
        """Starts the calls for a unit whose claims have been saved."""
        mine = {target.index: claims[target.index] for target in unit}
        self._begun.update(mine)
        task = asyncio.create_task(self._work(tuple(unit), mine))
        self._units[task] = tuple(unit)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._units.pop(task)
        if not task.cancelled() and task.exception():
            # a fault of ours: the hop breaks off, the claims stay counted, and Lambda tries again
            self.broken = task.exception()
        if not self._units:
            self._lost_alone = False

    async def _work(self, unit: tuple[ManifestEntry, ...], claims: dict[int, Claim]) -> None:
        spent = CallCost()

        def spend(reply: Reply) -> None:
            nonlocal spent
            spent += CallCost(reply.usage, self._price(reply.model, reply.usage))

        indexes = {target.index for target in unit}
        self._asked -= indexes
        desk = replace(self.desk, model=self.model.noting(lambda: self._asked.update(indexes)))
        results: dict[int, ItemOutcome | ItemFailed | None]
        try:
            results = dict(await _ALL_JOBS[desk.run.type](desk, unit, spend))
        except (AnswerRejected, ModelError, Transient) as error:
            results = dict.fromkeys((target.index for target in unit), self._failure(error))
        except asyncio.CancelledError:
            self.abandoned += spent
            raise
        self._take(unit, claims, results, spent)

    def _failure(self, error: AnswerRejected | ModelError | Transient) -> ItemFailed | None:
        if isinstance(error, OutOfTime):
            self.out_of_time = True
            return None
        if isinstance(error, Transient):
            return None
        if isinstance(error, AnswerRejected):
            return ItemFailed(ErrorCode(error.code), str(error))
        if isinstance(error, Misconfigured):
            self.fatal = error
            return ItemFailed(ErrorCode.MODEL_MISCONFIGURED, str(error))
        return ItemFailed(ErrorCode.MODEL_UNAVAILABLE, str(error))

    def _take(
        self,
        unit: tuple[ManifestEntry, ...],
        claims: dict[int, Claim],
        results: dict[int, ItemOutcome | ItemFailed | None],
        spent: CallCost,
    ) -> None:
        """Notes what came of each item; what the calls cost is shared out among them to the last token."""
        now = self._now_ms()
        shares = shared_out(spent, len(unit))
        for target, share in zip(unit, shares, strict=True):
            missing = ItemFailed(ErrorCode.ANSWER_INVALID, "The model's answer left this item out.")
            result = results.get(target.index, missing)
            if result is None and spent.usage.calls:
                # an attempt that was paid for is not given back
                result = ItemFailed(ErrorCode.TIMED_OUT, "There was no time left to have its answer corrected.")
            finished = ItemResult(target, claims[target.index], result, share, now, len(unit) > 1)
            self.finished.append(finished)
            self._begun.pop(target.index, None)
            if not finished.final:
                delay = RETRY_AFTER_MS[min(claims[target.index].attempts, len(RETRY_AFTER_MS)) - 1]
                self._not_before[target.index] = now + delay

    def next_retry_in_ms(self, run: Run) -> int | None:
        """How long until the first waiting item may be tried again; None if none waits."""
        waits = [self._not_before.get(i, 0) for i, claim in run.claims.items() if not claim.active]
        return max(0, min(waits) - self._now_ms()) if waits else None

    async def give_up(self) -> None:
        """Ends what is in flight. Its attempts stay counted: a call that outlives its hop must not go on for ever."""
        tasks = list(self._units)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def unfinished(self) -> dict[int, Claim]:
        """The claims of items whose call was given up; one that was never made gives its attempt back."""
        left = {index: replace(claim, started_at=0) for index, claim in self._begun.items()}
        return {i: c if i in self._asked else replace(c, attempts=c.attempts - 1) for i, c in left.items()}


def shared_out(spent: CallCost, among: int) -> list[CallCost]:
    """Parts that add up to exactly what was spent."""

    def parts(total: int) -> list[int]:
        base, rest = divmod(total, among)
        return [base + (position < rest) for position in range(among)]

    u = spent.usage
    columns = zip(
        parts(u.input),
        parts(u.output),
        parts(u.cache_read),
        parts(u.cache_write),
        parts(u.calls),
        parts(spent.cost),
        strict=True,
    )
    return [CallCost(Usage(i, o, r, w, calls), cost) for i, o, r, w, calls, cost in columns]


def with_attempt(claim: Claim | None, now: int) -> Claim:
    """The claim of an item that is about to be begun: the attempt is counted before the call."""
    if claim is None:
        return Claim(1, now)
    return replace(claim, attempts=claim.attempts + 1, started_at=now, lost=False, saving=False)
