"""Objects of the template's buckets as files: moto keeps S3 in memory, so each change is mirrored into the data folder.

A file lies at BUCKET/KEY, the key percent-encoded, with its headers beside it. At the next start every object is put
again, so the events that S3 sends of new objects are repeated: whoever missed one hears it then.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from local.serving import Wsgi

_WRITES = ("PUT", "POST", "DELETE")
_META = ".meta"
_HEADERS = ("ContentType", "ContentEncoding", "Metadata")
MAX_NAME = 200
"""Bytes of one name in a folder; file systems take 255."""


class ObjectFiles:
    """Mirrors buckets into `folder`, and puts them back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def restore(self, client: Any) -> None:
        """Put every object of a bucket that is there; `client` is boto3's of S3."""
        for bucket in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            for file in sorted((self._folder / quote(bucket, safe="")).rglob("*" + _META)):
                about = json.loads(file.read_text())
                body = file.with_name(file.name.removesuffix(_META)).read_bytes()
                client.put_object(Bucket=bucket, Key=about.pop("Key"), Body=body, **about)

    def mirror(self, bucket: str, key: str | None) -> None:
        """Make the files as the bucket is now; all of them without a key."""
        with self._lock:
            there = {str(one.name): one for one in _keys(bucket)}
            for name in [key] if key is not None else [*there, *self._names(bucket)]:
                self._mirror(bucket, name, there.get(name))

    def _mirror(self, bucket: str, name: str, found: Any) -> None:
        file = self._file(bucket, name)
        if found is None:
            file.unlink(missing_ok=True)
            file.with_name(file.name + _META).unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, found.value)
        _write(file.with_name(file.name + _META), json.dumps({"Key": name, **_about(found)}).encode())

    def _names(self, bucket: str) -> Iterator[str]:
        for file in (self._folder / quote(bucket, safe="")).rglob("*" + _META):
            yield str(json.loads(file.read_text())["Key"])

    def _file(self, bucket: str, name: str) -> Path:
        encoded = quote(name, safe="")
        parts = [encoded[start : start + MAX_NAME] for start in range(0, len(encoded), MAX_NAME)]
        # a long key is a path: all but its last part are folders, which no file's name can be
        return Path(self._folder, quote(bucket, safe=""), *(f"{part}+" for part in parts[:-1]), f"{parts[-1]}=")


class MirroredObjects:
    """A WSGI application: what `moto` answers, with each change to an object mirrored before the answer is out."""

    def __init__(self, moto: Wsgi, files: ObjectFiles) -> None:
        self._moto, self._files = moto, files

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in _WRITES or not is_s3(environ):
            return self._moto(environ, start_response)
        # WSGI hands over the bytes of a path as Latin-1
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        bucket, _, key = path.lstrip("/").partition("/")
        answer = list(self._moto(environ, start_response))
        # a bulk deletion or a form names its keys in the body; a PUT of the bucket itself changes no object
        if key or environ["REQUEST_METHOD"] == "POST":
            self._files.mirror(bucket, key or None)
        return answer


def is_s3(environ: dict[str, Any]) -> bool:
    """By the scope of its signature, in the header or in the address of a presigned request."""
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
    draft = file.with_name(file.name + ".draft")
    draft.write_bytes(content)
    draft.replace(file)
