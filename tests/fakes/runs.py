"""The port RunStore in memory: the same refusals and the same all-or-nothing as on DynamoDB."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from groundwork.backlog.model import Artifact, CardAnalysis
from groundwork.backlog.writes import DeleteArtifact, PutArtifact, SetAnalysis
from groundwork.errors import IdempotencyKeyReused, LeaseLost, NotFound, NothingToRetry, RunAlreadyActive
from groundwork.generation.epics import EpicDraft
from groundwork.generation.registry import run_handlers
from groundwork.generation.writes import StoreDrafts
from groundwork.ids import Kind, path_of
from groundwork.runs.model import JournalEntry, ManifestEntry, Run, RunStatus, RunType
from groundwork.runs.ports import AlreadyStarted, Changes, Idempotency, ItemsConflict, RunLogLine, Write

HANDLERS = run_handlers()


def project_of(run_id: str) -> str:
    path = path_of(Kind.RUN, run_id)
    if path is None:
        raise NotFound.of("run", run_id)
    return path.project_id


def path_number(run_id: str) -> int:
    return int(run_id.rpartition("-R")[2])


@dataclass
class MemoryRuns:
    """Runs in memory.

    `projects`: counts of each project. `artifacts` and `analyses`: written by commits.
    """

    projects: dict[str, dict[str, int]] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    analyses: dict[str, CardAnalysis] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _runs: dict[str, Run] = field(default_factory=dict)
    _locks: dict[tuple[str, RunType], Run] = field(default_factory=dict)
    _keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _retries: dict[str, int] = field(default_factory=dict)
    _retried: dict[str, str] = field(default_factory=dict)
    _lines: dict[str, list[ManifestEntry]] = field(default_factory=dict)
    _journal: dict[str, list[JournalEntry]] = field(default_factory=dict)
    _drafts: dict[str, dict[int, tuple[EpicDraft, ...]]] = field(default_factory=dict)
    _selections: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    _logs: dict[str, list[RunLogLine]] = field(default_factory=dict)

    def next_number(self, project_id: str) -> int:
        if project_id not in self.projects:
            raise NotFound.of("project", project_id)
        self._numbers[project_id] = self._numbers.get(project_id, 0) + 1
        return self._numbers[project_id]

    def find_by_key(self, project_id: str, idempotency: Idempotency) -> str | None:
        run_id, fingerprint = self._keys.get((project_id, idempotency.key), (None, ""))
        if run_id and fingerprint != idempotency.fingerprint:
            raise IdempotencyKeyReused
        return run_id

    def start(
        self,
        run: Run,
        selection: Sequence[tuple[int, ...]],
        idempotency: Idempotency | None,
        writes: Sequence[Write] = (),
    ) -> None:
        project_id = project_of(run.id)
        if idempotency and (earlier := self.find_by_key(project_id, idempotency)):
            raise AlreadyStarted(earlier)
        if project_id not in self.projects:
            raise NotFound.of("project", project_id)
        self._keep_apart(project_id, run)
        if run.retry_of:
            given = self._retried.get(run.retry_of)
            if given and self.load(given).status is not RunStatus.CANCELLED:
                raise NothingToRetry
            self._retried[run.retry_of] = run.id
            self._retries.pop(run.retry_of, None)
        self._locks[project_id, run.type] = run
        self._runs[run.id] = run
        self._selections[run.id] = list(selection)
        if idempotency:
            self._keys[project_id, idempotency.key] = (run.id, idempotency.fingerprint)

    def _keep_apart(self, project_id: str, run: Run) -> None:
        affected = [handler.type for handler in HANDLERS.building_on(run.type)] if run.options.replaces else []
        for type_ in [run.type, *affected]:
            if holder := self._locks.get((project_id, type_)):
                raise RunAlreadyActive(holder.id)
        for type_ in HANDLERS[run.type].builds_on:
            holder = self._locks.get((project_id, type_))
            if holder and holder.options.replaces:
                raise RunAlreadyActive(holder.id)

    def load(self, run_id: str) -> Run:
        if run_id not in self._runs:
            raise NotFound.of("run", run_id)
        return self._runs[run_id]

    def save(self, run: Run, before: Run, changes: Changes) -> None:
        now = self.load(run.id)
        if not now.status.active or (now.lease.epoch, now.seq) != (before.lease.epoch, before.seq):
            raise LeaseLost
        conflicts = [write.index or 0 for write in changes.writes if self._is_in_conflict(write)]
        if conflicts:
            raise ItemsConflict(conflicts)
        self._runs[run.id] = run
        for write in changes.writes:
            self._apply(run, write)
        self._lines.setdefault(run.id, []).extend(changes.manifest)
        self._journal.setdefault(run.id, []).extend(changes.entries)

    def _is_in_conflict(self, write: Write) -> bool:
        if isinstance(write, PutArtifact):
            return write.artifact.id in self.artifacts
        return isinstance(write, DeleteArtifact) and str(write.path) not in self.artifacts

    def _apply(self, run: Run, write: Write) -> None:
        match write:
            case PutArtifact():
                self.artifacts[write.artifact.id] = write.artifact
            case DeleteArtifact():
                del self.artifacts[str(write.path)]
            case SetAnalysis():
                self.analyses[str(write.card)] = write.analysis
            case StoreDrafts():
                self._drafts.setdefault(run.id, {})[write.index] = write.drafts

    def finish(self, run: Run, before: Run, changes: Changes) -> None:
        self.save(run, before, changes)
        project_id = project_of(run.id)
        del self._locks[project_id, run.type]
        if counted := HANDLERS[run.type].counts:
            self.projects[project_id][counted] += run.created - run.deleted
        if run.next_retry_at:
            self._retries[run.id] = run.next_retry_at

    def manifest(self, run_id: str, start: int, stop: int) -> list[ManifestEntry]:
        return [target for target in self._lines.get(run_id, []) if start <= target.index < stop]

    def journal(self, run_id: str, after: int = 0) -> Iterator[JournalEntry]:
        return (entry for entry in self._journal.get(run_id, []) if entry.seq > after)

    def selection(self, run_id: str) -> list[tuple[int, ...]]:
        return self._selections.get(run_id, [])

    def drafts(self, run_id: str) -> list[EpicDraft]:
        by_item = self._drafts.get(run_id, {})
        return [draft for index in sorted(by_item) for draft in by_item[index]]

    def append_log(self, run_id: str, lines: Sequence[RunLogLine]) -> None:
        self._logs.setdefault(run_id, []).extend(lines)

    def set_phase_detail(self, run_id: str, message: str) -> None:
        """The reason is for people; the fake has none to show it to."""

    def active_ids(self) -> list[str]:
        return [run.id for run in self._runs.values() if run.status.active]

    def due_for_retry(self, now: int) -> list[str]:
        return [run_id for run_id, at in self._retries.items() if at <= now]

    def clear_retry(self, run_id: str) -> None:
        self._retries.pop(run_id, None)

    def runs_after(self, run_id: str) -> list[Run]:
        of_project = [run for run in self._runs.values() if project_of(run.id) == project_of(run_id)]
        return [run for run in of_project if path_number(run.id) > path_number(run_id)]

    def active_by_type(self, project_id: str) -> dict[RunType, str]:
        return {type_: run.id for (project, type_), run in self._locks.items() if project == project_id}
