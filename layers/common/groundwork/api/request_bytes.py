"""The body of a request as the client has sent it, before anything decides on its charset."""

import base64
import binascii
import gzip
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.errors import Malformed, TooLarge, UnsupportedMediaType

CHANGED = (
    "The gateway has changed bytes that are not UTF-8. Send the file as application/octet-stream, with ?type= and "
    "?charset= where they are known."
)


@dataclass(frozen=True, slots=True)
class RequestBytes:
    """`is_text`: the gateway has decoded the body.

    Its bytes are UTF-8, whatever charset the client states.
    """

    data: bytes
    is_text: bool


def request_bytes(event: Mapping[str, Any]) -> RequestBytes:
    """Return the body of an API Gateway event (payload 2.0). Raises Malformed."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        # half a surrogate pair goes through, for the importer to refuse
        return RequestBytes(body.encode(errors="surrogatepass"), True)
    try:
        return RequestBytes(base64.b64decode(body, validate=True), False)
    except (binascii.Error, ValueError):
        raise Malformed("The body is not valid base64.") from None


def unpacked(body: RequestBytes, content_encoding: str, limit: int) -> RequestBytes:
    """Undo `Content-Encoding`.

    Raises UnsupportedMediaType, Malformed, and TooLarge beyond `limit` bytes.
    """
    names = [name.strip().lower() for name in content_encoding.split(",") if name.strip()]
    # the header lists the encodings in the order of their application
    for name in reversed(names):
        if name in ("gzip", "x-gzip"):
            body = RequestBytes(_gunzipped(body, limit), False)
        elif name != "identity":
            raise UnsupportedMediaType("Content-Encoding may be gzip.")
    return body


def _gunzipped(body: RequestBytes, limit: int) -> bytes:
    if body.is_text:
        raise Malformed(CHANGED)
    try:
        with gzip.open(io.BytesIO(body.data)) as file:
            # one byte too many shows the excess without unpacking a bomb
            data = file.read(limit + 1)
    except (OSError, EOFError, zlib.error):
        raise Malformed("The body is not whole gzip data, as Content-Encoding says.") from None
    if len(data) > limit:
        raise TooLarge(f"Unpacked, the body is larger than {limit // 1024 // 1024} MB.")
    return data
