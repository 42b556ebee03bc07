"""Work loop of a hop.

One loop decides, saves and waits; the model calls run beside it as tasks. Only the loop writes, so results that arrive
during a commit go together into the next one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from groundwork.errors import LeaseLost, Transient
from groundwork.llm.port import Model, RateLimited, Usage
from groundwork.llm.rate_limit import Pace, PacedModel
from groundwork.runs import claims, leases
from groundwork.runs.call_pool import CallPool
from groundwork.runs.continuation import HopClock
from groundwork.runs.entry_cache import EntryCache
from groundwork.runs.handler import ItemOutcome, JobContext, RunHandler, RunScope
from groundwork.runs.model import ErrorCode, Run
from groundwork.runs.outcome import Halt
from groundwork.runs.packing import Batch, pack
from groundwork.runs.ports import InThread, ItemsConflict
from groundwork.runs.results import ItemResult
from groundwork.runs.selection import Unit
from groundwork.runs.writer import RunWriter

WATCH_MS = 1_500
"""Interval of the check for a cancelled run: users are promised two seconds."""


class WorkLoop:
    """Loop over one hop's items.

    `halt`: reason to give the run up; `cancelled_items`: number of items cut off.
    """

    def __init__(self, handler: RunHandler, scope: RunScope, writer: RunWriter, clock: HopClock, io: InThread) -> None:
        self.handler, self.scope, self.writer, self.clock, self.io = handler, scope, writer, clock, io
        self.cache = EntryCache(scope.store, io)
        self.unsaved: list[ItemResult] = []
        self.halt: Halt | None = None
        self.cancelled_items = 0

    @property
    def state(self) -> Run:
        """The run as last saved."""
        return self.writer.run

    async def run(self, model: Model, price: Callable[[str, Usage], int]) -> None:
        """Process items until all have ended, the time is up or the run must stop.

        Raises LeaseLost, Transient.
        """
        paced = PacedModel(
            model,
            Pace.named(self.state.options.pacing),
            self.clock.now_ms,
            self.clock.call_ms_left,
            on_slow_down=self._log_slow_down,
            permit=self.writer.permit,
        )
        scope = self.scope
        context = JobContext(
            self.state, scope.project_id, scope.backlog, scope.store, paced, self.io, self.clock.now_ms
        )
        pool = CallPool(self.handler, context, paced, price, self.clock.now_ms)
        # beside the loop: a slow commit must not delay the look for a cancel
        watch = asyncio.create_task(self._watch())
        try:
            while await self._step(pool, watch):
                pass
            await self._cancel_calls(pool)
        finally:
            watch.cancel()
            # after an error too: no call may go on without a lease
            await pool.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await paced.close()

    async def _step(self, pool: CallPool, watch: asyncio.Task[None]) -> bool:
        """Save the finished results with the next claims, start the calls, wait.

        Return False at the end.
        """
        self._check(pool, watch)
        await self.cache.prepare(self.state)
        self._collect(pool)
        batch = pack(self.unsaved)
        # each waiting result takes a slot: results must not pile up faster than they are saved
        slots = pool.free_slots - len(batch.waiting)
        after = claims.without_ended(self.state, batch.results)
        units = pool.next_units(after, self.cache.loaded, slots) if self._may_start(pool) else []
        await self._save(pool, units, batch)
        if self._is_drained(pool) or self.clock.call_ms_left() <= 0:
            return False
        if not self.unsaved:
            await self._wait(pool, watch)
        return True

    def _check(self, pool: CallPool, watch: asyncio.Task[None]) -> None:
        if pool.broken:
            raise pool.broken
        if watch.done():
            raise watch.exception() or LeaseLost
        if pool.fatal:
            self.halt = pool.fatal
        limit = self.state.options.max_cost_usd
        # calls in flight are not cut off, so they may exceed the limit by their own cost
        if limit is not None and self.state.cost >= limit * 1_000_000:
            self.halt = (ErrorCode.COST_LIMIT, f"The run has reached its limit of {limit} US dollars.")

    def _collect(self, pool: CallPool) -> None:
        self.unsaved += pool.finished
        pool.finished.clear()

    def _may_start(self, pool: CallPool) -> bool:
        if self.halt or pool.out_of_time:
            return False
        return self.clock.may_start(self.state.slowest_ms)

    async def _save(self, pool: CallPool, units: list[Unit], batch: Batch) -> None:
        """Commit the batch with the claims of the next units, then start these."""
        now, state = self.clock.now_ms(), self.state
        waiting = claims.without_ended(state, batch.results).claims
        started = {entry.index: claims.with_attempt(waiting.get(entry.index), now) for unit in units for entry in unit}
        heartbeat_due = now - self.writer.saved_at >= leases.RENEW_MS
        # any commit renews the lease: an empty one is made only when that is due
        if not batch.results and not started and not heartbeat_due:
            return
        entries = batch.changes.entries
        counted = claims.count_results(state, batch.results, entries, batch.waiting)
        counted = claims.with_item_error(counted, entries, self.handler.error_of_items)
        try:
            # before the calls: one without a saved claim could be made again by the next worker
            await self.writer.commit(
                claims.advance(counted, started, self.cache.loaded, pool.model.slots), batch.changes
            )
        # nothing was written, so the units stay unclaimed and the next round selects anew
        except ItemsConflict as conflict:
            await self._rebase(conflict)
            return
        self.unsaved = batch.waiting
        for unit in units:
            pool.start(unit, started)

    async def _rebase(self, conflict: ItemsConflict) -> None:
        """Derive the writes of conflicting items anew, from the backlog as it is now."""
        for position, finished in enumerate(self.unsaved):
            if finished.entry.index in conflict.indexes and isinstance(finished.result, ItemOutcome):
                scope = replace(self.scope, run=self.state)
                entry = await self.io(self.handler.current, scope, finished.entry)
                result = finished.result.rebase(entry)
                self.unsaved[position] = replace(finished, entry=entry or finished.entry, result=result)

    def _is_drained(self, pool: CallPool) -> bool:
        if pool.busy or pool.finished or self.unsaved:
            return False
        everything = self.state.ended >= self.state.total
        return everything or self.halt is not None or not self._may_start(pool)

    async def _wait(self, pool: CallPool, watch: asyncio.Task[None]) -> None:
        if pool.finished:
            return
        renew = self.writer.saved_at + leases.RENEW_MS - self.clock.now_ms()
        retry = pool.next_retry_in_ms(self.state)
        # calls in flight wake the loop when they end; a retry must do so only without any
        waits = [renew, self.clock.call_ms_left(), *([retry] if retry is not None and not pool.busy else [])]
        # an overdue retry must not turn this into a busy loop
        timeout = max(0.005, min(waits) / 1000)
        await asyncio.wait([*pool.tasks, watch], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    async def _watch(self) -> None:
        """Raises LeaseLost once the run was cancelled or taken over."""
        while True:
            await asyncio.sleep(WATCH_MS / 1000)
            try:
                is_holder = await self.writer.holds_lease()
            # one failed look proves nothing: permits expire by themselves meanwhile
            except Transient:
                continue
            if not is_holder:
                raise LeaseLost

    async def _cancel_calls(self, pool: CallPool) -> None:
        """End the calls in flight and save the rest. Their attempts count and their cost is billed."""
        await pool.cancel()
        # calls may have ended while the others were cancelled
        self._collect(pool)
        while self.unsaved:
            await self._save(pool, [], pack(self.unsaved))
        unfinished = pool.unfinished_claims()
        if not unfinished:
            return
        spent, state = pool.abandoned, self.state
        usage, cost = state.usage + spent.usage, state.cost + spent.cost
        await self.writer.commit(replace(state, claims=dict(state.claims) | unfinished, usage=usage, cost=cost))
        self.cancelled_items = len(unfinished)
        self.writer.log(f"{self.cancelled_items} items were still in flight at the end of the hop.", "WARNING")

    def _log_slow_down(self, refusal: RateLimited, pace: Pace) -> None:
        wait_s = max(0, pace.blocked_until_ms - self.clock.now_ms()) / 1000
        message = f"{type(refusal).__name__}: {pace.slots} calls at a time from now, the next in {wait_s:.1f} s."
        self.writer.log(message, "WARNING")
