"""Invariants of executions after every write, call and commit: each a named predicate.

Invariants of starting and ending tasks are in tasks.py, those at rest in endings.py. docs/reference/invariants.md lists
all of them.
"""

from dataclasses import dataclass, field

from groundwork.adapters.dynamodb.sessions import DynamoSessions
from groundwork.agent.commit_message import REVERTS, TASK, trailers
from tests.fakes.upstream import FakeCommit
from tests.simulation.cloud import Sandbox
from tests.simulation.dynamodb import Changed
from tests.simulation.execution import asked, landing, patching, plans, tasks, working
from tests.simulation.execution.checking import CheckInvariants
from tests.simulation.execution.paths import Json
from tests.simulation.execution.repositories import Repositories
from tests.simulation.execution.seen import Moment, SeenPlans, number_of
from tests.simulation.execution.worlds import World
from tests.simulation.known import Rows, Violation, demand


@dataclass(slots=True)
class ExecutionInvariants:
    seen: SeenPlans
    world: World
    repositories: Repositories
    sessions: DynamoSessions
    proofs: CheckInvariants
    violations: list[Violation] = field(default_factory=list)

    def on_write(self, changed: Changed) -> None:
        """Collects rather than raises: the code under test must not be able to catch it."""
        try:
            self._examine({key: (before, after) for key, before, after in changed})
        except Violation as violation:
            self._broken(violation)

    def on_call(self, sandbox: Sandbox, task_id: str) -> None:
        try:
            working.a_call_is_of_a_claim(self.seen, sandbox, task_id)
        except Violation as violation:
            self._broken(violation)

    def on_commit(self, repository_id: str, branch: str, commit: FakeCommit) -> None:
        try:
            landing.on_commit(self.seen, self.repositories, repository_id, branch, commit)
            marks = trailers(commit.text)
            if TASK in marks and REVERTS not in marks:
                self.proofs.on_commit(repository_id, commit, marks[TASK])
        except Violation as violation:
            self._broken(violation)

    def on_time_refused(self, event: Json, since: float) -> None:
        try:
            asked.a_time_is_not_lost(self.seen, event, since)
        except Violation as violation:
            self._broken(violation)

    def on_end_too_soon(self, plan_id: str) -> None:
        """An execution ends with its plan, unless it has passed tasks to redo."""
        if not self.seen.moments[plan_id].execution.needs_restart:
            self._broken(Violation("an_execution_ends_with_its_plan", plan_id))

    def _broken(self, violation: Violation) -> None:
        self.violations.append(violation)
        self.seen.cloud.note(f"VIOLATION {violation}")

    def _examine(self, rows: Rows) -> None:
        for plan_id in self.seen.touched(rows):
            after = self.seen.moment(plan_id, rows)
            if after is None:
                continue
            before = self.seen.moments.get(plan_id)
            self.seen.moments[plan_id] = after
            if before is not None:
                self._changed(before, after, rows)
        self.limits_are_kept()

    def _changed(self, before: Moment, after: Moment, rows: Rows) -> None:
        for check in (*plans.OF_PLANS, *tasks.OF_TASKS, asked.a_plan_under_way_keeps_its_tasks):
            check(before, after)
        for judge in asked.OF_ASKED:
            judge(self.seen, before, after)
        if before.execution.schedule != after.execution.schedule:
            self.seen.scheduled_at[after.plan.id] = self.seen.cloud.loop.now
        patching.a_patch_is_put_on_all_before_it(self.sessions, before, after)
        plans.events_are_complete(before, after, rows)
        working.claims(self.seen, before, after)
        self.proofs.on_change(before, after)
        landing.a_completed_task_has_its_commit(self.repositories, before, after)

    def limits_are_kept(self) -> None:
        """Both limits hold at every moment, and the account's counter equals the running tasks."""
        name, running = "limits_are_kept", 0
        for moment in self.seen.moments.values():
            at_work = len(moment.running)
            running += at_work
            most = moment.plan.max_parallel
            demand(at_work <= most, name, f"{moment.plan.id}: {at_work} tasks run, {most} may")
        demand(running <= self.world.limit, name, f"{running} tasks run in the account, {self.world.limit} may")
        counted = number_of(self.seen.cloud.database.row(("plans", "ACCOUNT", "SLOTS")), "used")
        demand(counted == running, "the_counter_equals_what_runs", f"{counted} are counted, {running} run")
