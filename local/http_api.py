"""The HTTP API: SAM CLI's LocalApigwService, corrected where it differs from API Gateway."""

import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

from flask import Request, Response, g, request
from samcli.lib.providers.provider import Cors
from samcli.local.apigw.exceptions import LambdaResponseParseException
from samcli.local.apigw.local_apigw_service import LocalApigwService
from samcli.local.apigw.route import Route
from samcli.local.apigw.service_error_responses import ServiceErrorResponses
from werkzeug.exceptions import HTTPException, NotFound

from local.authorizer_cache import AuthorizerCache
from local.disk_space import ALMOST_FULL
from local.http_event import event_body, event_headers, event_time
from local.invoke_api import REQUEST_LIMIT
from local.pool import PoolClosed, WhilePaused
from local.read_path import NoShortcut, ReadPath, identity_of
from local.runtime import LambdaRunner
from local.template import SamTemplate

BODY_LIMIT = 10 * 1024 * 1024
"""Bytes of a request's body, as in API Gateway."""

_LOG = logging.getLogger(__name__)
# SAM CLI logs an error for every denied request, and a warning for every empty body.
_SAM_LOG = logging.getLogger("samcli.local.apigw.local_apigw_service")
_SAM_LOG.setLevel(logging.ERROR)
_SAM_LOG.addFilter(lambda record: not record.getMessage().startswith("Lambda authorizer failed"))


class HttpApi(LocalApigwService):  # type: ignore[misc]
    """The template's routes. While `read_only()` is true, only GET and HEAD reach a function."""

    def __init__(
        self,
        template: SamTemplate,
        runner: LambdaRunner,
        *,
        host: str,
        port: int,
        read_only: Callable[[], bool] = lambda: False,
    ) -> None:
        api = template.api
        # All bodies in base64: SAM CLI follows the binary media types of REST APIs and fails on bytes outside UTF-8.
        # `_body` decodes text again.
        api.binary_media_types_set = {"*/*"}
        api.stage_name = api.stage_name or "$default"
        super().__init__(api, runner, static_dir=None, port=port, host=host)
        self.create()
        self._app.url_map.merge_slashes = False  # Flask would redirect `//a` to `/a`
        self._app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
        self._authorizer_cache = AuthorizerCache(template)
        self._exposed = _exposed_headers(template)
        self._read_path = ReadPath(self._app.url_map, runner, self._authorizer_cache, self._cors_headers(None))
        self._read_only = read_only
        self._app.before_request(self._answer_preflight)
        self._app.before_request(self._refuse_write)
        self._app.after_request(self._add_cors)

    @property
    def wsgi(self) -> Any:
        """The WSGI application."""
        return self._serve

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Any:
        try:
            response = self._read_path.answer(environ, self.port)
        except NoShortcut:
            return self._app(environ, start_response)
        except LambdaResponseParseException:
            response = _internal_error(None)
        except (PoolClosed, OSError) as exc:
            with self._app.request_context(environ):
                response = _unexpected(exc)
        return response(environ, start_response)

    def _construct_error_handling(self) -> None:
        """Respond with the errors of an HTTP API; SAM CLI uses those of a REST API."""
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
        # API Gateway omits empty fields.
        event = {key: value for key, value in event.items() if value not in (None, "", {}, [])}
        event |= event_body(flask_request)
        # SAM CLI keeps the case of header names; API Gateway lowers it, and handlers rely on lower case.
        event["headers"] = event_headers(flask_request, self.port)
        event["requestContext"] |= event_time()
        event["requestContext"]["http"]["userAgent"] = flask_request.user_agent.string
        if method == "GET":
            self._read_path.remember(endpoint, route, event)
        return event

    def _generate_lambda_authorizer_event(
        self, flask_request: Request, route: Route, lambda_authorizer: Any
    ) -> dict[str, Any]:
        """Build the authorizer's event without the body; API Gateway does not send it, SAM CLI does.

        The event is empty for a cached identity, as building it takes as long as building the function's event.
        """
        g.identity = identity_of(lambda_authorizer, flask_request)
        g.cached = self._authorizer_cache.cached(g.identity)
        if g.cached is not None:
            return {}
        event: dict[str, Any] = super()._generate_lambda_authorizer_event(flask_request, route, lambda_authorizer)
        return {key: value for key, value in event.items() if key not in ("body", "isBase64Encoded")}

    def _invoke_lambda_function(self, name: str, event: dict[str, Any], tenant_id: str | None = None) -> str:
        # SAM CLI invokes the authorizer of a request first, then the function.
        if identity := g.pop("identity", None):
            cached: str | None = g.pop("cached", None)
            return cached or self._authorizer_cache.get_or_ask(identity, lambda: self._invoke(name, event))
        return self._invoke(name, event)

    def _invoke(self, name: str, event: dict[str, Any]) -> str:
        """Invoke a function; `outcome.failed` marks errors.

        SAM CLI guesses errors from the response's shape.
        """
        payload = json.dumps(event).encode()
        if len(payload) > REQUEST_LIMIT:
            raise _TooLarge
        reads = request.method in ("GET", "HEAD")
        while_paused = WhilePaused.RUN if reads else WhilePaused.FAIL
        outcome = self.lambda_runner.run(name, payload, while_paused=while_paused)
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
        """Answer every preflight with 204, as API Gateway does.

        SAM CLI answers only those on routes, with 200.
        """
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if self.api.cors and preflight else None

    def _refuse_write(self) -> Response | None:
        """Refuse a write while the disk is almost full."""
        if request.method in ("GET", "HEAD") or not self._read_only():
            return None
        request_id = str(uuid.uuid4())
        error = {"code": "UNAVAILABLE", "message": ALMOST_FULL, "details": None, "requestId": request_id}
        headers = {"Cache-Control": "no-store", "x-request-id": request_id}
        return Response(json.dumps({"error": error}), 503, headers, content_type="application/json")

    def _add_cors(self, response: Response) -> Response:
        """Add CORS headers to every response, as API Gateway does.

        SAM CLI adds them to functions' responses only.
        """
        response.headers.update(self._cors_headers(request.headers.get("Origin")))
        return response

    def _cors_headers(self, origin: str | None) -> dict[str, str]:
        headers = {name: str(value) for name, value in Cors.cors_to_headers(self.api.cors, origin, Route.HTTP).items()}
        if headers and self._exposed:
            headers["Access-Control-Expose-Headers"] = self._exposed
        return headers


class _TooLarge(Exception):
    """The event exceeds Lambda's size limit."""


def _message(status: int, text: str) -> Response:
    """Return an error of API Gateway itself; these requests never reach a function."""
    headers = {"apigw-requestid": str(uuid.uuid4())}
    return Response(json.dumps({"message": text}), status, headers, content_type="application/json")


def _unexpected(error: Exception) -> Response:
    """Log an error outside a function, such as a missing code folder; hide it from the client."""
    if not isinstance(error, PoolClosed):
        _LOG.error("Cannot serve %s %s: %s: %s", request.method, request.path, type(error).__name__, error)
    return _internal_error(error)


def _internal_error(_: Any) -> Response:
    return _message(500, "Internal Server Error")


# SAM CLI's error texts are those of a REST API.
ServiceErrorResponses.lambda_authorizer_unauthorized = staticmethod(lambda: _message(403, "Forbidden"))
ServiceErrorResponses.missing_lambda_auth_identity_sources = staticmethod(lambda: _message(401, "Unauthorized"))
ServiceErrorResponses.lambda_failure_response = staticmethod(_internal_error)
ServiceErrorResponses.lambda_body_failure_response = staticmethod(lambda: _internal_error(None))


def _http_error(error: HTTPException) -> Response:
    if error.code == 413:
        return _message(413, "Request Entity Too Large")
    # An HTTP API returns 404 for a known path with another method.
    return _message(404, "Not Found") if error.code in (404, 405) else _message(error.code or 500, error.name)


def _exposed_headers(template: SamTemplate) -> str:
    """Return Access-Control-Expose-Headers; SAM CLI ignores ExposeHeaders."""
    cors = [api.properties.get("CorsConfiguration") for api in template.of_type("AWS::Serverless::HttpApi")]
    return ",".join(name for rule in cors if isinstance(rule, dict) for name in rule.get("ExposeHeaders", []))
