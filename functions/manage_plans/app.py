"""HTTP: plans, their execution, repositories and templates."""

from typing import Any

from groundwork.api import http, schedule_events
from groundwork.api.plans import checks, control, generation, parts, plans, progress, repositories, templates
from groundwork.composition import services

app = http.api(plans, generation, repositories, parts, templates, control, progress, checks)


def handler(event: dict[str, Any], context: Any) -> Any:
    # invoked directly: an event of the HTTP API has no such field
    if "do" in event:
        return schedule_events.handle(event, services())
    return http.serve(app, event, context, services)
