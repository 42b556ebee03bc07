"""Start of a run: check the request, count the items, write the run, trigger its first hop."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Annotated, Protocol

from pydantic import Field

from groundwork.backlog.model import Counts, Value
from groundwork.errors import Invalid, NotFound, NothingToDo, NothingToRetry, Transient
from groundwork.ids import Kind, Path, path_of
from groundwork.runs import leases
from groundwork.runs.handler import RunHandlers, StartScope
from groundwork.runs.manifest import PAGE, manifest_entries
from groundwork.runs.model import Lease, Run, RunOptions, RunStatus, RunType
from groundwork.runs.ports import AlreadyStarted, BacklogReader, Idempotency, Invoker, RunStore

# the selection is stored as one row, and DynamoDB takes at most 400 KB
MAX_SELECTED_ITEMS = 1_000
MAX_PROBED_ITEMS = 2_000
"""Items searched for one with work to do before a run is accepted."""


class RunRequest(Value):
    """The body of POST .../runs. `itemIds` names cards, epics or stories, by the run's type."""

    type: RunType
    options: RunOptions = RunOptions()
    epic_id: str | None = None
    item_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED_ITEMS)] | None = None

    def fingerprint(self) -> str:
        """Return a hash of the request's content, independent of its formatting."""
        body = self.model_dump(mode="json", by_alias=True)
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class ProjectCounts(Protocol):
    def __call__(self, project_id: str) -> Counts:
        """Return the project's exact counts. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class StartedRun:
    run_id: str
    type: RunType
    status: RunStatus
    total: int


@dataclass(slots=True)
class Starter:
    """Dependencies of a start.

    `ai_and_model` resolves the requested model to (AI, model) or raises Invalid.
    """

    store: RunStore
    backlog: BacklogReader
    handlers: RunHandlers
    counts: ProjectCounts
    invoke: Invoker
    now_ms: Callable[[], int]
    ai_and_model: Callable[[str | None], tuple[str, str]]

    def start(self, project_id: str, request: RunRequest, key: str | None = None) -> StartedRun:
        """Raises NotFound, Invalid, NothingToDo, RunAlreadyActive, IdempotencyKeyReused."""
        idempotency = Idempotency(key, request.fingerprint()) if key else None
        # before the checks: the first request's run may have left nothing to do
        if idempotency and (earlier := self.store.find_by_key(project_id, idempotency)):
            return self._started(self.store.load(earlier))
        run, selection = self.draft(project_id, request)
        self._check_something_to_do(project_id, run, selection)
        # a refused start leaves a gap; a number is never used twice
        number = self.store.next_number(project_id)
        run = replace(run, id=str(Path(Kind.RUN, project_id, (number,))))
        try:
            self.store.start(run, selection, idempotency)
        # the same request arrived twice at once, and the other was first
        except AlreadyStarted as earlier_run:
            return self._started(self.store.load(earlier_run.run_id))
        self.trigger(run.id)
        return self._started(run)

    def draft(self, project_id: str, request: RunRequest) -> tuple[Run, list[tuple[int, ...]]]:
        """Return the run as it would start, with its number of items, and the selection.

        Raises Invalid, NotFound.
        """
        handler = self.handlers[request.type]
        if handler.start_refusal:
            raise Invalid.field("type", handler.start_refusal)
        counts = self.counts(project_id)
        epic = self._epic(project_id, request)
        selection = self._selection(project_id, request)
        now = self.now_ms()
        ai, model = self.ai_and_model(request.options.model)
        run = Run(
            # a placeholder: an estimate must not use up a number
            id=str(Path(Kind.RUN, project_id, (1,))),
            type=request.type,
            created_at=now,
            options=request.options,
            ai=ai,
            model=model,
            total=handler.count_items(StartScope(project_id, counts, self.backlog, epic, selection)),
            epic=epic,
            selected=bool(selection),
            # the sweep treats the run as stale if no worker has taken it by then
            lease=Lease(0, None, now + leases.TRIGGER_MS),
        )
        return run, selection

    def retry(self, run_id: str, automatic: bool = False) -> StartedRun:
        """Start a new run of the failed items. Raises NotFound, NothingToRetry, RunAlreadyActive."""
        earlier = self.store.load(run_id)
        if earlier.status.active:
            raise NothingToRetry("The run is still active; cancel it or wait for its end.")
        handler = self.handlers[earlier.type]
        if handler.retry_refusal:
            raise NothingToRetry(handler.retry_refusal)
        # people may retry permanent failures once they have removed the cause
        failed = earlier.retryable if automatic else earlier.failed
        if not failed and not earlier.given_up_unqueued:
            raise NothingToRetry
        if automatic and any(_supersedes(run, earlier) for run in self.store.runs_after(run_id)):
            raise NothingToRetry("A later run of this type covers all items of this run.")
        path = path_of(Kind.RUN, run_id)
        if path is None:
            raise NotFound.of("run", run_id)
        now = self.now_ms()
        new_run = Run(
            id=str(Path(Kind.RUN, path.project_id, (self.store.next_number(path.project_id),))),
            type=earlier.type,
            created_at=now,
            # a retry keeps the model of its run, even if the default has changed since
            options=earlier.options,
            ai=earlier.ai,
            model=earlier.model,
            total=earlier.total if earlier.given_up_unqueued else handler.retried_total(earlier),
            attempts=earlier.attempts + 1,
            retry_of=run_id,
            lease=Lease(0, None, now + leases.TRIGGER_MS),
        )
        # no selection: the items come from the earlier run
        self.store.start(new_run, [], None)
        self.trigger(new_run.id)
        return self._started(new_run)

    def trigger(self, run_id: str) -> None:
        """Invoke the worker asynchronously.

        On failure the run stays QUEUED with the reason, for the schedule.
        """
        try:
            self.invoke(run_id)
        except Transient as error:
            self.store.set_phase_detail(
                run_id, f"The worker could not be triggered ({error}); the sweep will trigger it."
            )

    def _started(self, run: Run) -> StartedRun:
        # a repeated request gets the answer of the first one, even if the run has progressed since
        return StartedRun(run.id, run.type, RunStatus.QUEUED, run.total)

    def _epic(self, project_id: str, request: RunRequest) -> int | None:
        if request.epic_id is None:
            return None
        if not self.handlers[request.type].within_epic:
            raise Invalid.field("epicId", f"cannot be combined with {request.type.value}")
        path = path_of(Kind.EPIC, request.epic_id)
        if path is None or path.project_id != project_id or not self.backlog.epics(project_id, [path.number]):
            raise Invalid.field("epicId", "is not an epic of this project")
        return path.number

    def _selection(self, project_id: str, request: RunRequest) -> list[tuple[int, ...]]:
        kind = self.handlers[request.type].selects
        if kind is None:
            if request.item_ids:
                raise Invalid.field("itemIds", f"cannot be combined with {request.type.value}")
            return []
        paths = [path_of(kind, id_) for id_ in request.item_ids or ()]
        problems = [
            {"field": f"itemIds[{position}]", "message": f"names no {kind.name.lower()} of this project"}
            for position, path in enumerate(paths)
            if path is None or path.project_id != project_id
        ]
        if problems:
            raise Invalid(problems)
        found = [path for path in paths if path]
        there = {path.numbers for path in self.backlog.existing(found)}
        problems = [
            {"field": f"itemIds[{position}]", "message": f"names no {kind.name.lower()} of this project"}
            for position, path in enumerate(found)
            if path.numbers not in there
        ]
        if problems:
            raise Invalid(problems)
        # a repeated id would become two items that write to one target
        return list(dict.fromkeys(path.numbers for path in found))

    def _check_something_to_do(self, project_id: str, run: Run, selection: Sequence[tuple[int, ...]]) -> None:
        if run.total == 0:
            raise NothingToDo
        lines = manifest_entries(self.handlers[run.type], run, project_id, self.backlog, self.store, selection)
        # most runs have work on the first page; all pages would take too long for a request
        probed = list(islice(lines, PAGE))
        first_page_idle = all(target.skipped for target in probed)
        if first_page_idle and len(probed) == PAGE:
            rest = islice(lines, MAX_PROBED_ITEMS)
            probed = list(chain(probed, rest))
        # beyond the search the run starts, and may skip all its items
        if len(probed) <= MAX_PROBED_ITEMS and all(target.skipped for target in probed):
            raise NothingToDo


def _supersedes(later: Run, run: Run) -> bool:
    """Return True if a user has since started a run over all items of this one."""
    by_itself = later.retry_of is None and later.status is not RunStatus.CANCELLED and not later.selected
    return later.type is run.type and by_itself and later.epic in (None, run.epic)
