"""Mirror of the buckets in the data folder; moto itself keeps S3 in memory only.

An object's file is at BUCKET/KEY, the key percent-encoded, with its headers in a second file. The next start puts every
object again. This repeats S3's events for new objects, so missed events are delivered then.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from local.disk_space import ALMOST_FULL, MIN_FREE_MB, free_mb
from local.serving import Wsgi

_WRITES = ("PUT", "POST", "DELETE")
_META = ".meta"
_HEADERS = ("ContentType", "ContentEncoding", "Metadata")
MAX_NAME = 200
"""Bytes of a file name; file systems allow 255."""


class ObjectFiles:
    """Mirrors buckets into `folder` and restores them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()

    def has_room(self, size: int) -> bool:
        """Return True if the disk has space for so many bytes, with a reserve for the tables."""
        return size >> 20 <= free_mb(self._folder) - MIN_FREE_MB

    def restore(self, client: Any) -> None:
        """Put the mirrored objects into the existing buckets; `client` is boto3's S3 client."""
        for bucket in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            for file in sorted((self._folder / quote(bucket, safe="")).rglob("*" + _META)):
                about = json.loads(file.read_text())
                body = file.with_name(file.name.removesuffix(_META)).read_bytes()
                client.put_object(Bucket=bucket, Key=about.pop("Key"), Body=body, **about)

    def mirror(self, bucket: str, key: str | None) -> None:
        """Update the file of a key, or all files of the bucket if the key is None."""
        with self._lock:
            # Read under the lock: two writes of a key must not be mirrored in the wrong order.
            there = {str(one.name): one for one in _keys(bucket)}
            for name in [key] if key is not None else [*there, *self._names(bucket)]:
                self._mirror(bucket, name, there.get(name))

    def _mirror(self, bucket: str, name: str, found: Any) -> None:
        file = self._file(bucket, name)
        if found is None:
            # First the file that `restore` looks for: a kill in between leaves no half object.
            file.with_name(file.name + _META).unlink(missing_ok=True)
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, found.value)
        # Written last: `restore` looks for this file, so it never meets half an object.
        _write(file.with_name(file.name + _META), json.dumps({"Key": name, **_about(found)}).encode())

    def _names(self, bucket: str) -> Iterator[str]:
        for file in (self._folder / quote(bucket, safe="")).rglob("*" + _META):
            yield str(json.loads(file.read_text())["Key"])

    def _file(self, bucket: str, name: str) -> Path:
        encoded = quote(name, safe="")
        parts = [encoded[start : start + MAX_NAME] for start in range(0, len(encoded), MAX_NAME)]
        # A long key becomes a path. Folders end in `+`, files in `=`, so no folder can clash with a file.
        return Path(self._folder, quote(bucket, safe=""), *(f"{part}+" for part in parts[:-1]), f"{parts[-1]}=")


class MirroredObjects:
    """WSGI application around `moto`; mirrors each change before its response is sent."""

    def __init__(self, moto: Wsgi, files: ObjectFiles) -> None:
        self._moto, self._files = moto, files

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in _WRITES or not is_s3(environ):
            return self._moto(environ, start_response)
        if environ["REQUEST_METHOD"] != "DELETE" and not self._files.has_room(int(environ.get("CONTENT_LENGTH") or 0)):
            return _refuse(environ, start_response)
        # WSGI decodes the bytes of a path as Latin-1.
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        bucket, _, key = path.lstrip("/").partition("/")
        answer = list(self._moto(environ, start_response))
        # A bulk deletion or a form has the keys in the body; a PUT of the bucket itself changes no object.
        if key or environ["REQUEST_METHOD"] == "POST":
            self._files.mirror(bucket, key or None)
        return answer


def _refuse(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a write without space with S3's error format."""
    # Unread, the body would be taken for the next request of the connection.
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("503 Service Unavailable", [("Content-Type", "application/xml")])
    return [f"<Error><Code>ServiceUnavailable</Code><Message>{ALMOST_FULL}</Message></Error>".encode()]


def is_s3(environ: dict[str, Any]) -> bool:
    """Recognize a request to S3 by its signature's scope, in the header or in a presigned URL."""
    query = parse_qs(environ.get("QUERY_STRING", ""))
    scopes = [environ.get("HTTP_AUTHORIZATION", ""), *query.get("X-Amz-Credential", ())]
    return any("/s3/aws4_request" in scope for scope in scopes) or "AWSAccessKeyId" in query


def _keys(bucket: str) -> list[Any]:
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(bucket)
    return list(found.keys.values()) if found else []


def _about(key: Any) -> dict[str, Any]:
    metadata = {name: value for name, value in dict(key.metadata).items() if name.startswith("x-amz-meta-")}
    about = {
        "ContentType": dict(key.metadata).get("content-type"),
        "ContentEncoding": dict(key.metadata).get("content-encoding"),
        "Metadata": {name.removeprefix("x-amz-meta-"): value for name, value in metadata.items()},
    }
    return {name: about[name] for name in _HEADERS if about[name]}


def _write(file: Path, content: bytes) -> None:
    # A kill during the write leaves the old content.
    draft = file.with_name(file.name + ".draft")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
