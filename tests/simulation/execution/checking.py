"""Model of checks, behind faulty requests, and the invariants of what they prove."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from zlib import crc32

from groundwork.adapters.dynamodb.check_rows import ROLLBACK, RUNNING
from groundwork.adapters.dynamodb.sessions import DynamoSessions
from groundwork.agent.patches import PatchRef
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import CheckSettings, CommandResult
from groundwork.checks.ports import CheckJob, CheckProgress, Owner, OwnerKind
from groundwork.execution.patch_stacks import PatchStacks
from groundwork.execution.state import RepositoryChecks
from groundwork.plans.model import Plan, TaskStatus
from groundwork.sandbox.model import ChangedFiles, Ending, LogPage
from groundwork.sandbox.verdict import Verdict
from tests.fakes.upstream import FakeCommit, FakeUpstream, tree_id
from tests.simulation.cloud import ask
from tests.simulation.execution.cloud import ExecutionCloud
from tests.simulation.execution.repositories import Repositories
from tests.simulation.execution.seen import Moment, SeenPlans, number_of
from tests.simulation.execution.worlds import World
from tests.simulation.known import demand

SETTINGS = CheckSettings(verify=("check",))
RED, NOT_RUN = 0.15, 0.1
HANGING = 6
"""One in so many attempts makes a change whose check at the landing always hangs."""


def checks_at_start(world: World, plan: Plan) -> tuple[RepositoryChecks, ...]:
    used = {plan.repository_id, *(task.repository_id for task in plan.tasks)}
    return tuple(RepositoryChecks(repository_id=id_, settings=SETTINGS) for id_ in world.checked if id_ in used)


@dataclass(slots=True)
class Job:
    ends_at: float
    tree: str
    verdict: Verdict
    hangs: bool = False


@dataclass(slots=True)
class CheckService:
    """Sandboxes and their jobs.

    `passed` holds task and tree of each passed landing, `open` the owners. `on_job` sees each new job.
    """

    cloud: ExecutionCloud
    random: Random
    open: dict[str, float] = field(default_factory=dict)
    jobs: dict[tuple[str, str], Job] = field(default_factory=dict)
    passed: set[tuple[str, str]] = field(default_factory=set)
    on_job: Callable[[CheckJob, set[str]], None] = lambda job, open_: None

    def advance(self, job: CheckJob) -> CheckProgress:
        if not self._is_claimed(job.owner):
            raise ClaimLost
        now = self.cloud.loop.now
        self.open.setdefault(job.owner.id, now)
        known = self.jobs.get((job.owner.id, job.id))
        if known is None:
            self.on_job(job, set(self.open))
            known = self.jobs[job.owner.id, job.id] = self._begun(job, now)
        if now < known.ends_at:
            return CheckProgress(wait_s=10.0, activity="Running: check")
        # a session's check may have been tampered with by its own commands
        if known.verdict is Verdict.PASSED and job.owner.kind is OwnerKind.LANDING:
            self.passed.add((job.owner.task_id, known.tree))
        return CheckProgress((result_of(known.verdict, known.hangs),), known.verdict)

    def close(self, owner: Owner) -> None:
        self.open.pop(owner.id, None)

    def _begun(self, job: CheckJob, now: float) -> Job:
        chance = self.random.random()
        verdict = Verdict.PASSED
        if chance < RED:
            verdict = Verdict.FAILED
        elif chance < RED + NOT_RUN:
            verdict = Verdict.COULD_NOT_RUN
        hangs = job.owner.kind is OwnerKind.LANDING and crc32(job.owner.id.encode()) % HANGING == 0
        verdict = Verdict.COULD_NOT_RUN if hangs else verdict
        return Job(now + self.random.choice([0.0, 1.0, 30.0, 400.0]), job.tree_sha, verdict, hangs)

    def _is_claimed(self, owner: Owner) -> bool:
        if owner.kind is OwnerKind.ROLLBACK:
            row = self.cloud.database.row(("plans", owner.plan_id, ROLLBACK))
            running = row is not None and row["status"]["S"] == RUNNING
            return running and (number_of(row, "epoch"), number_of(row, "number")) == (owner.epoch, owner.number)
        row = self.cloud.database.row(("plans", owner.plan_id, f"X#{owner.task_id.rpartition('-')[2]}"))
        if row is None or row["status"]["S"] != TaskStatus.RUNNING.value:
            return False
        return number_of(row, "epoch") == owner.epoch


def result_of(verdict: Verdict, hangs: bool = False) -> CommandResult:
    if hangs:
        return CommandResult(command="check", ending=Ending.TIMEOUT)
    if verdict is Verdict.COULD_NOT_RUN:
        return CommandResult(command="check", ending=Ending.LOST)
    return CommandResult(command="check", ending=Ending.EXIT, exit_code=0 if verdict is Verdict.PASSED else 1)


@dataclass(frozen=True, slots=True)
class SimulatedChecks:
    """The port `groundwork.checks.ports.CheckRunner`: each call is one request."""

    service: CheckService

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        progress: CheckProgress = ask("checks", ("advance", lambda: self.service.advance(job)))
        return progress

    def close(self, owner: Owner) -> None:
        ask("checks", ("close", lambda: self.service.close(owner)))

    def log(self, owner: Owner, job_id: str, position: int, offset: int) -> LogPage:
        return LogPage()

    def changes(self, owner: Owner) -> ChangedFiles:
        return ChangedFiles()


@dataclass(slots=True)
class CheckInvariants:
    """`checked` lists the repositories with checks."""

    service: CheckService
    seen: SeenPlans
    repositories: Repositories
    sessions: DynamoSessions
    checked: tuple[str, ...] = ()

    def on_job(self, job: CheckJob, open_: set[str]) -> None:
        """A session is stored before its command starts, and closed before its landing."""
        owner = job.owner
        if owner.kind is OwnerKind.ROLLBACK:
            rollback = self.seen.moments[owner.plan_id].execution.rollback
            heads = {head.commit for head in rollback.heads} if rollback else set()
            demand(job.commit in heads, "a_rollbacks_check_is_of_its_head", f"{owner.id}: {job.commit}")
            return
        if owner.kind is OwnerKind.LANDING:
            opened = f"{OwnerKind.TASK}:{owner.task_id}:{owner.number}"
            demand(opened not in open_, "a_task_that_lands_has_closed_its_session", owner.task_id)
            return
        session = self.sessions.load(owner.task_id, owner.number)
        runs = session.checks.runs if session and session.unfinished_turn and session.checks else ()
        stored = bool(runs) and runs[-1].job_id == job.id
        demand(stored, "a_command_starts_after_its_call_is_stored", f"{owner.task_id}: {job.id}")

    def on_commit(self, repository_id: str, commit: FakeCommit, task_id: str) -> None:
        """The pushed tree is one that a landing of this very task has seen pass."""
        moment = self.seen.moments[task_id.rpartition("-")[0]]
        if self._has_checks(moment, repository_id):
            proven = (task_id, tree_id(commit.tree)) in self.service.passed
            demand(proven, "nothing_lands_unless_its_tree_has_passed", f"{task_id} in {commit.sha}")

    def on_change(self, before: Moment, after: Moment) -> None:
        for task in after.plan.tasks:
            old, new = before.of(task.id), after.of(task.id)
            if new.failed and new.failed[-1:] != old.failed[-1:]:
                reason = new.failed[-1].reason
                not_run = "could not run" in reason and not reason.startswith("Gave up")
                given_back = new.conflicts == old.conflicts + 1 and new.max_attempts == old.max_attempts + 1
                counts = not_run and not (given_back and "times in a row" in reason)
                demand(not counts, "what_could_not_run_uses_no_attempt", f"{task.id}: {reason}")
            done = new.status is TaskStatus.COMPLETED and old.status is not TaskStatus.COMPLETED
            repository_id = task.repository_id or after.plan.repository_id
            if done and new.files and not after.plan.auto_commit and self._has_checks(after, repository_id):
                self._patch_has_passed(after, repository_id, PatchRef(task_id=task.id, attempt=new.attempts))

    def _has_checks(self, moment: Moment, repository_id: str) -> bool:
        # a plan that an earlier release has started has none
        return bool(moment.execution.checks) and repository_id in self.checked

    def _patch_has_passed(self, moment: Moment, repository_id: str, ref: PatchRef) -> None:
        patch = self.sessions.load_patch(ref)
        assert patch
        git = FakeUpstream(self.repositories.servers[repository_id])
        stack = PatchStacks(self.sessions).of_patches([*patch.base_patches, ref])
        tree = git.tree_of(git.apply_stack(patch.base, stack), {})
        name = "nothing_lands_unless_its_tree_has_passed"
        demand((ref.task_id, tree) in self.service.passed, name, f"the patch of {ref.task_id}")


class StartedWithChecks:
    """Settings of the plan's repositories, as the function reads them at a scheduled start."""

    def __init__(self, world: World) -> None:
        self._world = world

    def settings_of(self, plan: Plan) -> tuple[RepositoryChecks, ...]:
        return checks_at_start(self._world, plan)
