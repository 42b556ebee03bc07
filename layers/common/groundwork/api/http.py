"""The HTTP edge: Powertools' resolver with the contract's errors and headers.

A function makes its routes on `api()` and lets `serve` answer: whatever a client sends, it gets JSON of one shape.
"""

import base64
import binascii
import gzip
import json
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from pydantic import ValidationError

from groundwork.api.time_limit import TimedOut, time_limit
from groundwork.errors import Invalid, Malformed, NotFound, Refusal, TooLarge, Transient, UnsupportedMediaType

MAX_BYTES = 6 * 1024 * 1024
"""What Lambda takes and gives in one invocation, its own JSON around the body included."""

ZIPPED_FROM = 16_000
"""Characters of a body. A smaller one gains less than the time it takes."""

TIMED_OUT = "The request took too long. It may have taken effect: check before you try again."

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

logger = Logger(service="groundwork")
# botocore tells at INFO where it found credentials: two lines at each cold start that help nobody
logging.getLogger("botocore").setLevel(logging.WARNING)


def api() -> APIGatewayHttpResolver:
    """A resolver that validates requests by its handlers' types and answers in the contract's shapes."""
    app = APIGatewayHttpResolver(enable_validation=True, serializer=to_json, json_body_deserializer=from_json)

    def refused(refusal: Refusal) -> Response[str]:
        return error(refusal.status, refusal.code, str(refusal), refusal.details, _request_id(app))

    def unavailable(fault: Transient) -> Response[str]:
        logger.warning("A service did not answer", fault=str(fault))
        answer = error(503, "UNAVAILABLE", "A service did not answer; try again.", None, _request_id(app))
        answer.headers["Retry-After"] = "1"
        return answer

    def unsupported(fault: RequestUnsupportedContentType) -> Response[str]:
        return refused(UnsupportedMediaType("The body must be application/json."))

    def invalid(fault: RequestValidationError) -> Response[str]:
        return refused(refusal_of(fault.errors()))

    def unknown(fault: NotFoundError) -> Response[str]:
        return refused(NotFound("There is no such path, or not with this method."))

    # called rather than written as decorators: Powertools leaves these untyped
    for fault, handler in (
        (Refusal, refused),
        (Transient, unavailable),
        (RequestUnsupportedContentType, unsupported),
        (RequestValidationError, invalid),
        (NotFoundError, unknown),
    ):
        app.exception_handler(fault)(handler)
    return app


def serve(
    app: APIGatewayHttpResolver, event: dict[str, Any], context: Any, takes_bytes: re.Pattern[str] | None = None
) -> dict[str, Any]:
    """Answers an API Gateway event (payload 2.0). Nothing a client can do makes it raise.

    Routes with paths like `takes_bytes` get the body as API Gateway sends it.
    """
    request_id = event.get("requestContext", {}).get("requestId", "")
    logger.append_keys(request_id=request_id)
    try:
        with time_limit(context.get_remaining_time_in_millis() / 1000):
            answer = _fitting(app.resolve(_decoded(event, takes_bytes), context), event)
    except TimedOut:
        logger.error("Timed out", route=event.get("routeKey"))
        answer = _raw(error(504, "TIMED_OUT", TIMED_OUT, None, request_id))
    except Refusal as refusal:
        answer = _raw(error(refusal.status, refusal.code, str(refusal), refusal.details, request_id))
    except Exception:  # the last line of defence: a client sees no internals, the log sees all
        logger.exception("Unexpected")
        answer = _raw(error(500, "INTERNAL", "Something went wrong on our side.", None, request_id))
    headers = {str(name).lower(): value for name, value in answer.get("headers", {}).items()}
    answer["headers"] = headers | {"cache-control": "no-store", "x-request-id": request_id}
    return dict(answer)


def answers(model: Any, status: int = 200, files: Sequence[str] = ()) -> dict[int, Any]:
    """For a route's `responses`: what a good answer looks like, in the OpenAPI document alone.

    `files` are types of content that it may have besides JSON.
    """
    description = {200: "OK", 201: "Created", 202: "Accepted"}[status]
    content = {"application/json": {"model": model}} | {type_: {"model": str} for type_ in files}
    return {status: {"description": description, "content": content}}


def error(status: int, code: str, message: str, details: Any, request_id: str) -> Response[str]:
    body = {"error": {"code": code, "message": message, "details": details, "requestId": request_id}}
    # a client's own words may come back in it, half a surrogate pair among them, which no answer can hold
    return Response(status, "application/json", to_json(body).encode(errors="replace").decode(), headers={})


def refusal_of(errors: Sequence[Any]) -> Refusal:
    """Pydantic's errors as the contract's: 400 for what is no JSON, 422 with the fields as the client wrote them."""
    if any(problem["type"] == "json_invalid" for problem in errors):
        return Malformed("The body is not valid JSON.")
    return Invalid([{"field": field_name(problem["loc"]), "message": problem["msg"]} for problem in errors])


def field_name(loc: Sequence[int | str]) -> str:
    """("body", "cards", 3, "text") as cards[3].text."""
    parts = loc[1:] if len(loc) > 1 and loc[0] in ("body", "query", "path", "header") else loc
    name = ""
    for part in parts:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name


def validated[T](make: Callable[[], T]) -> T:
    """What `make` gives; its Pydantic errors become Invalid."""
    try:
        return make()
    except ValidationError as fault:
        raise refusal_of(fault.errors(include_url=False)) from None


def etag_matches(event: Any, etag: str) -> bool:
    """Whether the client has this already (If-None-Match)."""
    given = (event.headers or {}).get("if-none-match", "")
    return any(candidate.strip().removeprefix("W/") in (etag, "*") for candidate in given.split(","))


def versions_seen(if_match: str | None) -> frozenset[int] | None:
    """The versions that a client wants a thing to be at (If-Match); None where any will do. Raises Malformed."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")]
    if not all(re.fullmatch("[0-9]{1,9}", tag) for tag in tags):
        raise Malformed('If-Match must be a version as the ETag header gives it, such as "3".')
    return frozenset(map(int, tags))


def page_token(position: str) -> str:
    """An opaque token for the place a list goes on at."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def position_of(token: str | None, is_ours: Callable[[str], bool]) -> str | None:
    """The place a token stands for. Raises Invalid, naming nextToken, for one that we have not made for this list."""
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
    """A page of a list, and the token of the next one."""
    return {"items": items, "nextToken": page_token(more) if more else None}


def answer(body: dict[str, Any], status: int = 200, version: int | None = None) -> Response[str]:
    """`version` becomes its ETag."""
    headers = {} if version is None else {"ETag": f'"{version}"'}
    return Response(status, "application/json", to_json(body), headers=headers)


def _decoded(event: dict[str, Any], takes_bytes: re.Pattern[str] | None = None) -> dict[str, Any]:
    """The event with its body as text, whatever API Gateway made of it.

    Powertools would also read HTML forms; no endpoint takes one.
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
    """The answer zipped where that is worth it and the client takes it: neither API Gateway nor CloudFront would.

    Raises TooLarge for more than Lambda can send. Lambda would put a 502 without a reason in its place.
    """
    body = answer.get("body") or ""
    if len(body) < ZIPPED_FROM:
        return answer
    if _takes_gzip(event):
        zipped = base64.b64encode(gzip.compress(body.encode(), compresslevel=6, mtime=0)).decode()
        headers = answer.get("headers", {}) | {"content-encoding": "gzip"}
        answer = answer | {"body": zipped, "isBase64Encoded": True, "headers": headers}
    if len(to_json(answer).encode()) > MAX_BYTES:
        raise TooLarge(
            "The answer is larger than the 6 MB that one answer holds: "
            "ask for it zipped (Accept-Encoding: gzip), or page by page."
        )
    return answer


def _takes_gzip(event: dict[str, Any]) -> bool:
    accepted = event.get("headers", {}).get("accept-encoding", "")
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
    """Raises Malformed, also for what is too deep or has a number too long for Python to read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None


def to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
