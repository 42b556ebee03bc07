"""The dashboard's files beside the API, with CloudFront's types, caching and headers.

The files need no token. They are read on each request, so a new build needs no restart.
"""

import gzip
import html
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from werkzeug.http import generate_etag
from werkzeug.wrappers import Request, Response

from deploy.files import BROTLI, PAGE, cache_control, content_type, is_page
from local.buckets import without_tls
from local.template import SamTemplate

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

_COMPRESSIBLE = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
_MIN_COMPRESSED = 1000
"""Bytes; a smaller response fits into one packet anyway."""

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The dashboard is not built</title>
<h1>The dashboard is not built</h1>
<p>{directory} has no {page}. Build the dashboard, then reload this page:</p>
<pre>make web</pre>
<p>The API works without it, at <code>/api</code>.</p>
</html>
"""


class Dashboard:
    """WSGI application: `api` for the distribution's API paths, files of `directory` for others.

    Without a distribution in the template, every request goes to `api`.
    """

    def __init__(self, directory: Path, api: Wsgi, template: SamTemplate) -> None:
        self._directory, self._api = directory.resolve(), api
        self._headers = security_headers(template)
        self._api_patterns = _patterns(template)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        reads = environ["REQUEST_METHOD"] in ("GET", "HEAD")
        if not reads or any(fnmatchcase(path, pattern) for pattern in self._api_patterns):
            return self._api(environ, start_response)
        response = self._answer(path, Request(environ))
        response.headers.extend(self._headers)
        return response(environ, start_response)

    def _answer(self, path: str, request: Request) -> Response:
        name = PAGE if is_page(path) else path.lstrip("/")
        file = (self._directory / name).resolve()
        # `..` in a path must not lead out of the folder.
        if file.is_relative_to(self._directory) and file.is_file():
            return _file(file, name, request)
        if name == PAGE:
            text = _NOT_BUILT.format(page=PAGE, directory=html.escape(str(self._directory)))
            return Response(text, 503, {"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")
        return Response("File not found.\n", 404, {"Cache-Control": "no-store"}, content_type="text/plain")


def security_headers(template: SamTemplate) -> dict[str, str]:
    """Return CloudFront's response headers for the files, without HSTS as this is HTTP."""
    headers: dict[str, str] = {}
    for policy in template.of_type("AWS::CloudFront::ResponseHeadersPolicy"):
        config = policy.properties["ResponseHeadersPolicyConfig"]
        rules = config["SecurityHeadersConfig"]
        headers |= {
            "Content-Security-Policy": without_tls(rules["ContentSecurityPolicy"]["ContentSecurityPolicy"]),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": rules["FrameOptions"]["FrameOption"],
            "Referrer-Policy": rules["ReferrerPolicy"]["ReferrerPolicy"],
        }
        headers |= {item["Header"]: item["Value"] for item in config["CustomHeadersConfig"]["Items"]}
    return headers


def _patterns(template: SamTemplate) -> list[str]:
    distributions = template.of_type("AWS::CloudFront::Distribution")
    behaviors = [one for each in distributions for one in each.properties["DistributionConfig"]["CacheBehaviors"]]
    return [str(one["PathPattern"]) for one in behaviors] if distributions else ["*"]


def _file(file: Path, name: str, request: Request) -> Response:
    kind = content_type(name)
    headers = {"Cache-Control": cache_control(name)}
    body, encoding = file.read_bytes(), ""
    if kind.startswith(_COMPRESSIBLE) and len(body) >= _MIN_COMPRESSED:
        headers["Vary"] = "Accept-Encoding"
        body, encoding = _compress(file, body, request)
    if encoding:
        headers["Content-Encoding"] = encoding
    response = Response(body, 200, headers, content_type=kind)
    response.set_etag(generate_etag(body))
    return response.make_conditional(request)


def _compress(file: Path, body: bytes, request: Request) -> tuple[bytes, str]:
    """Encode for the browser: brotli if the build made it, else gzip, else no encoding."""
    ready = file.with_name(file.name + BROTLI)
    if request.accept_encodings.quality("br") and ready.is_file():
        return ready.read_bytes(), "br"
    if request.accept_encodings.quality("gzip"):
        return _gzip(body), "gzip"
    return body, ""


@lru_cache(maxsize=200)
def _gzip(body: bytes) -> bytes:
    # A fixed time: the ETag depends on the bytes.
    return gzip.compress(body, mtime=0)
