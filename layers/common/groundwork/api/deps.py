"""Dependencies and parameters shared by all routes."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from groundwork.composition import Services

Limit = Annotated[int, Query(ge=1, le=200)]
Token = Annotated[str | None, Query(alias="nextToken", max_length=400)]


class _NoSecurity(list[dict[str, list[str]]]):
    """An empty list that is true: a router drops a false one, and its route would need a token."""

    def __bool__(self) -> bool:
        return True


OPEN = _NoSecurity()
"""Security of a route without a token."""


def new_router() -> APIGatewayHttpRouter:
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped


def services(router: APIGatewayHttpRouter) -> Services:
    """Make the services passed to `http.serve`."""
    made: Services = router.context["services"]()
    return made
