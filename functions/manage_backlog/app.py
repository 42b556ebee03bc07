"""HTTP: projects, cards, epics, stories, subtasks and the export."""

from typing import Any

from groundwork.api import http, system
from groundwork.api.backlog import cards, epics, export, projects, stories, subtasks
from groundwork.composition import services

app = http.api(system, projects, cards, epics, stories, subtasks, export)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return http.serve(app, event, context, services)
