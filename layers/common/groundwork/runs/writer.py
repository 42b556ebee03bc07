"""The single writer of a run.

The writer holds the run as last saved. Each commit takes the next state with its changes and saves all or nothing. If
the answer of a commit is lost, the run's seq shows whether it took effect.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from groundwork.clock import backoff
from groundwork.errors import LeaseLost, Transient
from groundwork.runs import leases
from groundwork.runs.model import Run
from groundwork.runs.ports import Changes, InThread, RunLogLine, RunStore

# the pauses add up to at most 3.1 s, little beside a lease
MAX_TRIES = 6
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 2.0


class RunWriter:
    """Commits raise LeaseLost once another worker holds the run or it has ended."""

    def __init__(self, store: RunStore, run: Run, io: InThread, now_ms: Callable[[], int]) -> None:
        self.store, self.run, self._io, self._now_ms = store, run, io, now_ms
        self._log: list[RunLogLine] = []
        self.saved_at = now_ms()
        self.known_at = 0
        """Time of the last request, as sent, to confirm the lease."""

    async def take(self, before: Run) -> None:
        """Take the lease with the first write of a hop.

        Raises LeaseLost if another worker was faster.
        """
        sent_at = self._now_ms()
        await self._write(self.store.save, self.run, before, Changes())
        self.known_at = sent_at

    async def commit(self, after: Run, changes: Changes | None = None) -> None:
        """Save the next state. Raises LeaseLost, ItemsConflict (nothing was written), Transient."""
        await self._commit(self.store.save, leases.renew(after, self._now_ms()), changes or Changes())

    async def release(self, after: Run) -> None:
        await self._commit(self.store.save, leases.hand_over(after, self._now_ms()), Changes())

    async def finish(self, after: Run) -> None:
        await self._commit(self.store.finish, after, Changes())

    async def _commit(self, write: Callable[[Run, Run, Changes], None], after: Run, changes: Changes) -> None:
        before = self.run
        # a poll with `since` finds changed items by this seq
        entries = tuple(replace(entry, seq=after.seq) for entry in changes.entries)
        # the time of sending: a cancel may have gone in between the write and its answer
        sent_at = self._now_ms()
        await self._write(write, after, before, replace(changes, entries=entries))
        self.run = after
        self.saved_at, self.known_at = self._now_ms(), sent_at

    async def _write(
        self, write: Callable[[Run, Run, Changes], None], after: Run, before: Run, changes: Changes
    ) -> None:
        for attempt in range(MAX_TRIES):
            try:
                await self._io(write, after, before, changes)
                return
            except Transient:
                # an error says nothing about the effect: the write may have succeeded
                if await self._is_saved(after):
                    return
                if attempt == MAX_TRIES - 1:
                    raise
                await asyncio.sleep(backoff(attempt, FIRST_PAUSE_S, MAX_PAUSE_S))
            except LeaseLost:
                # an earlier try may have taken effect, its answer lost
                if await self._is_saved(after):
                    return
                raise

    async def _is_saved(self, after: Run) -> bool:
        """Return True if the row is at this state.

        A cancel may write the same seq, but another status.
        """
        try:
            row: Run = await self._io(self.store.load, after.id)
        except Transient:
            # unknown counts as not saved: the next try is conditional, so it cannot write twice
            return False
        return (row.status, row.lease, row.seq) == (after.status, after.lease, after.seq)

    async def holds_lease(self) -> bool:
        """Raises Transient."""
        sent_at = self._now_ms()
        row: Run = await self._io(self.store.load, self.run.id)
        is_holder = row.status.active and row.lease.epoch == self.run.lease.epoch
        if is_holder:
            # a commit may have confirmed the lease during this read
            self.known_at = max(self.known_at, sent_at)
        return is_holder

    async def permit(self) -> None:
        """Return once a call may start; read the row if the last look is too old.

        Raises LeaseLost, Transient.
        """
        # a loop: a slow answer may be too old again when it arrives
        while self._now_ms() - self.known_at >= leases.PERMIT_MS:
            if not await self.holds_lease():
                raise LeaseLost

    def log(self, message: str, level: str = "INFO", item: int | None = None) -> None:
        self._log.append(RunLogLine(self._now_ms(), level, message, item))

    async def flush_log(self) -> None:
        lines, self._log = self._log, []
        if lines:
            await self._io(self.store.append_log, self.run.id, lines)
