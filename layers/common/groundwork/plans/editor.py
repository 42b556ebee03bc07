"""Edit plans: read, change, validate, and commit the next version with optimistic locking.

Every change not made by the model goes through `Editor.change`. So each change has an iteration, is valid as a whole,
and never overwrites a version its author has not seen.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.backlog.model import BY_PERSON, MadeBy, rfc3339
from groundwork.clock import backoff
from groundwork.errors import Invalid, NotFound, Transient
from groundwork.ids import Kind, Path, new_plan_id
from groundwork.plans.errors import PlanNotEditable, VersionConflict
from groundwork.plans.history import Change, Iteration, IterationKind, change_fields, compare, restore, summary_of
from groundwork.plans.links import StoryReader, check_linked
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.operations import Operation, apply
from groundwork.plans.ports import PlanStore
from groundwork.plans.validation import check

MAX_ATTEMPTS = 12
"""Attempts of an edit without an expected version; each starts from the latest version."""

ExpectedVersions = Collection[int] | None
"""Versions the author has seen (If-Match); None accepts any version."""


@dataclass(frozen=True, slots=True)
class ChangeMetadata:
    """Fields of an iteration besides the changes.

    `summary` None is made from the changes. `sets_status`: the author sets the status. Otherwise a change turns a READY
    plan back into a DRAFT. `made_by` is the origin of the new content: the model for suggestions.
    """

    kind: IterationKind = IterationKind.EDITED
    summary: str | None = None
    extra_fields: dict[str, Any] = field(default_factory=dict)
    sets_status: bool = False
    made_by: MadeBy = BY_PERSON


@dataclass(slots=True)
class Editor:
    """Commits edits in the name of `actor`.

    `sleep` takes seconds. `on_edit_during_execution` is called with the plan's id.
    """

    store: PlanStore
    backlog: StoryReader
    now_ms: Callable[[], int]
    actor: str
    sleep: Callable[[float], None] = time.sleep
    on_edit_during_execution: Callable[[str], None] = lambda plan_id: None

    def create(self, draft: Callable[[str, str], Plan], summary: str = "Created by hand") -> Plan:
        """Create a plan; `draft` builds it from its id and the time. Raises InvalidPlan, Invalid."""
        now = rfc3339(self.now_ms())
        plan = check(draft(new_plan_id(), now)).changed(version=1)
        self._check_references(None, plan)
        iteration = Iteration(
            id=str(Path(Kind.ITERATION, plan.id, (1,))),
            plan_id=plan.id,
            number=1,
            kind=IterationKind.CREATED,
            actor=self.actor,
            summary=summary,
            from_version=0,
            version=1,
            created_at=now,
            made_by=BY_PERSON,
            **change_fields(compare(plan.changed(phases=()), plan)),
        )
        try:
            self.store.create(plan, iteration)
        except NotFound as missing:
            raise Invalid.field("repositoryId", str(missing)) from None
        return plan

    def edit(
        self,
        plan_id: str,
        operations: Sequence[Operation] | Callable[[Plan], Sequence[Operation]],
        expected: ExpectedVersions = None,
        status: PlanStatus | None = None,
    ) -> Plan:
        """Apply all operations, or none.

        A callable gets the current plan and returns the operations. `status` READY marks a complete plan as ready to
        run, DRAFT reverts that. Raises the errors of `change`, HasDependents, NotFound.
        """

        def make(plan: Plan) -> Plan:
            for operation in operations(plan) if callable(operations) else operations:
                plan = apply(plan, operation)
            return plan if status is None else _with_status(plan, status)

        only_marked = status is not None and not operations
        summary = f"Marked as {status.value}" if status and only_marked else None
        return self.change(plan_id, make, expected, ChangeMetadata(summary=summary, sets_status=status is not None))

    def restore(self, plan_id: str, version: int, expected: ExpectedVersions = None) -> Plan:
        """Commit the content of an earlier version as a new version."""
        earlier = self.store.at_version(plan_id, version)
        metadata = ChangeMetadata(IterationKind.RESTORED, f"Restored version {version}", {"restored_version": version})
        return self.change(plan_id, lambda plan: restore(plan, earlier), expected, metadata)

    def change(
        self,
        plan_id: str,
        make: Callable[[Plan], Plan],
        expected: ExpectedVersions = None,
        metadata: ChangeMetadata | None = None,
    ) -> Plan:
        """Commit the plan returned by `make`; return it unchanged if nothing changes.

        Raises VersionConflict, PlanNotEditable, TaskAlreadyStarted, InvalidPlan, Invalid, Transient, and the errors of
        `make`.
        """
        after = self._change(plan_id, make, expected, metadata)
        # an edit may remove the last obstacle of a waiting task: its gate must be looked at again
        if after.status.executing:
            self.on_edit_during_execution(plan_id)
        return after

    def _change(
        self, plan_id: str, make: Callable[[Plan], Plan], expected: ExpectedVersions, metadata: ChangeMetadata | None
    ) -> Plan:
        """Retry on conflicts. After an unclear answer, look for our own commit before trying again."""
        metadata, number = metadata or ChangeMetadata(), None
        fault: VersionConflict | Transient | None = None
        for attempt in range(MAX_ATTEMPTS):
            # a conflict is a clear no: only an unclear answer can hide our own commit
            if number and isinstance(fault, Transient) and (done := self._find_committed(plan_id, number)):
                return done
            before = self._load_editable(plan_id, expected)
            if expected is None and (metadata.sets_status or metadata.kind is IterationKind.RESTORED):
                # the author decided on this version: a retry must not apply the decision to someone else's change
                expected = frozenset({before.version})
            after = _validate(before, make(before), metadata)
            changes = compare(before, after)
            if not changes and after.status is before.status:
                return before
            if metadata.kind is not IterationKind.RESTORED:
                # links of an earlier version may be gone, and must not prevent a restore
                self._check_references(before, after)
            # kept across attempts: the number identifies our commit after a lost response
            number = number or self.store.next_iteration(plan_id)
            after = after.changed(version=before.version + 1, updated_at=rfc3339(self.now_ms()))
            try:
                self.store.commit(before, after, self._iteration(before, after, number, changes, metadata))
            except (VersionConflict, Transient) as failure:
                fault = failure
                self.sleep(backoff(attempt, 0.02, 0.64))
            else:
                return after
        raise fault or VersionConflict(before.version)

    def _load_editable(self, plan_id: str, expected: ExpectedVersions) -> Plan:
        plan = self.store.load(plan_id)
        if expected is not None and plan.version not in expected:
            raise VersionConflict(plan.version)
        if not plan.status.editable:
            raise PlanNotEditable(f"Cannot edit: the plan is {plan.status.value}.")
        return plan

    def _find_committed(self, plan_id: str, number: int) -> Plan | None:
        """Return the version our earlier attempt committed, if any; only we use this number."""
        try:
            iteration = self.store.iteration(str(Path(Kind.ITERATION, plan_id, (number,))))
        except NotFound:
            return None
        return self.store.at_version(plan_id, iteration.version)

    def _iteration(
        self, before: Plan, after: Plan, number: int, changes: Sequence[Change], metadata: ChangeMetadata
    ) -> Iteration:
        return Iteration(
            id=str(Path(Kind.ITERATION, after.id, (number,))),
            plan_id=after.id,
            number=number,
            kind=metadata.kind,
            actor=self.actor,
            summary=metadata.summary or summary_of(changes),
            from_version=before.version,
            version=after.version,
            created_at=after.updated_at,
            made_by=metadata.made_by,
            **(change_fields(changes) | metadata.extra_fields),
        )

    def _check_references(self, before: Plan | None, after: Plan) -> None:
        """Raise Invalid unless newly named stories, subtasks and repositories exist."""
        check_linked(before, after, self.backlog)
        # references of the earlier version stay allowed: a deleted repository must not block every edit
        known = {task.repository_id for task in before.tasks} if before else set()
        for id_ in dict.fromkeys(task.repository_id for task in after.tasks):
            if id_ and id_ not in known:
                try:
                    self.store.repository(id_)
                except NotFound as missing:
                    raise Invalid.field("repositoryId", str(missing)) from None


def _with_status(plan: Plan, status: PlanStatus) -> Plan:
    if plan.status.executing:
        raise PlanNotEditable(f"Cannot set the status to {status.value}: the plan is {plan.status.value}.")
    return check(plan, complete=status is PlanStatus.READY).changed(status=status)


def _validate(before: Plan, after: Plan, metadata: ChangeMetadata) -> Plan:
    """Validate the plan.

    A changed READY plan becomes a DRAFT: nobody has approved the new content.
    """
    check(after)
    was_ready = before.status is PlanStatus.READY and not metadata.sets_status
    return after.changed(status=PlanStatus.DRAFT) if was_ready and before.content() != after.content() else after
