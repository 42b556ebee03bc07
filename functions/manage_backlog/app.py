"""HTTP: projects, cards, epics, stories, subtasks and the export."""

from typing import Any

from groundwork.api import http, system
from groundwork.api.backlog import (
    card_import,
    cards,
    epics,
    export,
    imports,
    projects,
    stories,
    subtasks,
    unassigned_files,
)
from groundwork.composition import services

app = http.api(card_import, imports, system, projects, cards, epics, stories, subtasks, export, unassigned_files)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return http.serve(app, event, context, services, card_import.TAKES_BYTES)
