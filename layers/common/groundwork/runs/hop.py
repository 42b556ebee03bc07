"""One hop of a run: take the lease, queue the items, process them in time, hand over."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import batched, islice

from groundwork.errors import LeaseLost, Transient
from groundwork.ids import Kind, path_of
from groundwork.llm.port import Model, NoModel, Usage
from groundwork.runs import claims, continuation, leases
from groundwork.runs.continuation import HopClock
from groundwork.runs.handler import ItemFailed, QueueingStopped, RunHandlers, RunScope
from groundwork.runs.manifest import PAGE, manifest_entries
from groundwork.runs.model import ErrorCode, JournalEntry, ManifestEntry, Run, RunPhase
from groundwork.runs.outcome import Halt, end_run
from groundwork.runs.ports import BacklogReader, Changes, InThread, Invoker, RunStore
from groundwork.runs.results import abandoned_entry
from groundwork.runs.work_loop import WorkLoop
from groundwork.runs.writer import RunWriter


class HopEnd(StrEnum):
    """How a hop ended."""

    NOT_TAKEN = "not_taken"
    LEASE_LOST = "lease_lost"
    CONTINUED = "continued"
    NOT_CONTINUED = "not_continued"
    ENDED = "ended"


@dataclass(slots=True)
class HopRunner:
    """Dependencies of a hop.

    `left_ms` returns the time left of this invocation; `request_id` is that of its event.
    """

    store: RunStore
    backlog: BacklogReader
    handlers: RunHandlers
    model_for: Callable[[Run], Model]
    price: Callable[[str, Usage], int]
    invoke: Invoker
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]
    request_id: str
    io: InThread = asyncio.to_thread
    on_give_up: Callable[[ErrorCode, str], None] = lambda code, reason: None
    """Called when a run ends before its items had their turn: an operator should look at it."""

    async def hop(self, run_id: str) -> HopEnd:
        """Raises Transient if the tables cannot be reached, so that Lambda tries again."""
        run: Run = await self.io(self.store.load, run_id)
        # a second delivery of one event ends here, as does a late one
        if not leases.may_take(run, self.now_ms()):
            return HopEnd.NOT_TAKEN
        taken = leases.acquire(run, leases.invocation_id(self.request_id), self.now_ms())
        writer = RunWriter(self.store, taken, self.io, self.now_ms)
        try:
            await writer.take(run)
            return await Hop(self, writer).run()
        except LeaseLost:
            return HopEnd.LEASE_LOST
        finally:
            with suppress(Transient):
                # the run itself is saved: lost log lines do not justify another delivery of the event
                await writer.flush_log()


class Hop:
    """One hop, with the lease taken."""

    def __init__(self, runner: HopRunner, writer: RunWriter) -> None:
        self.runner, self.writer = runner, writer
        self.handler = runner.handlers[writer.run.type]
        self.io, self.now_ms = runner.io, runner.now_ms
        self.clock = HopClock(runner.now_ms, runner.left_ms, runner.left_ms())
        path = path_of(Kind.RUN, writer.run.id)
        assert path is not None
        # for the run of a plan this is the plan's id
        self.project_id = path.project_id
        self.halt: Halt | None = None
        self.queueing_stopped = False

    @property
    def state(self) -> Run:
        """The run as last saved."""
        return self.writer.run

    @property
    def _all_ended(self) -> bool:
        return self.state.queued_all and self.state.ended >= self.state.total

    async def run(self) -> HopEnd:
        self.writer.log(f"Hop {self.state.hops} started.")
        # first of all: selection would start these items a fourth time
        await self._fail_exhausted(ErrorCode.WORKER_LOST, "The worker was lost on each attempt at this item.")
        if self._all_ended:
            self.halt = await self._recorded_halt()
            return await self._end()
        self.halt = continuation.give_up_reason(self.state)
        if not self.halt and not await self._queue():
            return await self._hand_over()
        if not self.halt:
            await self._process()
        if self._all_ended:
            # the halt came too late to keep any item from its turn
            self.halt = None
        if self.halt:
            await self._fail_rest(*self.halt)
        return await self._end() if self._all_ended or self.halt else await self._hand_over()

    async def _recorded_halt(self) -> Halt | None:
        """Return the halt recorded in the items: a worker was lost between the last one and the end."""
        if not self.state.failed:
            return None
        entries = await self.io(lambda: list(self.runner.store.journal(self.state.id)))
        stops = [(e.error_code, e.error or e.error_code.value) for e in entries if e.error_code and e.error_code.stops]
        return stops[-1] if stops else None

    async def _queue(self) -> bool:
        """Write the manifest, a page a commit. Return False if the time was up before the end."""
        if self.state.queued_all:
            return True
        await self._commit(replace(self.state, phase=RunPhase.QUEUEING))
        try:
            if not await self._queue_pages():
                return False
        except QueueingStopped:
            return False
        except ItemFailed as failure:
            self.halt = (failure.code, str(failure))
            return True
        # fewer than counted at the start if something was deleted since
        await self._commit(replace(self.state, total=self.state.queued, phase=RunPhase.GENERATING))
        self.writer.log(f"{self.state.total} items queued, {self.state.skipped} of them skipped.")
        return True

    async def _queue_pages(self) -> bool:
        runner = self.runner
        lines = manifest_entries(
            self.handler,
            self.state,
            self.project_id,
            runner.backlog,
            runner.store,
            may_continue=lambda: not (self.queueing_stopped or self.clock.must_hand_over()),
        )
        while page := await self._next_page(lines):
            if self.clock.must_hand_over():
                return False
            skipped = sum(entry.skipped for entry in page)
            queued = replace(self.state, queued=self.state.queued + len(page), skipped=self.state.skipped + skipped)
            # the total was counted at the start; the backlog may have grown since
            await self._commit(replace(queued, total=max(queued.total, queued.queued)), Changes(manifest=page))
        return True

    async def _next_page(self, lines: Iterator[ManifestEntry]) -> tuple[ManifestEntry, ...]:
        """Return the next page. Renews the lease meanwhile: a file may take minutes to be inspected."""
        # the iterator reads tables, so it advances off the event loop
        reading = asyncio.ensure_future(self.io(lambda: tuple(islice(lines, PAGE))))
        try:
            while not (await asyncio.wait({reading}, timeout=leases.RENEW_MS / 1000))[0]:
                await self._commit(self.state)
        except BaseException:
            # a thread cannot be cancelled: it looks at this flag
            self.queueing_stopped = True
            await asyncio.gather(reading, return_exceptions=True)
            raise
        page: tuple[ManifestEntry, ...] = reading.result()
        return page

    async def _process(self) -> None:
        runner = self.runner
        scope = RunScope(self.state, self.project_id, runner.backlog, runner.store)
        loop = WorkLoop(self.handler, scope, self.writer, self.clock, self.io)
        model = runner.model_for(self.state) if self.handler.calls_model else NoModel()
        await loop.run(model, runner.price)
        self.halt = loop.halt
        if loop.cancelled_items:
            # now: the next hop would take these items for victims of a lost worker
            message = "The item needed longer than a hop on each attempt."
            await self._fail_exhausted(ErrorCode.TIMED_OUT, message)

    async def _fail_exhausted(self, code: ErrorCode, message: str) -> None:
        await self._fail(claims.exhausted(self.state), code, message)

    async def _fail_rest(self, code: ErrorCode, message: str) -> None:
        """Fail all items left, with the reason for the end of the run."""
        await self._fail(sorted(self.state.claims), code, message)
        while self.state.cursor < self.state.queued:
            start, stop = self.state.cursor, min(self.state.cursor + PAGE, self.state.queued)
            page = await self.io(self.runner.store.manifest, self.state.id, start, stop)
            failed = [
                abandoned_entry(entry.index, None, code, message, self.now_ms()) for entry in page if not entry.skipped
            ]
            cursor = page[-1].index + 1 if page else self.state.queued
            # cursor and failures in one commit: a lost worker leaves no item failed twice or left out
            await self._commit(replace(self.with_entries(failed), cursor=cursor), Changes(entries=tuple(failed)))
        self.writer.log(message, "ERROR")

    async def _fail(self, indexes: list[int], code: ErrorCode, message: str) -> None:
        # the entries of a commit share one row, and a DynamoDB row holds at most 400 KB
        for group in batched(indexes, PAGE, strict=False):
            now = self.now_ms()
            failed = [abandoned_entry(index, self.state.claims[index], code, message, now) for index in group]
            await self._commit(self.with_entries(failed), Changes(entries=tuple(failed)))

    def with_entries(self, entries: Sequence[JournalEntry]) -> Run:
        return claims.with_item_error(self.state.with_entries(entries), entries, self.handler.error_of_items)

    async def _end(self) -> HopEnd:
        run = self.state
        await self.writer.finish(end_run(run, self.halt, self.handler.retried_by_schedule, self.now_ms()))
        status = self.state.status
        self.writer.log(f"The run ended: {status}, {run.completed} completed, {run.failed} failed.")
        if self.halt and not self.halt[0].of_input:
            # after the commit: only the worker that really ended the run reports it
            self.runner.on_give_up(*self.halt)
        return HopEnd.ENDED

    async def _hand_over(self) -> HopEnd:
        # before the invoke: the next hop takes only a free run
        await self.writer.release(self.state)
        try:
            await self.io(self.runner.invoke, self.state.id)
        except Transient as error:
            self.writer.log(f"The next hop could not be triggered ({error}); the sweep will trigger it.", "WARNING")
            return HopEnd.NOT_CONTINUED
        return HopEnd.CONTINUED

    async def _commit(self, after: Run, changes: Changes | None = None) -> None:
        await self.writer.commit(after, changes)
