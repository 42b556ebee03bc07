"""HTTP: start, estimate, cancel and retry runs."""

from typing import Any

from groundwork.api import http
from groundwork.api.runs import control
from groundwork.composition import services

app = http.api(control)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return http.serve(app, event, context, services)
