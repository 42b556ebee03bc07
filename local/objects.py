"""Mirror of the buckets in the data folder; moto itself keeps S3 in memory only.

An object's file is at BUCKET/KEY, the key percent-encoded, with its headers in a second file; in a bucket with versions
each version has its own. The next start restores them under the same version ids and repeats S3's events, so missed
events are delivered then, and known ones are recognized.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeDeleteMarker, FakeKey, s3_backends
from moto.s3.notifications import S3NotificationEvent, send_event

from local.disk_space import ALMOST_FULL, MIN_FREE_MB, free_mb
from local.serving import Wsgi

_WRITES = ("PUT", "POST", "DELETE")
_META = ".meta"
_DRAFT = ".draft"
_HEADERS = ("ContentType", "ContentEncoding", "Metadata")
_MARKER = "DeleteMarker"
_SIZE = "Size"
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError)
_PIECE = 1 << 20
MAX_NAME = 200
"""Bytes of a file name; file systems allow 255."""


class ObjectFiles:
    """Mirrors buckets into `folder` and restores them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._lock = threading.Lock()

    def has_room(self, size: int) -> bool:
        """Return True if the disk has space for so many bytes, with a reserve for the tables."""
        return size >> 20 <= free_mb(self.folder) - MIN_FREE_MB

    def restore(self, client: Any, say: Callable[[str], None]) -> None:
        """Put the mirrored objects into the existing buckets; `client` is boto3's S3 client.

        Skips damaged ones, with a line for each.
        """
        for name in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            for draft in self._own_files(name, _DRAFT):
                draft.unlink(missing_ok=True)
            bucket, found = _bucket(name), self._readable(name, say)
            # The oldest version first: the last one of a key is its current version.
            for about, file in sorted(found, key=lambda one: (one[0]["Key"], one[0].get("LastModified", 0))):
                try:
                    _restore(bucket, about, file.with_name(file.name.removesuffix(_META)))
                except _UNREADABLE as exc:
                    say(f"Skipped a damaged object: {file} ({exc})")

    def _readable(self, bucket: str, say: Callable[[str], None]) -> Iterator[tuple[dict[str, Any], Path]]:
        for file in self._own_files(bucket, _META):
            try:
                yield _read_about(file), file
            except _UNREADABLE as exc:
                say(f"Skipped a damaged object: {file} ({exc})")

    def mirror(self, bucket: str, key: str | None) -> None:
        """Update the files of a key, or all files of the bucket if the key is None."""
        with self._lock:
            # Read under the lock: two writes of a key must not be mirrored in the wrong order.
            for name in [key] if key is not None else {*_keys(bucket), *self._names(bucket)}:
                self._mirror(bucket, name, _versions(bucket, name))

    def _mirror(self, bucket: str, name: str, versions: list[Any]) -> None:
        files = {self._file(bucket, name, version): version for version in versions}
        plain = self._file(bucket, name, None)
        for meta in plain.parent.glob(f"{plain.name}*{_META}"):
            file = meta.with_name(meta.name.removesuffix(_META))
            if file not in files:
                # First the file that `restore` looks for: a kill in between leaves no half object.
                meta.unlink(missing_ok=True)
                file.unlink(missing_ok=True)
        for file, version in files.items():
            # A version never changes; an object without versions may.
            if file == plain or not file.with_name(file.name + _META).exists():
                _write_object(file, name, version)

    def _names(self, bucket: str) -> set[str]:
        return {about["Key"] for about, _ in self._readable(bucket, lambda _: None)}

    def _own_files(self, bucket: str, suffix: str) -> list[Path]:
        """Return our files; those of other programs lie in folders without a `+`."""
        root = self.folder / quote(bucket, safe="")
        found = (file for file in root.rglob(f"*=*{suffix}") if file.is_file())
        return sorted(file for file in found if all(one.endswith("+") for one in file.relative_to(root).parts[:-1]))

    def _file(self, bucket: str, name: str, version: Any) -> Path:
        encoded = quote(name, safe="")
        parts = [encoded[start : start + MAX_NAME] for start in range(0, len(encoded), MAX_NAME)]
        # A long key becomes a path. Folders end in `+`, files have a `=`, so no folder can clash with a file.
        last = f"{parts[-1]}={_version_id(version) or ''}"
        return Path(self.folder, quote(bucket, safe=""), *(f"{part}+" for part in parts[:-1]), last)


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
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0 and (piece := environ["wsgi.input"].read(min(left, _PIECE))):
        left -= len(piece)
    start_response("503 Service Unavailable", [("Content-Type", "application/xml")])
    return [f"<Error><Code>ServiceUnavailable</Code><Message>{ALMOST_FULL}</Message></Error>".encode()]


def is_s3(environ: Mapping[str, Any]) -> bool:
    """Recognize a request to S3 by its signature's scope, in the header or in a presigned URL."""
    query = parse_qs(environ.get("QUERY_STRING", ""))
    scopes = [environ.get("HTTP_AUTHORIZATION", ""), *query.get("X-Amz-Credential", ())]
    return any("/s3/aws4_request" in scope for scope in scopes) or "AWSAccessKeyId" in query


def release_versions() -> None:
    """Close the files of all versions; moto's reset closes those of the current ones only."""
    for bucket in s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.values():
        for version in (one for name in bucket.keys for one in bucket.keys.getlist(name, [])):
            if isinstance(version, FakeKey):
                version.dispose()


def _bucket(name: str) -> Any:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(name)


def _keys(bucket: str) -> list[str]:
    found = _bucket(bucket)
    return list(found.keys) if found else []


def _versions(bucket: str, key: str) -> list[Any]:
    found = _bucket(bucket)
    return list(found.keys.getlist(key, [])) if found else []


def _version_id(version: Any) -> str | None:
    """Return the version id, or None for the object of a bucket without versions."""
    id_ = None if version is None else str(version.version_id)
    return None if id_ == "null" else id_


def _seconds(version: Any) -> float:
    # moto's times are in UTC, without a zone.
    seconds: float = version.last_modified.replace(tzinfo=UTC).timestamp()
    return seconds


def _write_object(file: Path, name: str, version: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {"Key": name, "VersionId": _version_id(version), "LastModified": _seconds(version)}
    if isinstance(version, FakeDeleteMarker):
        about[_MARKER] = True
    else:
        content = version.value
        about |= _about(version) | {_SIZE: len(content)}
        _write(file, content)
    # Written last: `restore` looks for this file, so it never meets half an object.
    _write(file.with_name(file.name + _META), json.dumps(about).encode())
    _sync(file.parent)


def _read_about(file: Path) -> dict[str, Any]:
    """Return an object's description. Raises ValueError, OSError."""
    about = json.loads(file.read_bytes())
    if not isinstance(about, dict) or not isinstance(about.get("Key"), str):
        raise ValueError("no key")
    if not isinstance(about.get("LastModified", 0), int | float):
        raise ValueError("no time")
    return about


def _read_body(about: dict[str, Any], file: Path) -> bytes:
    body = file.read_bytes()
    if about.get(_SIZE, len(body)) != len(body):
        raise ValueError(f"{len(body)} of {about[_SIZE]} bytes")
    return body


def _restore(bucket: Any, about: dict[str, Any], file: Path) -> None:
    """Add a version to the bucket: through the API it would get another id."""
    earlier = bucket.keys.getlist(about["Key"], []) if bucket.is_versioned else []
    if about.get(_MARKER):
        if not earlier:
            return
        version: Any = FakeDeleteMarker(key=earlier[-1])
        version._version_id = about["VersionId"]
    else:
        # Read first: a version created before an error would leave its file open.
        metadata, body = _metadata(about), _read_body(about, file)
        version = FakeKey(
            about["Key"],
            body,
            bucket.account_id,
            bucket.region_name,
            is_versioned=bucket.is_versioned,
            version_id=about.get("VersionId") or "null",
            bucket_name=bucket.name,
        )
        version.set_metadata(metadata)
    if "LastModified" in about:
        version.last_modified = datetime.fromtimestamp(about["LastModified"], UTC).replace(tzinfo=None)
    bucket.keys.setlist(about["Key"], [*earlier, version])
    if isinstance(version, FakeKey):
        send_event(bucket.account_id, S3NotificationEvent.OBJECT_CREATED_PUT_EVENT, bucket, version)


def _metadata(about: dict[str, Any]) -> dict[str, str]:
    headers = {"Content-Type": about.get("ContentType"), "Content-Encoding": about.get("ContentEncoding")}
    own = {f"x-amz-meta-{name}": value for name, value in about.get("Metadata", {}).items()}
    return {name: value for name, value in headers.items() if value} | own


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
    draft = file.with_name(file.name + _DRAFT)
    try:
        with draft.open("wb") as out:
            out.write(content)
            out.flush()
            # A power cut must not leave the new name with an empty file.
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """Make the names of new files survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
