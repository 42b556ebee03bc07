"""HTTP: watch runs."""

from typing import Any

from groundwork.api import http
from groundwork.api.runs import progress
from groundwork.composition import services

app = http.api(progress)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return http.serve(app, event, context, services)
