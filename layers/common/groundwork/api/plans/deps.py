"""Dependencies and parameters of the routes of plans."""

from dataclasses import dataclass
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.api import http
from groundwork.api.deps import services
from groundwork.composition import Services
from groundwork.errors import NotFound, Transient
from groundwork.execution.checks_at_start import ChecksAtStart
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.schedule import Timer
from groundwork.ids import Kind, path_of
from groundwork.plans import views
from groundwork.plans.editor import Editor
from groundwork.plans.model import Plan
from groundwork.text import clean

MAX_ACTOR = 100
"""Characters of a client's own name."""

IfMatch = Annotated[
    str | None,
    Header(alias="if-match", max_length=400, description="The plan's version as its ETag: else 409 VERSION_CONFLICT"),
]


@dataclass(frozen=True, slots=True)
class Deps:
    """Services for one request. `actor` names the client in histories."""

    services: Services
    actor: str

    @property
    def tables(self) -> Tables:
        return self.services.tables

    @property
    def timer(self) -> Timer:
        return self.services.timer

    @property
    def coordinator(self) -> ExecutionCoordinator:
        return self.services.coordinator(self.actor, http.log_notification_error)

    @property
    def checks_at_start(self) -> ChecksAtStart:
        return self.services.checks_at_start()

    @property
    def editor(self) -> Editor:
        tables = self.tables
        return Editor(
            tables.plans, tables.entries, self.services.now_ms, self.actor, on_edit_during_execution=self._reconcile
        )

    def _reconcile(self, plan_id: str) -> None:
        """Apply an edit to a running plan: it may open gates. After a fault the sweep repeats it."""
        try:
            self.coordinator.change(plan_id, lambda execution_state: execution_state)
        except (NotFound, Transient) as fault:
            http.logger.warning("Reconciliation after an edit postponed", plan_id=plan_id, fault=str(fault))


def deps(router: APIGatewayHttpRouter) -> Deps:
    return Deps(services(router), _actor(router))


def _actor(router: APIGatewayHttpRouter) -> str:
    """Return the name given by the client, else the principal of the authorizer."""
    event = router.current_event
    # a claim of the client, shown in histories: no permission depends on it
    given = clean(event.headers.get("x-groundwork-author", "")).strip()
    authorizer: dict[str, Any] = event.raw_event.get("requestContext", {}).get("authorizer", {}).get("lambda") or {}
    return given[:MAX_ACTOR] or str(authorizer.get("principal", "admin"))


def plan_of(kind: Kind, id_: str) -> str:
    """Return the id of the plan of a phase or task. Raises NotFound."""
    path = path_of(kind, id_)
    if path is None:
        raise NotFound.of(kind.name.lower(), id_)
    return path.project_id


def plan_answer(tables: Tables, plan: Plan, status: int = 200) -> Response[str]:
    """Answer with a whole plan, its version as the ETag."""
    return http.answer(views.plan_view(plan, tables.plans.states(plan.id)), status, plan.version)
