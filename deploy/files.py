"""Headers of the dashboard's files, the same for the local system and the cloud."""

from pathlib import Path, PurePosixPath

DIST = Path(__file__).resolve().parents[1] / "web" / "dist"
"""Output folder of `make web`."""
PAGE = "index.html"
BROTLI = ".br"
"""Suffix of a compressed copy."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


def content_type(name: str) -> str:
    """Look up the type by extension.

    The machine's own table may call .js text/plain, as on Windows.
    """
    return _TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")


def cache_control(name: str) -> str:
    """Choose the caching of a file, such as assets/index-B1x.js.

    Files in assets/ have a content hash as name.
    """
    if name == PAGE:
        # the page names the chunks of its build: a cached page would keep the old release
        return "no-store"
    if name.startswith("assets/"):
        return "public, max-age=31536000, immutable"
    return "no-cache"


def is_page(path: str) -> bool:
    """Return True for a path of the dashboard's router: it has no file, so the page is sent."""
    return "." not in path.rpartition("/")[2]
