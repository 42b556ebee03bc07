"""Files of imports on S3: signed uploads, reads of one version, objects stored in parts."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from groundwork.adapters.aws import import_files
from groundwork.adapters.aws.import_files import S3ImportFiles
from groundwork.errors import Transient
from groundwork.imports.errors import FileChanged

NOW_MS = 1_700_000_000_000


@pytest.fixture
def client(moto_server: str) -> Any:
    return boto3.client("s3", endpoint_url=moto_server, config=Config(signature_version="s3v4"))


@pytest.fixture
def bucket(client: Any) -> str:
    name = f"private-{uuid.uuid4().hex[:8]}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def files(client: Any, bucket: str) -> S3ImportFiles:
    return S3ImportFiles(lambda: client, bucket, lambda: NOW_MS)


Put = Callable[[str, bytes], None]


@pytest.fixture
def put(client: Any, bucket: str) -> Put:
    return lambda key, body: client.put_object(Bucket=bucket, Key=key, Body=body)


def test_a_signed_request_uploads_one_file_of_one_size(files: S3ImportFiles) -> None:
    upload = files.upload("uploads/p-IM1", 9)
    assert (upload.method, upload.expires_at) == ("PUT", NOW_MS + 3_600_000)
    # S3 itself refuses another length or type: both are signed
    assert "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost" in upload.url
    httpx.put(upload.url, headers=upload.headers, content=b"text\ngood").raise_for_status()
    found = files.find("uploads/p-IM1")
    assert found
    assert (found.size, found.version_id) == (9, None)
    assert b"".join(files.content(found).chunks()) == b"text\ngood"
    assert b"".join(files.content(found).chunks(5)) == b"good"


def test_a_missing_file_is_not_found(files: S3ImportFiles) -> None:
    assert files.find("uploads/nothing") is None


def test_a_large_file_is_read_in_growing_requests(
    files: S3ImportFiles, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "FIRST_READ", 100)
    monkeypatch.setattr(import_files, "MAX_READ", 400)
    body = bytes(range(256)) * 8
    put("uploads/a", body)
    found = files.find("uploads/a")
    assert found
    chunks = list(files.content(found).chunks(48))
    assert b"".join(chunks) == body[48:]
    assert max(map(len, chunks)) <= 400


@pytest.mark.parametrize("replaced", [True, False])
def test_a_file_replaced_or_deleted_since_is_said(
    files: S3ImportFiles, put: Put, client: Any, bucket: str, replaced: bool
) -> None:
    put("uploads/a", b"text\ngood")
    found = files.find("uploads/a")
    assert found
    put("uploads/a", b"text\nbad!") if replaced else client.delete_object(Bucket=bucket, Key="uploads/a")
    with pytest.raises(FileChanged, match="deleted or replaced"):
        list(files.content(found).chunks())


def test_a_pinned_version_outlives_its_replacement(files: S3ImportFiles, put: Put, client: Any, bucket: str) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put("imports/p/a", b"first")
    found = files.find("imports/p/a")
    assert found
    assert found.version_id
    put("imports/p/a", b"second")
    assert b"".join(files.content(found).chunks()) == b"first"
    assert files.find("imports/p/a", found.version_id) == found


@pytest.mark.parametrize("chunks", [[b"text\n", b"good\n"], [], [b"x" * 700] * 20])
def test_an_object_of_unknown_size_is_stored_in_parts(
    files: S3ImportFiles, chunks: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "PART_BYTES", 5 * 1024 * 1024)
    stored = files.store("staged/p-IM1/R1-1", iter(chunks))
    assert stored.size == sum(map(len, chunks))
    assert files.find("staged/p-IM1/R1-1") == stored
    assert b"".join(files.content(stored).chunks()) == b"".join(chunks)


def test_a_fault_in_the_middle_stores_nothing(files: S3ImportFiles, client: Any, bucket: str) -> None:
    def failing() -> Iterator[bytes]:
        yield b"x" * import_files.PART_BYTES
        raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        files.store("staged/a", failing())
    assert files.find("staged/a") is None
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


def test_an_unreachable_bucket_is_transient() -> None:
    config = Config(connect_timeout=1, retries={"max_attempts": 0})
    away = boto3.client("s3", endpoint_url="http://127.0.0.1:9", config=config)
    with pytest.raises(Transient):
        S3ImportFiles(lambda: away, "b", lambda: NOW_MS).find("a")
