"""Base of the run types about a plan."""

from collections.abc import Iterator
from typing import ClassVar

from groundwork.errors import NotFound
from groundwork.ids import Kind, Path, path_of
from groundwork.plans.history import Iteration
from groundwork.plans.model import Plan
from groundwork.plans.ports import PLAN_LOCK, PlanRunEnded, PlanServices
from groundwork.plans.repo_survey import RepositoryUnavailable, Survey
from groundwork.runs.handler import ItemFailed, JobContext, RunHandler, RunScope
from groundwork.runs.model import ErrorCode, ManifestEntry, Run


class PlanHandler(RunHandler):
    """A run about a plan, with the number of the iteration it creates.

    Users start such a run at /api/plans and start a new one if it fails: the schedule does not retry it.
    """

    owner = Kind.PLAN
    lock = PLAN_LOCK
    retried_by_schedule = False
    error_of_items = True
    start_refusal = "is started at /api/plans"
    retry_refusal = "A plan's generation or review cannot be retried: start a new one."
    generates: ClassVar[bool]

    def __init__(self, services: PlanServices | None = None) -> None:
        self._services = services

    @property
    def services(self) -> PlanServices:
        assert self._services, "processing a plan's run needs PlanServices"
        return self._services

    def entries(self, scope: RunScope) -> Iterator[ManifestEntry]:
        """Yield the parts: plan version and item number determine a part's content."""
        run = scope.run
        whole = run.total == 1
        for number in range(run.queued, run.total):
            yield ManifestEntry(number, (number + 1,), "The plan" if whole else f"Part {number + 1} of {run.total}")

    def closing_writes(self, run: Run) -> list[PlanRunEnded]:
        # the commit of the plan has ended its iteration already
        if self.generates and run.completed:
            return []
        return [PlanRunEnded(run, self.generates)]

    async def load(self, context: JobContext) -> tuple[Iteration, Plan]:
        """Return the run's iteration, and the plan at the version the run was started on."""
        path, store = path_of(Kind.RUN, context.run.id), self.services.store
        assert path
        iteration_id = str(Path(Kind.ITERATION, path.project_id, path.numbers))
        iteration: Iteration = await context.io(store.iteration, iteration_id)
        # the parts are cut from one version: an edit during the run would shift them
        plan: Plan = await context.io(store.at_version, path.project_id, iteration.from_version)
        return iteration, plan

    async def survey(self, context: JobContext, plan: Plan) -> Survey:
        """Raises ItemFailed if the repository is gone or cannot be read."""
        try:
            repository = await context.io(self.services.store.repository, plan.repository_id)
            survey: Survey = await context.io(self.services.survey, repository)
            return survey
        except NotFound as error:
            raise ItemFailed(ErrorCode.TARGET_GONE, str(error)) from error
        except RepositoryUnavailable as error:
            raise ItemFailed(ErrorCode.REPOSITORY_UNAVAILABLE, str(error)) from error
