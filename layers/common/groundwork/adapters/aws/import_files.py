"""Files of imports in the private bucket: port `groundwork.imports.ports.ImportFiles`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from groundwork.backlog.card_import.limits import MIB
from groundwork.errors import Transient
from groundwork.imports.errors import FileChanged
from groundwork.imports.model import StoredFile
from groundwork.imports.ports import PresignedUpload

if TYPE_CHECKING:
    from groundwork.backlog.card_import.content import Content

URL_SECONDS = 3_600
CONTENT_TYPE = "application/octet-stream"
FIRST_READ = 256 * 1024
MAX_READ = 8 * MIB
"""Bytes of one request. The first is small, as a part of a file has some kilobytes."""

PART_BYTES = 8 * MIB
"""Of a multipart upload: S3 takes at least 5 MiB, and 10,000 parts."""

_CHANGED = (404, 412, 416)


@cache
def s3_client() -> Any:
    import boto3

    # the dashboard may connect to the regional host alone, and another program uses the signed URL
    styles: Any = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    return boto3.client("s3", config=Config(signature_version="s3v4", s3=styles, connect_timeout=3, read_timeout=20))


class S3ImportFiles:
    """`client` makes boto3's client at its first use: many requests need none."""

    def __init__(self, client: Callable[[], Any], bucket: str, now_ms: Callable[[], int]) -> None:
        self._client, self._bucket, self._now_ms = client, bucket, now_ms

    def upload(self, key: str, size: int) -> PresignedUpload:
        # a signed length: S3 refuses any other size
        place = {"Bucket": self._bucket, "Key": key, "ContentLength": size, "ContentType": CONTENT_TYPE}
        url = self._client().generate_presigned_url("put_object", Params=place, ExpiresIn=URL_SECONDS)
        return PresignedUpload(str(url), "PUT", {"content-type": CONTENT_TYPE}, self._now_ms() + URL_SECONDS * 1000)

    def find(self, key: str, version_id: str | None = None) -> StoredFile | None:
        version = {"VersionId": version_id} if version_id else {}
        try:
            with _translated():
                found = self._client().head_object(Bucket=self._bucket, Key=key, **version)
        except FileChanged:
            return None
        return _stored(key, found, int(found["ContentLength"]))

    def content(self, file: StoredFile) -> "Content":
        from groundwork.backlog.card_import.content import StoredObject

        return StoredObject(lambda offset: self._read(file, offset), file.size)

    def _read(self, file: StoredFile, offset: int) -> Iterator[bytes]:
        """Yield the bytes from an offset on. Requests grow in size. Raises FileChanged, Transient."""
        version = {"VersionId": file.version_id} if file.version_id else {}
        step = FIRST_READ
        while offset < file.size:
            end = min(file.size, offset + step)
            with _translated():
                answer = self._client().get_object(
                    Bucket=self._bucket,
                    Key=file.key,
                    Range=f"bytes={offset}-{end - 1}",
                    IfMatch=file.etag,
                    **version,
                )
                # read whole: a connection left in the middle could not be used again
                data = answer["Body"].read()
            for start in range(0, len(data), FIRST_READ):
                yield data[start : start + FIRST_READ]
            offset += len(data)
            step = min(MAX_READ, step * 2)

    def store(self, key: str, chunks: Iterable[bytes]) -> StoredFile:
        """Store an object of unknown size, with one part in memory at a time."""
        client, place = self._client(), {"Bucket": self._bucket, "Key": key}
        with _translated():
            upload_id = client.create_multipart_upload(**place, ContentType=CONTENT_TYPE)["UploadId"]
        size, parts = 0, []
        try:
            for number, body in enumerate(_parts(chunks), 1):
                size += len(body)
                with _translated():
                    sent = client.upload_part(**place, UploadId=upload_id, PartNumber=number, Body=body)
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            with _translated():
                done = client.complete_multipart_upload(**place, UploadId=upload_id, MultipartUpload={"Parts": parts})
        except BaseException:
            # the bucket's lifecycle aborts what is left after a kill
            with suppress(BotoCoreError, ClientError):
                client.abort_multipart_upload(**place, UploadId=upload_id)
            raise
        return _stored(key, done, size)


def _stored(key: str, answer: dict[str, Any], size: int) -> StoredFile:
    version = answer.get("VersionId")
    # objects from before the versions of a bucket have the version "null"
    return StoredFile(key, answer["ETag"], size, version if version != "null" else None)


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join chunks into parts; yield at least one."""
    part: list[bytes] = []
    size = 0
    empty = True
    for chunk in chunks:
        part.append(chunk)
        size += len(chunk)
        if size >= PART_BYTES:
            yield b"".join(part)
            part, size, empty = [], 0, False
    if part or empty:
        yield b"".join(part)


@contextmanager
def _translated() -> Iterator[None]:
    """Convert errors of S3: FileChanged for a missing or another version, else Transient."""
    try:
        yield
    except ClientError as exc:
        status, code = exc.response["ResponseMetadata"]["HTTPStatusCode"], exc.response["Error"]["Code"]
        # without the right to list a bucket, S3 answers 403 for a missing key
        if status in _CHANGED or status == 403:
            message = f"The file was deleted or replaced since the start of its import (S3: {code})."
            raise FileChanged(message) from exc
        raise Transient(f"S3: {code}") from exc
    except BotoCoreError as exc:
        raise Transient(f"S3: {type(exc).__name__}") from exc
