"""Cache of the manifest entries of a hop, loaded by pages."""

from groundwork.runs import claims
from groundwork.runs.manifest import PAGE
from groundwork.runs.model import ManifestEntry, Run
from groundwork.runs.ports import InThread, RunStore


class EntryCache:
    """`loaded` holds entries by index."""

    def __init__(self, store: RunStore, io: InThread) -> None:
        self._store, self._io = store, io
        self.loaded: dict[int, ManifestEntry] = {}

    async def prepare(self, run: Run) -> None:
        """Load the entries of waiting items and of the next ones."""
        # items left waiting by an earlier hop may lie on any page below the cursor
        wanted = [index for index, claim in run.claims.items() if not claim.active]
        # half a page ahead: a batch ends at the first entry not loaded, so the next page comes early
        wanted += [index for index in (run.cursor, run.cursor + PAGE // 2) if index < run.total]
        await self._load(run.id, {index // PAGE for index in wanted if index not in self.loaded})
        # the next item may follow whole pages of skipped ones
        while run.ended + len(run.claims) < run.total and (ahead := self._next(run)) < run.total:
            if ahead in self.loaded:
                return
            await self._load(run.id, {ahead // PAGE})

    def _next(self, run: Run) -> int:
        return claims.next_unskipped(run, self.loaded)

    async def _load(self, run_id: str, pages: set[int]) -> None:
        for page in pages:
            entries = await self._io(self._store.manifest, run_id, page * PAGE, (page + 1) * PAGE)
            self.loaded |= {entry.index: entry for entry in entries}
