"""What a file of the built dashboard is sent with, the same on one machine and in the cloud."""

from pathlib import Path, PurePosixPath

DIST = Path(__file__).resolve().parents[1] / "web" / "dist"
"""Where `make web` puts the built dashboard."""
PAGE = "index.html"
BROTLI = ".br"
"""What a file's name has behind it where it is there compressed, too."""

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
    """By the file's extension. Not by the machine's table of types: Windows and some images call .js text/plain."""
    return _TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")


def cache_control(name: str) -> str:
    """`name` is relative to the build, such as assets/index-B1x.js; what lies in assets/ is named by its content."""
    if name == PAGE:
        return "no-store"
    if name.startswith("assets/"):
        return "public, max-age=31536000, immutable"
    return "no-cache"


def is_page(path: str) -> bool:
    """Whether a URL's path is one of the dashboard's router: it has no file, so the page is sent."""
    return "." not in path.rpartition("/")[2]
