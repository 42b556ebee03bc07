"""The single writer's side of a run: what is known of it, and how it is saved.

The ledger holds the run as it was last saved. Each commit takes the next state and the changes that go with it, and
either all of it is saved or nothing; a commit whose answer was lost is found again by its seq.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from groundwork.errors import LeaseLost, Transient
from groundwork.generation.backlog_handlers import ItemFailed, ItemOutcome
from groundwork.runs import leases
from groundwork.runs.call_pool import ItemResult
from groundwork.runs.model import ErrorCode, Run
from groundwork.runs.ports import Changes, InThread, LogLine, RunStore

TRIES = 6


class RunWriter:
    """Raises LeaseLost from every commit once somebody else holds the run or it has ended."""

    def __init__(self, store: RunStore, run: Run, io: InThread, now_ms: Callable[[], int]) -> None:
        self.store, self.run, self._io, self._now_ms = store, run, io, now_ms
        self._log: list[LogLine] = []
        self.saved_at = now_ms()
        self.known_at = 0
        """When a request was sent that found the run to be this holder's."""

    async def take(self, before: Run) -> None:
        """The first write of a hop: it is what takes the lease. Raises LeaseLost if another was faster."""
        sent_at = self._now_ms()
        await self._write(self.store.save, self.run, before, Changes())
        self.known_at = sent_at

    async def commit(self, after: Run, changes: Changes | None = None) -> None:
        """Saves the next state. Raises LeaseLost, ItemsConflict (nothing was written), Transient."""
        await self._commit(self.store.save, leases.renewed(after, self._now_ms()), changes or Changes())

    async def release(self, after: Run) -> None:
        await self._commit(self.store.save, leases.handed_over(after, self._now_ms()), Changes())

    async def finish(self, after: Run) -> None:
        await self._commit(self.store.finish, after, Changes())

    async def _commit(self, write: Callable[[Run, Run, Changes], None], after: Run, changes: Changes) -> None:
        before = self.run
        entries = tuple(replace(entry, seq=after.seq) for entry in changes.entries)
        sent_at = self._now_ms()
        await self._write(write, after, before, replace(changes, entries=entries))
        self.run = after
        self.saved_at, self.known_at = self._now_ms(), sent_at

    async def _write(
        self, write: Callable[[Run, Run, Changes], None], after: Run, before: Run, changes: Changes
    ) -> None:
        for attempt in range(TRIES):
            try:
                await self._io(write, after, before, changes)
                return
            except Transient:
                if await self._is_saved(after):
                    return
                if attempt == TRIES - 1:
                    raise
                await asyncio.sleep(0.05 * 2**attempt)
            except LeaseLost:
                # the answer to an earlier try may have been lost after it took effect
                if await self._is_saved(after):
                    return
                raise

    async def _is_saved(self, after: Run) -> bool:
        """Whether the row is this holder's at this seq: a cancel may, but to another status."""
        try:
            row: Run = await self._io(self.store.load, after.id)
        except Transient:
            return False
        return (row.status, row.lease, row.seq) == (after.status, after.lease, after.seq)

    async def still_mine(self) -> bool:
        """Raises Transient."""
        sent_at = self._now_ms()
        row: Run = await self._io(self.store.load, self.run.id)
        mine = row.status.active and row.lease.epoch == self.run.lease.epoch
        if mine:
            self.known_at = max(self.known_at, sent_at)
        return mine

    async def permit(self) -> None:
        """Whether a call may start: looks again where the last look is too old. Raises LeaseLost, Transient."""
        while self._now_ms() - self.known_at >= leases.PERMIT_MS:
            if not await self.still_mine():
                raise LeaseLost

    def log(self, message: str, level: str = "INFO", item: int | None = None) -> None:
        self._log.append(LogLine(self._now_ms(), level, message, item))

    async def flush_log(self) -> None:
        lines, self._log = self._log, []
        if lines:
            await self._io(self.store.log, self.run.id, lines)


MAX_ACTIONS = 96
"""Of a transaction's 100 actions: one is the run's row, the rest is kept for what a store adds."""

MAX_BYTES = 3_000_000
"""Of the 4 MB that a transaction may have: the rest is for names, keys, journal entries and the run's row."""


type Packed = tuple[list[ItemResult], Changes, list[ItemResult]]


def packed(finished: Sequence[ItemResult], project_id: str) -> Packed:
    """As many results as fit into one transaction, what they write, and the results that have to wait."""
    fitting: list[ItemResult] = []
    changes, size = Changes(), 0
    for position, result in enumerate(finished):
        result, own, weight = _weighed(result, project_id)
        both = _joined(changes, own)
        if fitting and (both.actions > MAX_ACTIONS or size + weight > MAX_BYTES):
            return fitting, changes, list(finished[position:])
        fitting.append(result)
        changes, size = both, size + weight
    return fitting, changes, []


def _weighed(finished: ItemResult, project_id: str) -> tuple[ItemResult, Changes, int]:
    """A result, its changes and their size in bytes; one that no transaction could take becomes a failure."""
    own = finished.result.changes(project_id) if isinstance(finished.result, ItemOutcome) else Changes()
    weight = sum(len(artifact.model_dump_json().encode()) for _, artifact in own.puts)
    weight += sum(write.weight for _, write in own.plans)
    # a card's text is there twice: in its row, and in the condition that it has not changed
    weight += sum(2 * len(text.encode()) for _, _, _, text in own.analyses)
    if own.actions + 1 > MAX_ACTIONS or weight > MAX_BYTES:
        message = f"Its {own.made} new and {len(own.deletes)} old rows are more than one transaction takes."
        finished, own = replace(finished, result=ItemFailed(ErrorCode.TOO_LARGE, message)), Changes()
    if finished.final:
        own = replace(own, entries=(finished.entry(own.made, len(own.deletes)),))
    return finished, own, weight


def _joined(one: Changes, other: Changes) -> Changes:
    return Changes(
        entries=one.entries + other.entries,
        puts=one.puts + other.puts,
        deletes=one.deletes + other.deletes,
        analyses=one.analyses + other.analyses,
        drafts=one.drafts + other.drafts,
        retired=one.retired + other.retired,
        plans=one.plans + other.plans,
        rest=other.rest if other.rest is not None else one.rest,
    )
