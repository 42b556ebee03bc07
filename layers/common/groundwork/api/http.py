"""HTTP requests and answers: Powertools' resolver with our errors and headers.

Every answer to a client is JSON of one shape, whatever the request was.
"""

import base64
import binascii
import gzip
import json
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import ValidationError

from groundwork.api.time_limit import TimedOut, time_limit
from groundwork.errors import Invalid, Malformed, NotFound, Refusal, TooLarge, Transient, UnsupportedMediaType

MAX_BYTES = 6 * 1024 * 1024
"""Limit of Lambda for a request and an answer, including the JSON around the body."""

MIN_GZIP_CHARACTERS = 16_000
"""A smaller body gains less than the compression costs."""

TIMED_OUT = "The request took too long. It may have taken effect: check before you retry."

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

logger = Logger(service="groundwork")
# botocore logs the source of its credentials at INFO: two useless lines at each cold start
logging.getLogger("botocore").setLevel(logging.WARNING)


class Routes(Protocol):
    """A module with a router."""

    router: APIGatewayHttpRouter


def api(*modules: Routes) -> APIGatewayHttpResolver:
    """Make a resolver with the routes of these modules.

    Types of the handlers validate the requests.
    """
    app = APIGatewayHttpResolver(enable_validation=True, serializer=to_json, json_body_deserializer=from_json)

    def refused(refusal: Refusal) -> Response[str]:
        return error(refusal.status, refusal.code, str(refusal), refusal.details, _request_id(app))

    def unavailable(fault: Transient) -> Response[str]:
        logger.warning("Service unavailable", fault=str(fault))
        answer = error(503, "UNAVAILABLE", "A service is unavailable. Retry the request.", None, _request_id(app))
        answer.headers["Retry-After"] = "1"
        return answer

    def unsupported(fault: RequestUnsupportedContentType) -> Response[str]:
        return refused(UnsupportedMediaType("The body must be application/json."))

    def invalid(fault: RequestValidationError) -> Response[str]:
        return refused(refusal_of(fault.errors()))

    def unknown(fault: NotFoundError) -> Response[str]:
        return refused(NotFound("No route with this path and method."))

    # called, not written as decorators: Powertools leaves these untyped
    for fault, handler in (
        (Refusal, refused),
        (Transient, unavailable),
        (RequestUnsupportedContentType, unsupported),
        (RequestValidationError, invalid),
        (NotFoundError, unknown),
    ):
        app.exception_handler(fault)(handler)
    for module in modules:
        app.include_router(module.router)
    return app


def serve(
    app: APIGatewayHttpResolver,
    event: dict[str, Any],
    context: Any,
    services: Callable[[], object],
    takes_bytes: re.Pattern[str] | None = None,
) -> dict[str, Any]:
    """Answer an API Gateway event (payload 2.0). Never raises.

    `services` makes the dependencies of the routes: see `groundwork.api.deps`. Routes
    with paths like `takes_bytes` get the body as API Gateway sends it.
    """
    request_id = event.get("requestContext", {}).get("requestId", "")
    logger.append_keys(request_id=request_id)
    app.append_context(services=services)  # type: ignore[no-untyped-call]  # Powertools leaves it untyped
    try:
        with time_limit(context.get_remaining_time_in_millis() / 1000):
            answer = _fitting(app.resolve(_decoded(event, takes_bytes), context), event)
    except TimedOut:
        logger.error("Timed out", route=event.get("routeKey"))
        answer = _raw(error(504, "TIMED_OUT", TIMED_OUT, None, request_id))
    except Refusal as refusal:
        # from `_decoded` and `_fitting`: the resolver has answered those of the routes
        answer = _raw(error(refusal.status, refusal.code, str(refusal), refusal.details, request_id))
    except Exception:  # the last line of defence: a client sees no internals, the log sees all
        logger.exception("Unexpected")
        answer = _raw(error(500, "INTERNAL", "Something went wrong on our side.", None, request_id))
    headers = {str(name).lower(): value for name, value in answer.get("headers", {}).items()}
    answer["headers"] = headers | {"cache-control": "no-store", "x-request-id": request_id}
    return dict(answer)


def log_notification_error(problem: str) -> None:
    """Log a notification of a plan's execution that failed. The sweep repeats it."""
    logger.warning("Notification failed", problem=problem)


def answers(model: Any, status: int = 200, files: Sequence[str] = ()) -> dict[int, Any]:
    """Describe the successful response of a route for the OpenAPI document.

    `files` are content types besides JSON.
    """
    description = {200: "OK", 201: "Created", 202: "Accepted"}[status]
    content = {"application/json": {"model": model}} | {type_: {"model": str} for type_ in files}
    return {status: {"description": description, "content": content}}


def error(status: int, code: str, message: str, details: Any, request_id: str) -> Response[str]:
    body = {"error": {"code": code, "message": message, "details": details, "requestId": request_id}}
    # the message may quote half a surrogate pair of the client, and no answer can hold one
    return Response(status, "application/json", to_json(body).encode(errors="replace").decode(), headers={})


def refusal_of(errors: Sequence[Any]) -> Refusal:
    """Convert errors of Pydantic: 400 for invalid JSON, else 422 with the names of the fields."""
    if any(problem["type"] == "json_invalid" for problem in errors):
        return Malformed("The body is not valid JSON.")
    return Invalid([{"field": field_name(problem["loc"]), "message": problem["msg"]} for problem in errors])


def field_name(loc: Sequence[int | str]) -> str:
    """Format a location: ("body", "cards", 3, "text") as cards[3].text."""
    parts = loc[1:] if len(loc) > 1 and loc[0] in ("body", "query", "path", "header") else loc
    name = ""
    for part in parts:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name


def validated[T](make: Callable[[], T]) -> T:
    """Call `make`, and raise Invalid for its errors of Pydantic."""
    try:
        return make()
    except ValidationError as fault:
        raise refusal_of(fault.errors(include_url=False)) from None


def etag_matches(event: Any, etag: str) -> bool:
    """Compare the ETag with the header If-None-Match."""
    given = (event.headers or {}).get("if-none-match", "")
    # proxies mark the ETag of an answer they compress as weak
    return any(candidate.strip().removeprefix("W/") in (etag, "*") for candidate in given.split(","))


def versions_seen(if_match: str | None) -> frozenset[int] | None:
    """Parse If-Match into versions; None accepts any version. Raises Malformed."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")]
    if not all(re.fullmatch("[0-9]{1,9}", tag) for tag in tags):
        raise Malformed('If-Match must be a version from the ETag header, such as "3".')
    return frozenset(map(int, tags))


def page_token(position: str) -> str:
    """Encode the position of the next page as an opaque token."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def position_of(token: str | None, is_ours: Callable[[str], bool]) -> str | None:
    """Decode a page token. Raises Invalid, naming nextToken, for a token of another list."""
    if not token:
        return None
    try:
        position = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        position = None
    if position is None or not is_ours(position):
        raise Invalid.field("nextToken", "is not a token of this list")
    return position


def page(items: list[Any], more: str | None) -> dict[str, Any]:
    """Return a page of a list with the token of the next page."""
    return {"items": items, "nextToken": page_token(more) if more else None}


def answer(body: dict[str, Any], status: int = 200, version: int | None = None) -> Response[str]:
    """Make a JSON response; `version` becomes its ETag."""
    headers = {} if version is None else {"ETag": f'"{version}"'}
    return Response(status, "application/json", to_json(body), headers=headers)


def _decoded(event: dict[str, Any], takes_bytes: re.Pattern[str] | None = None) -> dict[str, Any]:
    """Return the event with its body as text.

    Raises UnsupportedMediaType for HTML forms, Malformed.
    """
    if event.get("headers", {}).get("content-type", "").strip().lower().startswith(_FORMS):
        raise UnsupportedMediaType("The body must be application/json.")
    body = event.get("body")
    if not event.get("isBase64Encoded") or body is None:
        return event
    if takes_bytes and takes_bytes.fullmatch(event.get("rawPath", "")):
        return event
    try:
        text = base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Malformed("The body is not UTF-8 text.") from None
    return event | {"body": text, "isBase64Encoded": False}


def _fitting(answer: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Compress a large answer for clients with gzip: neither API Gateway nor CloudFront does.

    Raises TooLarge above Lambda's limit, as Lambda itself would answer 502 without a reason.
    """
    body = answer.get("body") or ""
    if len(body) < MIN_GZIP_CHARACTERS:
        return answer
    if _takes_gzip(event):
        zipped = base64.b64encode(gzip.compress(body.encode(), compresslevel=6, mtime=0)).decode()
        headers = answer.get("headers", {}) | {"content-encoding": "gzip"}
        answer = answer | {"body": zipped, "isBase64Encoded": True, "headers": headers}
    if len(to_json(answer).encode()) > MAX_BYTES:
        raise TooLarge(
            "The answer exceeds the limit of 6 MB: request it compressed (Accept-Encoding: gzip), or page by page."
        )
    return answer


def _takes_gzip(event: dict[str, Any]) -> bool:
    accepted = event.get("headers", {}).get("accept-encoding", "")
    # q=0 refuses gzip
    return re.search(r"(^|,)\s*gzip\s*(;\s*q=(1|0?\.\d*[1-9])[^,]*)?(,|$)", accepted, re.IGNORECASE) is not None


def _request_id(app: APIGatewayHttpResolver) -> str:
    return str(app.current_event.raw_event.get("requestContext", {}).get("requestId", ""))


def _raw(response: Response[str]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "headers": {"content-type": response.content_type, **response.headers},
        "body": response.body,
        "isBase64Encoded": False,
    }


def from_json(text: str) -> Any:
    """Parse JSON. Raises Malformed, also for too many levels or digits."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None


def to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
