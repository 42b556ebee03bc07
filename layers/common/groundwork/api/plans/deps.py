"""What the function puts around its routes, and the parameters that several of them take."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import NotFound
from groundwork.ids import Kind, path_of

Limit = Annotated[int, Query(ge=1, le=200)]
Token = Annotated[str | None, Query(alias="nextToken", max_length=400)]
IfMatch = Annotated[
    str | None,
    Header(alias="if-match", max_length=400, description="The plan's version as its ETag: else 409 VERSION_CONFLICT"),
]


def tables(router: APIGatewayHttpRouter) -> Tables:
    found: Tables = given(router, "tables")
    return found


def given(router: APIGatewayHttpRouter, what: str) -> Any:
    """What the function has given a way to make: tables, settings, an editor, a conductor, a timer, the time."""
    return router.context[what]()


def plan_of(kind: Kind, id_: str) -> str:
    """Of the plan that a phase or a task belongs to. Raises NotFound."""
    path = path_of(kind, id_)
    if path is None:
        raise NotFound.of(kind.name.lower(), id_)
    return path.project_id
