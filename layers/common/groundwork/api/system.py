"""Routes of the API itself."""

from importlib.resources import files
from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.api.deps import OPEN, new_router
from groundwork.api.http import answers
from groundwork.runs.schemas import Health

router = new_router()


@router.get(
    "/api/health",
    tags=["system"],
    operation_id="getHealth",
    summary="Check the health of the API",
    security=OPEN,
    responses=answers(Health),
)
def health() -> Health:
    return {"status": "ok"}


@router.get(
    "/api/openapi.json",
    tags=["system"],
    operation_id="getOpenApiDocument",
    summary="Get the OpenAPI document",
    responses=answers(dict[str, Any]),
)
def openapi() -> Response[str]:
    return Response(200, "application/json", files("groundwork").joinpath("openapi.json").read_text())
