"""Fields of API Gateway's event for an HTTP API, where SAM CLI's differ from them."""

import base64
import contextlib
import uuid
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request

_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")


def event_body(request: Request) -> dict[str, Any]:
    """Encode the body as API Gateway does: text as is; all else, NDJSON too, in base64."""
    body, kind = request.get_data(), request.mimetype
    if not body:
        return {"isBase64Encoded": False}
    if kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml")):
        with contextlib.suppress(UnicodeDecodeError):
            return {"body": body.decode(), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def event_headers(request: Request, port: int) -> dict[str, str]:
    """Return the headers in lower case, without cookies."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if name.lower() != "cookie":  # these are in the event's `cookies`
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
    return {**headers, "x-forwarded-proto": request.scheme, "x-forwarded-port": str(port)}


def event_time() -> dict[str, Any]:
    """Return the request id and time of this request; SAM CLI sets them once, at import."""
    now = datetime.now(UTC)
    return {
        "requestId": str(uuid.uuid4()),
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }
