"""Responses of each operation: headers, and errors of the application and the gateway."""

from collections.abc import Iterator
from typing import Any

from checks.api.schema import reference
from checks.api.texts import OperationText, code_texts, operation_texts, parameter_texts
from groundwork.backlog.card_import import errors as _of_imports  # noqa: F401
from groundwork.errors import Refusal
from groundwork.execution import errors as _of_executions  # noqa: F401  # imported for its subclasses of Refusal
from groundwork.plans import errors as _of_plans  # noqa: F401

HEADERS = {
    "RequestId": {"description": "Id of the request in the server's log.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds to wait before the next attempt.", "schema": {"type": "integer"}},
    "ETag": {
        "description": "Version of the resource, for `If-Match` or `If-None-Match`.",
        "schema": {"type": "string"},
    },
    "ContentDisposition": {"description": "Name of the file.", "schema": {"type": "string"}},
}


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


ALWAYS = {"x-request-id": _header("RequestId")}
EITHER = {"anyOf": [reference("ErrorResponse"), reference("GatewayError")]}


def _response(description: str, schema: dict[str, Any], **headers: dict[str, str]) -> dict[str, Any]:
    named = {name.replace("_", "-"): header for name, header in headers.items()}
    return {"description": description, "headers": named, "content": {"application/json": {"schema": schema}}}


# The gateway names the request in `apigw-requestid`; only the application sets x-request-id.
RESPONSES = {
    "Unauthorized": _response("The token is missing. Sent by the gateway.", reference("GatewayError")),
    "Forbidden": _response("The token is not valid. Sent by the gateway.", reference("GatewayError")),
    "TooLarge": _response(
        "`TOO_LARGE`: The request or the response exceeds the size limit. Above 10 MB sent by the gateway.", EITHER
    ),
    "TooManyRequests": _response("The rate limit is exceeded. Sent by the gateway.", reference("GatewayError")),
    "InternalError": _response("`INTERNAL`: Unexpected error. Sent by the gateway if the function failed.", EITHER),
    "Unavailable": _response(
        "`UNAVAILABLE`: A service did not respond. Sent by the gateway if no function is free or it took too long.",
        EITHER,
        **ALWAYS,
        Retry_After=_header("RetryAfter"),
    ),
    "TimedOut": _response(
        "`TIMED_OUT`: The request took too long. It may have taken effect; read the resource before a new attempt.",
        reference("ErrorResponse"),
        **ALWAYS,
    ),
    "UnexpectedError": _response("Another error.", EITHER),
}
SHARED = {"413": "TooLarge", "429": "TooManyRequests", "500": "InternalError", "503": "Unavailable", "504": "TimedOut"}


def complete(document: dict[str, Any]) -> None:
    """Add texts, headers and errors to each operation."""
    document["components"] |= {"headers": HEADERS, "responses": RESPONSES}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(operation, has_id="{" in path)


def _complete(operation: dict[str, Any], has_id: bool) -> None:
    text = operation_texts().get(operation["operationId"], OperationText(""))
    operation["description"] = text.text
    _describe_parameters(operation, text)
    successes = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    for answer in successes.values():
        answer["headers"] = ALWAYS | ({"ETag": _header("ETag")} if text.etag else {})
    errors = dict(_errors(operation, text, has_id))
    shared = SHARED if operation.get("security") == [] else SHARED | {"401": "Unauthorized", "403": "Forbidden"}
    errors |= {status: {"$ref": f"#/components/responses/{name}"} for status, name in shared.items()}
    errors["default"] = {"$ref": "#/components/responses/UnexpectedError"}
    operation["responses"] = successes | _special(operation, successes) | dict(sorted(errors.items()))


def _special(operation: dict[str, Any], successes: dict[str, Any]) -> dict[str, Any]:
    match operation["operationId"]:
        case "getRunProgress":
            return {"304": {"description": "Not changed", "headers": ALWAYS | {"ETag": _header("ETag")}}}
        case "exportBacklog":
            successes["200"]["headers"] |= {"Content-Disposition": _header("ContentDisposition")}
    return {}


def _describe_parameters(operation: dict[str, Any], text: OperationText) -> None:
    texts = parameter_texts() | dict(text.parameters)
    for parameter in operation.get("parameters", ()):
        parameter["schema"].pop("description", None)
        if parameter["name"] in texts:
            parameter["description"] = texts[parameter["name"]]


def _errors(operation: dict[str, Any], text: OperationText, has_id: bool) -> Iterator[tuple[str, Any]]:
    by_status: dict[int, list[str]] = {}
    for code in [*_usual_codes(operation, has_id), *text.errors]:
        by_status.setdefault(statuses().get(code, 0), []).append(code)
    # every operation has the shared answer, and it includes the gateway's
    by_status.pop(413, None)
    for status, codes in by_status.items():
        description = "\n\n".join(f"`{code}`: {code_texts().get(code, '')}" for code in codes)
        yield str(status), _response(description, reference("ErrorResponse"), **ALWAYS)


def _usual_codes(operation: dict[str, Any], has_id: bool) -> Iterator[str]:
    names = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] != "path"}
    if has_id or "repositoryId" in names or operation["operationId"] in ("createPhase", "createTask"):
        yield "NOT_FOUND"
    if "requestBody" in operation or "if-match" in names:
        yield "MALFORMED"
    if "requestBody" in operation:
        yield "UNSUPPORTED_MEDIA_TYPE"
    if "requestBody" in operation or names:
        yield "INVALID"


def statuses() -> dict[str, int]:
    """The status of each error code, from the exceptions of the code."""
    return {kind.code: kind.status for kind in _refusals(Refusal)}


def _refusals(base: type[Refusal]) -> Iterator[type[Refusal]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _refusals(kind)
