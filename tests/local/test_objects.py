"""Objects of buckets lie as files beside the tables, and are there again after a stop."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from local.endpoint import AwsEndpoint
from local.objects import ObjectFiles


@pytest.fixture
def files(tmp_path: Path) -> ObjectFiles:
    return ObjectFiles(tmp_path / "objects")


@pytest.fixture
def endpoint(files: ObjectFiles) -> Iterator[AwsEndpoint]:
    endpoint = AwsEndpoint(files)
    yield endpoint
    endpoint.close()


def client(endpoint: AwsEndpoint) -> Any:
    s3: Any = boto3.client("s3", endpoint_url=endpoint.url)
    s3.create_bucket(Bucket="imports")
    return s3


KEYS = ["part", "folder/part", "folder/part/below", "ä ö+%2F?&=", "x" * 900, "..", "a/../b"]


@pytest.mark.parametrize("key", KEYS)
def test_an_object_is_there_again_in_a_new_system(endpoint: AwsEndpoint, files: ObjectFiles, key: str) -> None:
    about = {"ContentType": "text/csv", "Metadata": {"project": "p1"}}
    client(endpoint).put_object(Bucket="imports", Key=key, Body=b"text\n1\n", **about)
    endpoint.close()
    again = AwsEndpoint(files)
    try:
        s3 = client(again)
        assert "Contents" not in s3.list_objects_v2(Bucket="imports")
        files.restore(s3, print)
        found = s3.get_object(Bucket="imports", Key=key)
        assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
            b"text\n1\n",
            "text/csv",
            {"project": "p1"},
        )
    finally:
        again.close()


def test_all_keys_lie_side_by_side_and_within_the_folder(
    endpoint: AwsEndpoint, files: ObjectFiles, tmp_path: Path
) -> None:
    s3 = client(endpoint)
    for key in KEYS:
        s3.put_object(Bucket="imports", Key=key, Body=key.encode())
    inside = [file for file in (tmp_path / "objects" / "imports").rglob("*=") if file.is_file()]
    assert sorted(file.read_bytes() for file in inside) == sorted(key.encode() for key in KEYS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["objects"]


def test_a_presigned_upload_is_mirrored_and_a_deletion_too(
    endpoint: AwsEndpoint, files: ObjectFiles, tmp_path: Path
) -> None:
    s3 = client(endpoint)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "imports", "Key": "upload"})
    httpx.put(url, content=b"uploaded").raise_for_status()
    assert (tmp_path / "objects" / "imports" / "upload=").read_bytes() == b"uploaded"
    s3.delete_object(Bucket="imports", Key="upload")
    assert not [file for file in (tmp_path / "objects").rglob("*") if file.is_file()]


def test_a_bulk_deletion_is_mirrored(endpoint: AwsEndpoint, tmp_path: Path) -> None:
    s3 = client(endpoint)
    for key in ("a", "b", "c"):
        s3.put_object(Bucket="imports", Key=key, Body=b"x")
    s3.delete_objects(Bucket="imports", Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})
    assert sorted(file.name for file in (tmp_path / "objects").rglob("*") if file.is_file()) == ["c=", "c=.meta"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b=.meta", b""),
        ("b=.meta", b"[1]"),
        ("b=.meta", b'{"Key": 1}'),
        ("b=.meta", b"\xff"),
        ("b=.meta", b'{"Key": "b", "Metadata": 5, "Size": 1}'),
        ("b=", None),
        ("b=", b""),
    ],
)
def test_a_damaged_object_is_named_and_the_others_are_restored(
    endpoint: AwsEndpoint, files: ObjectFiles, name: str, content: bytes | None
) -> None:
    s3 = client(endpoint)
    for key in ("a", "b", "c"):
        s3.put_object(Bucket="imports", Key=key, Body=b"x")
    damaged = files.folder / "imports" / name
    damaged.unlink() if content is None else damaged.write_bytes(content)
    endpoint.close()
    again, said = AwsEndpoint(files), list[str]()
    try:
        s3 = client(again)
        files.restore(s3, said.append)
        assert [one["Key"] for one in s3.list_objects_v2(Bucket="imports")["Contents"]] == ["a", "c"]
        assert len(said) == 1
        assert said[0].startswith("Skipped a damaged object:")
        assert "b=" in said[0]
        s3.delete_objects(Bucket="imports", Delete={"Objects": [{"Key": "a"}]})
        assert not (files.folder / "imports" / "a=").exists()
    finally:
        again.close()


def test_drafts_of_a_killed_system_are_removed(endpoint: AwsEndpoint, files: ObjectFiles) -> None:
    s3 = client(endpoint)
    s3.put_object(Bucket="imports", Key="x" * 900, Body=b"x")
    (body,) = (file for file in files.folder.rglob("*=") if file.is_file())
    draft = body.with_name(f"{body.name}.draft")
    draft.write_bytes(b"half")
    files.restore(s3, print)
    assert (draft.exists(), body.exists()) == (False, True)


def test_an_object_is_on_the_disk_before_its_name(
    endpoint: AwsEndpoint, files: ObjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def noting_sync(descriptor: int) -> None:
        steps.append("sync " + Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        sync(descriptor)

    def noting_rename(draft: Path, target: Path) -> Path:
        steps.append(f"rename {draft.name}")
        return rename(draft, target)

    monkeypatch.setattr(os, "fsync", noting_sync)
    monkeypatch.setattr(Path, "replace", noting_rename)
    client(endpoint).put_object(Bucket="imports", Key="a", Body=b"x")
    drafts = ("a=.draft", "a=.meta.draft")
    assert steps == [*(f"{step} {draft}" for draft in drafts for step in ("sync", "rename")), "sync imports"]
