"""A shortcut for GET requests, past Flask and SAM CLI.

Both take longer than a short function. The shortcut serves a GET of a known route with a cached authorization. It takes
the event of the route's first request and replaces the fields of this one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from samcli.local.apigw.authorizers.lambda_authorizer import LambdaAuthorizer
from samcli.local.apigw.exceptions import LambdaResponseParseException
from samcli.local.apigw.local_apigw_service import LocalApigwService
from samcli.local.apigw.route import Route
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RequestRedirect
from werkzeug.wrappers import Request, Response

from local.authorizer_cache import AuthorizerCache, Identity
from local.http_event import event_headers, event_time
from local.runtime import LambdaRunner

type Event = dict[str, Any]

_SAME = ("version", "routeKey", "isBase64Encoded")
"""Fields of an event shared by all GET requests of a route."""

_RARE = ("HTTP_ORIGIN", "HTTP_COOKIE", "HTTP_TRANSFER_ENCODING")
"""Requests with these headers are left to SAM CLI."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A served route, with the event of its first request."""

    route: Route
    event: Event


class NoShortcut(Exception):
    """The request must take the long way."""


class ReadPath:
    """Answers GET requests of remembered routes. `headers` are added to every response."""

    def __init__(self, routes: Map, runner: LambdaRunner, cache: AuthorizerCache, headers: Mapping[str, str]) -> None:
        self._routes = routes.bind("")
        self._runner, self._cache, self._headers = runner, cache, headers
        self._known: dict[str, _Known] = {}

    def remember(self, endpoint: str, route: Route, event: Event) -> None:
        """Keep the event of a served GET request as the model of the next ones."""
        if endpoint not in self._known and _is_simple(route):
            context = {**event["requestContext"], "http": dict(event["requestContext"]["http"])}
            self._known[endpoint] = _Known(route, {**event, "requestContext": context})

    def answer(self, environ: dict[str, Any], port: int) -> Response:
        """Invoke the route's function and return its response.

        Raises NoShortcut before the invocation, LambdaResponseParseException for a failed or invalid one.
        """
        known, arguments = self._match(environ)
        request = Request(environ)
        event = self._event(known, request, arguments, port)
        outcome = self._runner.run(known.route.function_name, json.dumps(event).encode())
        if outcome.failed:
            raise LambdaResponseParseException(outcome.payload.decode())
        parse = LocalApigwService._parse_v2_payload_format_lambda_output
        status, headers, body = parse(outcome.payload.decode(), [], None)
        headers.update(self._headers)
        response = Response(body)
        response.headers.update(headers)
        response.status_code = status
        return response

    def _match(self, environ: dict[str, Any]) -> tuple[_Known, dict[str, Any]]:
        path: str = environ["PATH_INFO"]
        reads = environ["REQUEST_METHOD"] == "GET" and environ.get("CONTENT_LENGTH", "0") in ("", "0")
        # WSGI passes other bytes as Latin-1; SAM CLI decodes them.
        plain = path.isascii() and environ.get("QUERY_STRING", "").isascii()
        if not reads or not plain or any(name in environ for name in _RARE):
            raise NoShortcut
        try:
            endpoint, arguments = self._routes.match(path, "GET")
        except (HTTPException, RequestRedirect):
            raise NoShortcut from None
        if endpoint not in self._known:
            raise NoShortcut
        return self._known[endpoint], dict(arguments)

    def _event(self, known: _Known, request: Request, arguments: dict[str, Any], port: int) -> Event:
        context = known.event["requestContext"]
        http = {
            **context["http"],
            "path": request.path,
            "sourceIp": request.remote_addr,
            "userAgent": request.user_agent.string,
        }
        fields = {
            **{name: known.event[name] for name in _SAME if name in known.event},
            "rawPath": request.path,
            "rawQueryString": request.query_string.decode(),
            "headers": event_headers(request, port),
            "queryStringParameters": {name: ",".join(values) for name, values in request.args.lists()},
            "pathParameters": arguments,
            "requestContext": {**context, **event_time(), "http": http, **self._authorization(known.route, request)},
        }
        # API Gateway omits empty fields.
        return {name: value for name, value in fields.items() if value not in ("", {})}

    def _authorization(self, route: Route, request: Request) -> Event:
        authorizer = route.authorizer_object
        if authorizer is None:
            return {}
        cached = self._cache.cached(identity_of(authorizer, request))
        if cached is None or not authorizer.is_valid_response(cached, ""):
            raise NoShortcut
        return {"authorizer": {"lambda": authorizer.get_context(cached)}}


def identity_of(authorizer: LambdaAuthorizer, request: Request) -> Identity:
    """Return the key of an authorizer's cached response."""
    sources = (source.identity_source for source in authorizer.identity_sources)
    return (authorizer.authorizer_name, *(request.headers.get(name, "") for name in sources))


def _is_simple(route: Route) -> bool:
    """Return True for a route in format 2.0, with an authorizer of simple responses or none."""
    authorizer = route.authorizer_object
    allowed = authorizer is None or (isinstance(authorizer, LambdaAuthorizer) and authorizer.use_simple_response)
    return allowed and route.event_type == Route.HTTP and route.payload_format_version in (None, "2.0")
