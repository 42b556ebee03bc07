"""The HTTP API: SAM CLI's LocalApigwService, mended where it differs from what API Gateway does."""

import base64
import contextlib
import json
import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Request, Response, g, request
from samcli.lib.providers.provider import Cors
from samcli.local.apigw.exceptions import LambdaResponseParseException
from samcli.local.apigw.local_apigw_service import LocalApigwService
from samcli.local.apigw.route import Route
from samcli.local.apigw.service_error_responses import ServiceErrorResponses
from werkzeug.exceptions import HTTPException, NotFound

from local.authorizer_cache import AuthorizerCache
from local.invoke_api import REQUEST_LIMIT
from local.pool import PoolClosed
from local.runtime import LambdaRunner
from local.template import Template

# bytes of a request's body; API Gateway's own
BODY_LIMIT = 10 * 1024 * 1024
_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
_LOG = logging.getLogger(__name__)
# it logs an error for every request that an authorizer turns away, and a warning for every empty body
_SAM_LOG = logging.getLogger("samcli.local.apigw.local_apigw_service")
_SAM_LOG.setLevel(logging.ERROR)
_SAM_LOG.addFilter(lambda record: not record.getMessage().startswith("Lambda authorizer failed"))


class HttpApi(LocalApigwService):  # type: ignore[misc]
    """The routes of the template over its functions."""

    def __init__(self, template: Template, runner: LambdaRunner, *, host: str, port: int) -> None:
        api = template.api
        # all bodies in base64: SAM CLI goes by the binary media types of REST APIs and fails on what is not UTF-8;
        # what is text is turned back below
        api.binary_media_types_set = {"*/*"}
        api.stage_name = api.stage_name or "$default"
        super().__init__(api, runner, static_dir=None, port=port, host=host)
        self.create()
        self._app.url_map.merge_slashes = False  # Flask would redirect `//a` to `/a`
        self._app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
        self._authorizer_cache = AuthorizerCache(template)
        self._exposed = _exposed_headers(template)
        self._app.before_request(self._answer_preflight)
        self._app.after_request(self._add_cors)

    @property
    def wsgi(self) -> Any:
        """The WSGI application."""
        return self._app

    def _construct_error_handling(self) -> None:
        """SAM CLI answers as a REST API does; these are the answers of an HTTP API."""
        self._app.register_error_handler(HTTPException, _http_error)
        self._app.register_error_handler(Exception, _unexpected)

    def _get_current_route(self, flask_request: Request) -> Any:
        try:
            return super()._get_current_route(flask_request)
        except KeyError:
            raise NotFound from None  # Flask adds HEAD to every GET; API Gateway does not

    def _generate_lambda_event(
        self, flask_request: Request, route: Route, method: str, endpoint: str
    ) -> dict[str, Any]:
        event: dict[str, Any] = super()._generate_lambda_event(flask_request, route, method, endpoint)
        # API Gateway leaves out what is empty
        event = {key: value for key, value in event.items() if value not in (None, "", {}, [])}
        event |= _body(flask_request)
        # SAM CLI keeps the client's spelling; API Gateway lowers it, and handlers rely on that
        event["headers"] = _headers(flask_request, self.port)
        event["requestContext"] |= _now()
        event["requestContext"]["http"]["userAgent"] = flask_request.user_agent.string
        return event

    def _generate_lambda_authorizer_event(
        self, flask_request: Request, route: Route, lambda_authorizer: Any
    ) -> dict[str, Any]:
        """SAM CLI hands the authorizer the body too; API Gateway does not.

        Only an identity without a kept answer needs the event, and making it takes as long as making the function's.
        """
        sources = (source.identity_source for source in lambda_authorizer.identity_sources)
        g.identity = (lambda_authorizer.authorizer_name, *(flask_request.headers.get(name, "") for name in sources))
        g.kept = self._authorizer_cache.kept(g.identity)
        if g.kept is not None:
            return {}
        event: dict[str, Any] = super()._generate_lambda_authorizer_event(flask_request, route, lambda_authorizer)
        return {key: value for key, value in event.items() if key not in ("body", "isBase64Encoded")}

    def _invoke_lambda_function(self, name: str, event: dict[str, Any], tenant_id: str | None = None) -> str:
        # SAM CLI invokes the authorizer of a request first, then its function
        if identity := g.pop("identity", None):
            kept: str | None = g.pop("kept", None)
            return kept or self._authorizer_cache.answer(identity, lambda: self._invoke(name, event))
        return self._invoke(name, event)

    def _invoke(self, name: str, event: dict[str, Any]) -> str:
        """SAM CLI guesses from the shape of an answer if it is an error; our runtime says it."""
        payload = json.dumps(event).encode()
        if len(payload) > REQUEST_LIMIT:
            raise _TooLarge
        outcome = self.lambda_runner.run(name, payload)
        if outcome.failed:
            raise LambdaResponseParseException(outcome.payload.decode())
        answer: str = outcome.payload.decode()
        return answer

    def _request_handler(self, **kwargs: Any) -> Any:
        try:
            return super()._request_handler(**kwargs)
        except LambdaResponseParseException:
            return _internal_error(None)  # the authorizer failed
        except _TooLarge:
            return _message(413, "Request Entity Too Large")

    def _answer_preflight(self) -> Response | None:
        """API Gateway answers every preflight itself, with 204; SAM CLI those of its routes, with 200."""
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if self.api.cors and preflight else None

    def _add_cors(self, response: Response) -> Response:
        """SAM CLI gives CORS headers to a function's answers only; API Gateway to all."""
        origin = request.headers.get("Origin")
        for name, value in Cors.cors_to_headers(self.api.cors, origin, Route.HTTP).items():
            response.headers[name] = str(value)
            if self._exposed:
                response.headers["Access-Control-Expose-Headers"] = self._exposed
        return response


class _TooLarge(Exception):
    """The event is larger than Lambda takes."""


def _message(status: int, text: str) -> Response:
    """API Gateway's own error; functions never see these requests, so the body is not theirs to shape."""
    headers = {"apigw-requestid": str(uuid.uuid4())}
    return Response(json.dumps({"message": text}), status, headers, content_type="application/json")


def _unexpected(error: Exception) -> Response:
    """What is not a function's failure, such as code that is not where the template says; a client is not told."""
    if not isinstance(error, PoolClosed):
        _LOG.error("cannot serve %s %s: %s: %s", request.method, request.path, type(error).__name__, error)
    return _internal_error(error)


def _internal_error(_: Any) -> Response:
    return _message(500, "Internal Server Error")


# SAM CLI's texts are a REST API's
ServiceErrorResponses.lambda_authorizer_unauthorized = staticmethod(lambda: _message(403, "Forbidden"))
ServiceErrorResponses.missing_lambda_auth_identity_sources = staticmethod(lambda: _message(401, "Unauthorized"))
ServiceErrorResponses.lambda_failure_response = staticmethod(_internal_error)
ServiceErrorResponses.lambda_body_failure_response = staticmethod(lambda: _internal_error(None))


def _http_error(error: HTTPException) -> Response:
    if error.code == 413:
        return _message(413, "Request Entity Too Large")
    # a route with another method is no route either
    return _message(404, "Not Found") if error.code in (404, 405) else _message(error.code or 500, error.name)


def _exposed_headers(template: Template) -> str:
    """SAM CLI leaves ExposeHeaders out of an API's CORS."""
    cors = [api.properties.get("CorsConfiguration") for api in template.of_type("AWS::Serverless::HttpApi")]
    return ",".join(name for rule in cors if isinstance(rule, dict) for name in rule.get("ExposeHeaders", []))


def _body(flask_request: Request) -> dict[str, Any]:
    """API Gateway passes text as it is; all else is base64, newline-delimited JSON and forms included."""
    body, kind = flask_request.get_data(), flask_request.mimetype
    if not body:
        return {"isBase64Encoded": False}
    if kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml")):
        with contextlib.suppress(UnicodeDecodeError):
            return {"body": body.decode(), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _headers(flask_request: Request, port: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in flask_request.headers.items():
        if name.lower() != "cookie":  # these are in the event's `cookies`
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
    return {**headers, "x-forwarded-proto": flask_request.scheme, "x-forwarded-port": str(port)}


def _now() -> dict[str, Any]:
    """SAM CLI takes request id and time once, when it is imported."""
    now = datetime.now(UTC)
    return {
        "requestId": str(uuid.uuid4()),
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }
