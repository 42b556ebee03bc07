"""One hop of a run: take the lease, queue what is not queued, work on items until the time is nearly up, hand over.

One loop decides, saves and waits; the calls to the model run beside it as tasks. Only the loop writes, so results
that come in while a commit is under way go together into the next one.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import batched, islice

from groundwork.errors import LeaseLost, Transient
from groundwork.generation.backlog_handlers import ItemFailed, ItemOutcome, JobContext
from groundwork.ids import Kind, path_of
from groundwork.llm.port import Model, RateLimited, Usage
from groundwork.llm.rate_limit import Pace, PacedModel
from groundwork.plans.ports import PlanServices
from groundwork.runs import continuation, leases
from groundwork.runs.call_pool import CallPool, ItemResult, with_attempt
from groundwork.runs.manifest import PAGE, as_it_stands, manifest_entries
from groundwork.runs.model import (
    ITEM_ATTEMPTS,
    RUN_ATTEMPTS,
    Claim,
    ErrorCode,
    ItemStatus,
    JournalEntry,
    ManifestEntry,
    Run,
    RunPhase,
    RunStatus,
    retry_delay_ms,
)
from groundwork.runs.ports import BacklogReader, Changes, InThread, Invoker, ItemsConflict, RunStore
from groundwork.runs.writer import Packed, RunWriter, packed

WATCH_MS = 1_500
"""How often the worker looks whether its run was cancelled: the promise is two seconds."""


class HopEnd(StrEnum):
    """How a hop ended."""

    NOT_TAKEN = "not_taken"
    LEASE_LOST = "lease_lost"
    CONTINUED = "continued"
    NOT_CONTINUED = "not_continued"
    ENDED = "ended"


@dataclass(slots=True)
class HopRunner:
    """What a hop is done with. `left_ms` tells the time left of this invocation, `request_id` is that of the event."""

    store: RunStore
    backlog: BacklogReader
    model_for: Callable[[Run], Model]
    price: Callable[[str, Usage], int]
    invoke: Invoker
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    request_id: str
    io: InThread = asyncio.to_thread
    plans: PlanServices | None = None
    gave_up: Callable[[ErrorCode, str], None] = lambda code, reason: None
    """Told when a run has ended before its items had their turn: somebody should look at it."""

    async def hop(self, run_id: str) -> HopEnd:
        """Raises Transient where the tables cannot be reached, so that Lambda tries again."""
        run: Run = await self.io(self.store.load, run_id)
        if not leases.may_take(run, self.now_ms()):
            return HopEnd.NOT_TAKEN
        taken = leases.taken(run, leases.invocation(self.request_id), self.now_ms())
        ledger = RunWriter(self.store, taken, self.io, self.now_ms)
        try:
            await ledger.take(run)
            return await Hop(self, ledger).carry_out()
        except LeaseLost:
            return HopEnd.LEASE_LOST
        finally:
            with suppress(Transient):
                # the run itself is saved: lines that are lost are no reason to have the event delivered again
                await ledger.flush_log()


class Hop:
    """One hop with the lease in hand."""

    def __init__(self, worker: HopRunner, ledger: RunWriter) -> None:
        self.worker, self.ledger = worker, ledger
        self.io, self.now_ms = worker.io, worker.now_ms
        self.total_ms = worker.left_ms()
        path = path_of(Kind.RUN, ledger.run.id)
        assert path is not None
        self.project_id = path.project_id
        self.targets: dict[int, ManifestEntry] = {}
        self.unsaved: list[ItemResult] = []
        self.halt: tuple[ErrorCode, str] | None = None

    @property
    def run(self) -> Run:
        return self.ledger.run

    async def carry_out(self) -> HopEnd:
        self.ledger.log(f"Hop {self.run.hops} began.")
        await self._fail_exhausted(ErrorCode.WORKER_LOST, "The worker was lost each time this item was tried.")
        if self.run.queued_all and self.run.ended >= self.run.total:
            self.halt = await self._stopped_for()
            return await self._end()
        self.halt = continuation.why_not_another_hop(self.run)
        if not self.halt and not await self._queue():
            return await self._hand_over()
        if not self.halt:
            await self._work()
        if self.run.queued_all and self.run.ended >= self.run.total:
            # it was done before anything was kept from it
            self.halt = None
        if self.halt:
            await self._fail_rest(*self.halt)
        return await self._end() if self.run.ended >= self.run.total or self.halt else await self._hand_over()

    async def _stopped_for(self) -> tuple[ErrorCode, str] | None:
        """What had stopped a run whose worker was lost after its last item and before its end: the items say so."""
        entries = await self.io(lambda: list(self.worker.store.journal(self.run.id))) if self.run.failed else []
        stops = [(e.error_code, e.error or e.error_code.value) for e in entries if e.error_code and e.error_code.stops]
        return stops[-1] if stops else None

    # queueing

    async def _queue(self) -> bool:
        """Writes the manifest, a page a commit. False if the time was up before all of it was written."""
        if self.run.queued_all:
            return True
        await self._commit(replace(self.run, phase=RunPhase.QUEUEING))
        lines = manifest_entries(self.run, self.project_id, self.worker.backlog, self.worker.store)
        while page := await self.io(lambda: tuple(islice(lines, PAGE))):
            if self.worker.left_ms() < continuation.margin_ms(self.total_ms):
                return False
            skipped = sum(target.skipped for target in page)
            queued = replace(self.run, queued=self.run.queued + len(page), skipped=self.run.skipped + skipped)
            await self._commit(replace(queued, total=max(queued.total, queued.queued)), Changes(manifest=page))
        # fewer than counted at the start: something was deleted in between
        await self._commit(replace(self.run, total=self.run.queued, phase=RunPhase.GENERATING))
        self.ledger.log(f"{self.run.total} items queued, {self.run.skipped} of them skipped.")
        return True

    # working

    async def _work(self) -> None:
        worker = self.worker
        model = worker.model_for(self.run)
        pace = Pace.named(self.run.options.pacing)
        paced = PacedModel(
            model, pace, self.now_ms, self._time_to_call, on_slow_down=self._slowed_down, permit=self.ledger.permit
        )
        desk = JobContext(
            self.run, self.project_id, worker.backlog, worker.store, paced, self.io, self.now_ms, worker.plans
        )
        crew = CallPool(desk, paced, worker.price, self.now_ms)
        watch = asyncio.create_task(self._watch())
        try:
            while await self._turn(crew, watch):
                pass
            await self._give_up(crew)
        finally:
            watch.cancel()
            await crew.give_up()
            await asyncio.gather(watch, return_exceptions=True)
            await paced.close()

    async def _turn(self, crew: CallPool, watch: asyncio.Task[None]) -> bool:
        """One turn of the loop: save what is done and claim what comes next, start it, wait. False at the end."""
        self._examine(crew, watch)
        await self._at_hand()
        self.unsaved += crew.finished
        crew.finished.clear()
        commit = packed(self.unsaved, self.project_id)
        # what does not fit into this commit takes a place: results must not pile up faster than they are saved
        room = crew.room - len(commit[2])
        units = crew.next_units(self._after_save(commit[0]), self.targets, room) if self._may_begin(crew) else []
        await self._save(crew, units, commit)
        if self._drained(crew) or self._time_to_call() <= 0:
            return False
        if not self.unsaved:
            await self._wait(crew, watch)
        return True

    def _examine(self, crew: CallPool, watch: asyncio.Task[None]) -> None:
        if crew.broken:
            raise crew.broken
        if watch.done():
            raise watch.exception() or LeaseLost
        if crew.fatal:
            self.halt = (ErrorCode.MODEL_MISCONFIGURED, str(crew.fatal))
        limit = self.run.options.max_cost_usd
        if limit is not None and self.run.cost >= limit * 1_000_000:
            self.halt = (ErrorCode.COST_LIMIT, f"The run has reached its limit of {limit} US dollars.")

    def _may_begin(self, crew: CallPool) -> bool:
        if self.halt or crew.out_of_time:
            return False
        return continuation.may_begin(self.worker.left_ms(), self.total_ms, self.run.slowest_ms)

    def _time_to_call(self) -> int:
        return self.worker.left_ms() - continuation.save_ms(self.total_ms)

    def _after_save(self, fitting: list[ItemResult]) -> Run:
        """The run as it will stand after this commit: what the next claims are decided on.

        A result that does not fit keeps its claim: its item must not be begun again before that is saved.
        """
        ended = {f.target.index for f in fitting if f.final}
        again = {f.target.index: f.claim_left() for f in fitting if not f.final}
        claims = {i: again.get(i, c) for i, c in self.run.claims.items() if i not in ended}
        return replace(self.run, claims=claims)

    async def _at_hand(self) -> None:
        """Reads the manifest pages of the items that are waiting or come next."""
        wanted = [index for index, claim in self.run.claims.items() if not claim.active]
        wanted += [index for index in (self.run.cursor, self.run.cursor + PAGE // 2) if index < self.run.total]
        await self._read({index // PAGE for index in wanted if index not in self.targets})
        # what comes next may lie behind whole pages of items that are skipped
        while self.run.ended + len(self.run.claims) < self.run.total and (ahead := self._next_open()) < self.run.total:
            if ahead in self.targets:
                return
            await self._read({ahead // PAGE})

    async def _read(self, pages: set[int]) -> None:
        for page in pages:
            lines = await self.io(self.worker.store.manifest, self.run.id, page * PAGE, (page + 1) * PAGE)
            self.targets |= {target.index: target for target in lines}

    def _next_open(self) -> int:
        """The first item from the cursor on that is not known to be skipped."""
        index = self.run.cursor
        while index in self.targets and self.targets[index].skipped:
            index += 1
        return index

    async def _save(self, crew: CallPool, units: list[tuple[ManifestEntry, ...]], commit: Packed) -> None:
        """One commit: the results that fit, and the claims of the units that begin next."""
        now = self.now_ms()
        fitting, changes, later = commit
        execution_state = self._after_save(fitting).claims
        claims = {t.index: with_attempt(execution_state.get(t.index), now) for unit in units for t in unit}
        due = now - self.ledger.saved_at >= leases.RENEW_MS
        if not fitting and not claims and not due:
            return
        after = self._advanced(self._counted(fitting, changes, later), claims, crew)
        try:
            await self._commit(after, changes)
        except ItemsConflict as conflict:
            await self._refresh(conflict)
            return
        self.unsaved = later
        for unit in units:
            crew.begin(unit, claims)

    def _counted(self, fitting: list[ItemResult], changes: Changes, later: list[ItemResult]) -> Run:
        run = self.run.with_entries(changes.entries)
        claims = dict(run.claims)
        for finished in fitting:
            if not finished.final:
                claims[finished.target.index] = finished.claim_left()
        for finished in later:
            claims[finished.target.index] = replace(claims[finished.target.index], saving=True)
        usage, cost = run.usage, run.cost
        for finished in fitting:
            usage, cost = usage + finished.spent.usage, cost + finished.spent.cost
        run = replace(run, claims=claims, usage=usage, cost=cost)
        return _with_coverage(_with_durations(run, fitting), fitting)

    def _advanced(self, run: Run, claims: dict[int, Claim], crew: CallPool) -> Run:
        cursor = max([run.cursor, *(index + 1 for index in claims)])
        while cursor in self.targets and self.targets[cursor].skipped:
            cursor += 1
        # an item that gave its only attempt back is claimed at zero, so that it is not forgotten behind the cursor
        kept = {index: claim for index, claim in run.claims.items() if index not in claims} | claims
        merging = any(self.targets[index].merges for index in claims)
        phase = RunPhase.MERGING if merging else run.phase
        return replace(run, cursor=cursor, claims=kept, phase=phase, width=crew.model.room)

    async def _refresh(self, conflict: ItemsConflict) -> None:
        """Looks again at what stands under the items whose rows had changed."""
        for position, finished in enumerate(self.unsaved):
            if finished.target.index in conflict.indexes and isinstance(finished.result, ItemOutcome):
                target = await self.io(as_it_stands, self.run, finished.target, self.project_id, self.worker.backlog)
                result = _as_found(finished.result, target)
                self.unsaved[position] = replace(finished, target=target or finished.target, result=result)

    def _drained(self, crew: CallPool) -> bool:
        if crew.busy or crew.finished or self.unsaved:
            return False
        everything = self.run.ended >= self.run.total
        return everything or self.halt is not None or not self._may_begin(crew)

    async def _wait(self, crew: CallPool, watch: asyncio.Task[None]) -> None:
        if crew.finished:
            return
        renew = self.ledger.saved_at + leases.RENEW_MS - self.now_ms()
        retry = crew.next_retry_in_ms(self.run)
        waits = [renew, self._time_to_call(), *([retry] if retry is not None and not crew.busy else [])]
        timeout = max(0.005, min(waits) / 1000)
        await asyncio.wait([*crew.tasks, watch], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    async def _watch(self) -> None:
        """Ends (with LeaseLost) when the run is no longer ours: cancelled, or taken over."""
        while True:
            await asyncio.sleep(WATCH_MS / 1000)
            try:
                mine = await self.ledger.still_mine()
            except Transient:
                continue
            if not mine:
                raise LeaseLost

    async def _give_up(self, crew: CallPool) -> None:
        """At the end of the hop: what is still in flight is ended, its attempt stays counted, its calls are billed."""
        await crew.give_up()
        self.unsaved += crew.finished
        crew.finished.clear()
        while self.unsaved:
            await self._save(crew, [], packed(self.unsaved, self.project_id))
        unfinished = crew.unfinished()
        if not unfinished:
            return
        claims = dict(self.run.claims) | unfinished
        spent = crew.abandoned
        await self._commit(
            replace(self.run, claims=claims, usage=self.run.usage + spent.usage, cost=self.run.cost + spent.cost)
        )
        self.ledger.log(f"{len(unfinished)} items were still in flight when the hop's time was up.", "WARNING")
        await self._fail_exhausted(ErrorCode.TIMED_OUT, "The item needed longer than a hop, each time it was tried.")

    def _slowed_down(self, refusal: RateLimited, pace: Pace) -> None:
        wait_s = max(0, pace.blocked_until_ms - self.now_ms()) / 1000
        self.ledger.log(
            f"{type(refusal).__name__}: {pace.slots} calls at a time from now, the next in {wait_s:.1f} s.", "WARNING"
        )

    # ending

    async def _fail_exhausted(self, code: ErrorCode, message: str) -> None:
        spent = [i for i, claim in self.run.claims.items() if not claim.active and claim.attempts >= ITEM_ATTEMPTS]
        await self._fail(sorted(spent), code, message)

    async def _fail_rest(self, code: ErrorCode, message: str) -> None:
        """Every item that has not ended fails with the reason the run ends for."""
        await self._fail(sorted(self.run.claims), code, message)
        while self.run.cursor < self.run.queued:
            start = self.run.cursor
            page = await self.io(self.worker.store.manifest, self.run.id, start, min(start + PAGE, self.run.queued))
            failed = [
                _failed(target.index, None, code, message, self.now_ms()) for target in page if not target.skipped
            ]
            cursor = page[-1].index + 1 if page else self.run.queued
            await self._commit(replace(self.run.with_entries(failed), cursor=cursor), Changes(entries=tuple(failed)))
        self.ledger.log(message, "ERROR")

    async def _fail(self, indexes: list[int], code: ErrorCode, message: str) -> None:
        for group in batched(indexes, PAGE, strict=False):
            failed = tuple(_failed(i, self.run.claims[i], code, message, self.now_ms()) for i in group)
            await self._commit(self.run.with_entries(failed), Changes(entries=failed))

    async def _end(self) -> HopEnd:
        now, run = self.now_ms(), self.run
        status = RunStatus.FAILED if self.halt and not run.completed else run.outcome()
        # a plan is generated or reviewed anew by who wants it, not by the schedule
        again = not run.type.of_plan and (run.retryable > 0 or not run.queued_all) and run.attempts < RUN_ATTEMPTS
        if self.halt and not self.halt[0].retryable:
            # a limit that somebody has set, or that the next run would reach too, is not for the schedule to pass
            again = False
        failed = run.error or f"{run.failed} of {run.total} items failed."
        error = self.halt[1] if self.halt else failed if run.failed else None
        ended = replace(
            leases.ended(run, status, now),
            phase=RunPhase.DONE if run.queued_all else run.phase,
            error=error,
            next_retry_at=now + retry_delay_ms(run.attempts) if again else None,
        )
        await self.ledger.finish(ended)
        self.ledger.log(f"The run ended: {status}, {run.completed} completed, {run.failed} failed.")
        if self.halt:
            self.worker.gave_up(*self.halt)
        return HopEnd.ENDED

    async def _hand_over(self) -> HopEnd:
        await self.ledger.release(self.run)
        try:
            await self.io(self.worker.invoke, self.run.id)
        except Transient as error:
            self.ledger.log(f"The next hop could not be triggered ({error}); the schedule will do it.", "WARNING")
            return HopEnd.NOT_CONTINUED
        return HopEnd.CONTINUED

    async def _commit(self, after: Run, changes: Changes | None = None) -> None:
        await self.ledger.commit(after, changes)


def _failed(index: int, claim: Claim | None, code: ErrorCode, message: str, now: int) -> JournalEntry:
    claim = claim or Claim(0)
    return JournalEntry(
        index=index,
        status=ItemStatus.FAILED,
        attempts=claim.attempts,
        usage=claim.usage,
        cost=claim.cost,
        started_at=claim.started_at,
        completed_at=now,
        error_code=code,
        error=message,
    )


def _with_durations(run: Run, finished: list[ItemResult]) -> Run:
    """The moving average and the slowest of the recent durations: what continuation and the time left rest on."""
    average, slowest = run.average_ms, run.slowest_ms
    for duration in (f.duration_ms for f in finished if f.result is not None):
        average = duration if not average else (average * 7 + duration) // 8
        # the slowest is forgotten slowly, so that one outlier does not shorten every hop to come
        slowest = max(duration, slowest * 15 // 16)
    return replace(run, average_ms=average, slowest_ms=slowest)


def _with_coverage(run: Run, finished: list[ItemResult]) -> Run:
    reports = [f.result.coverage for f in finished if isinstance(f.result, ItemOutcome) and f.result.coverage]
    return replace(run, stated=reports[-1].stated, covered=reports[-1].covered) if reports else run


def _as_found(result: ItemOutcome, target: ManifestEntry | None) -> ItemOutcome | ItemFailed:
    """What becomes of a result whose target is another than when it was asked about; None: it is gone."""
    if target is None:
        return ItemFailed(ErrorCode.TARGET_GONE, "It was deleted while the run was under way.")
    if result.analysis:
        return ItemFailed(ErrorCode.TARGET_CHANGED, "Its text was changed while it was analysed.")
    return replace(result, target=target)
