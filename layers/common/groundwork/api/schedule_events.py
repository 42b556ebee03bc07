"""Events to restore the schedules of plans, sent by an operator or by the local system.

`do` names the operation.
"""

from typing import Any

from groundwork.api import http
from groundwork.composition import Services
from groundwork.execution import schedule_restore

MISSED = "The system was off at that time."


def handle(event: dict[str, Any], services: Services) -> Any:
    """List the schedules, or set the timer of one plan again. Raises NotFound, Transient."""
    tables = services.tables
    if event["do"] == "LIST_SCHEDULES":
        return list(schedule_restore.schedules(tables.plans.every(), tables.executions.read))
    coordinator = services.coordinator(None, http.log_notification_error)
    return schedule_restore.restore(coordinator, services.timer, event["planId"], event.get("missed"), MISSED)
