"""Transfer of kept set-ups from and to one-time URLs."""

import http.client
import urllib.parse
from typing import IO, Any

from .refusal import Refused


def transfer(method: str, url: str, *, body: IO[bytes] | None = None, into: IO[bytes] | None = None, size: int) -> int:
    """Transfer a kept set-up from or to its one-time URL. Return its size in bytes."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=60)
    try:
        # S3 refuses a body without a length
        headers = {"Content-Length": str(size)} if body is not None else {}
        connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise Refused(424, "STORE", f"object storage answered {answer.status}")
        return _copy(answer, into, size) if into is not None else size
    except (OSError, http.client.HTTPException) as exc:
        raise Refused(424, "STORE", f"the store did not answer: {type(exc).__name__}") from exc
    finally:
        connection.close()


def _copy(source: Any, into: IO[bytes], limit: int) -> int:
    size = 0
    while chunk := source.read(2**20):
        size += len(chunk)
        if size > limit:
            raise Refused(413, "TOO_LARGE", f"more than {limit // 2**20} MB")
        into.write(chunk)
    return size
