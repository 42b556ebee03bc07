"""Files put into the bucket on one machine: by S3, or by a copy into the data folder."""

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.dropped_files import DropFolder
from local.endpoint import AwsEndpoint
from local.object_rules import ObjectEvents, ObjectRule, object_rules
from local.objects import ObjectFiles
from local.resources import create_resources
from local.template import SamTemplate
from tests.local.waiting import until

ROOT = Path(__file__).resolve().parents[2]
REGION, BUCKET = "us-east-1", "private-bucket"

type Make = Callable[[str], Any]


class World:
    """A local AWS on a data folder; `told` are the events of files, as (key, version id)."""

    def __init__(self, folder: Path) -> None:
        self.files = ObjectFiles(folder)
        self.endpoint = AwsEndpoint(self.files)
        self.client = cache(self._client)
        draft = SamTemplate(ROOT / "template.yaml", parameters={}, region=REGION)
        attributes = create_resources(draft, self.client, REGION)
        self.template = SamTemplate(ROOT / "template.yaml", parameters={}, region=REGION, attributes=attributes)
        self.told: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.rules: list[ObjectRule] = list(object_rules(self.template))
        self.events = ObjectEvents(self.rules, self.client, self._tell, self.said.append, interval=0.05)
        self.files.restore(self.client("s3"), self.said.append)
        self.events.start()
        self.drops = DropFolder(folder, self.template, self.client, self.said.append)
        (folder / BUCKET / "imports").mkdir(parents=True, exist_ok=True)

    def _client(self, service: str) -> Any:
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint.url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(signature_version="s3v4" if service == "s3" else None),
        )

    def _tell(self, function: str, event: bytes) -> None:
        about = json.loads(event)["detail"]["object"]
        self.told.append((about["key"], about["version-id"]))

    def put(self, key: str, body: bytes = b"text\n1\n") -> str:
        version: str = self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"]
        return version

    def close(self) -> None:
        self.events.close()
        self.drops.close()
        self.endpoint.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], World]]:
    worlds: list[World] = []

    def begin() -> World:
        if worlds:
            worlds[-1].close()
        worlds.append(World(tmp_path / "objects"))
        return worlds[-1]

    yield begin
    worlds[-1].close()


@pytest.fixture
def world(start: Callable[[], World]) -> World:
    return start()


def drop(world: World, name: str, content: bytes = b"text\n1\n") -> Path:
    file = world.files.folder / BUCKET / "imports" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_the_template_has_one_rule_for_files(world: World) -> None:
    assert [(rule.function, rule.pattern["detail-type"]) for rule in world.rules] == [
        ("QueueImportFunction", ["Object Created"])
    ]


def test_only_files_under_imports_are_told_with_each_version(world: World) -> None:
    world.put("uploads/p/1")
    world.put("imports-not/p/1")
    first = world.put("imports/p/ä b+%2F.csv")
    second = world.put("imports/p/ä b+%2F.csv")
    until(lambda: len(world.told) >= 2)
    assert world.told == [("imports/p/ä b+%2F.csv", first), ("imports/p/ä b+%2F.csv", second)]


def test_a_restart_tells_the_same_versions_again(start: Callable[[], World]) -> None:
    world = start()
    versions = [world.put("imports/p/a.csv", body) for body in (b"1", b"2", b"3")]
    world = start()
    until(lambda: len(world.told) >= 3)
    assert world.told == [("imports/p/a.csv", version) for version in versions]
    s3 = world.client("s3")
    assert s3.get_object(Bucket=BUCKET, Key="imports/p/a.csv")["VersionId"] == versions[2]
    assert s3.get_object(Bucket=BUCKET, Key="imports/p/a.csv", VersionId=versions[0])["Body"].read() == b"1"


def test_a_file_dropped_before_the_start_is_not_taken_for_an_object(start: Callable[[], World]) -> None:
    file = drop(start(), "p/a=b.meta", b'{"Key": "imports/p/forged"}')
    world = start()
    assert (world.said, "Contents" in world.client("s3").list_objects_v2(Bucket=BUCKET)) == ([], False)
    world.drops.poll()
    world.drops.poll()
    assert (world.said, file.exists()) == (["Took imports/p/a=b.meta"], False)


def test_a_deleted_file_stays_deleted_and_its_old_version_readable(start: Callable[[], World]) -> None:
    world = start()
    version = world.put("imports/p/a.csv")
    world.client("s3").delete_object(Bucket=BUCKET, Key="imports/p/a.csv")
    s3 = start().client("s3")
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    assert s3.get_object(Bucket=BUCKET, Key="imports/p/a.csv", VersionId=version)["Body"].read() == b"text\n1\n"


def test_a_file_copied_into_the_data_folder_becomes_an_object(world: World) -> None:
    file = drop(world, "p/a=b.meta", b"text\n7\n")
    world.drops.poll()
    assert file.exists(), "it may still be written"
    world.drops.poll()
    assert not file.exists()
    found = world.client("s3").get_object(Bucket=BUCKET, Key="imports/p/a=b.meta")
    assert found["Body"].read() == b"text\n7\n"
    until(lambda: world.told == [("imports/p/a=b.meta", found["VersionId"])])


def test_a_growing_hidden_or_unfinished_file_waits(world: World) -> None:
    growing, names = drop(world, "p/grows.csv"), ("p/.DS_Store", "p/a.csv.part", ".hidden/a.csv")
    for name in names:
        drop(world, name)
    for length in range(3):
        growing.write_bytes(b"x" * (length + 10))
        world.drops.poll()
    assert growing.exists()
    world.drops.poll()
    assert not growing.exists()
    assert all((world.files.folder / BUCKET / "imports" / name).exists() for name in names)


class SpyingS3:
    """S3's client that runs `before` with the body of each upload."""

    def __init__(self, client: Any, before: Callable[[Any], None]) -> None:
        self.client, self.before = client, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def put_object(self, **given: Any) -> Any:
        self.before(given["Body"])
        return self.client.put_object(**given)


def spied(world: World, before: Callable[[Any], None]) -> DropFolder:
    s3 = SpyingS3(world.client("s3"), before)
    return DropFolder(world.files.folder, world.template, lambda _: s3, world.said.append)


def test_a_large_file_is_sent_in_pieces(world: World) -> None:
    pieces: list[int] = []

    def before(body: Any) -> None:
        read = body.read

        def counted(size: int = -1) -> Any:
            pieces.append(size)
            return read(size)

        body.read = counted

    content = os.urandom(3 << 20)
    drop(world, "p/large.csv", content)
    drops = spied(world, before)
    drops.poll()
    drops.poll()
    assert world.client("s3").get_object(Bucket=BUCKET, Key="imports/p/large.csv")["Body"].read() == content
    assert pieces
    assert all(0 <= size <= 1 << 20 for size in pieces)


def test_a_file_that_changes_during_its_upload_is_stored_once_it_is_complete(world: World) -> None:
    file = drop(world, "p/a.csv", b"text\n1\n")

    def grow(_: Any) -> None:
        if file.exists() and file.stat().st_size < 8:
            file.write_bytes(b"text\n1\n2\n")

    drops = spied(world, grow)
    for _ in range(4):
        drops.poll()
    assert not file.exists()
    assert world.client("s3").get_object(Bucket=BUCKET, Key="imports/p/a.csv")["Body"].read() == b"text\n1\n2\n"
    until(lambda: len(world.told) >= 1)
    assert len(world.told) == 1
    assert world.said == ["Took imports/p/a.csv"]


def test_a_file_whose_deletion_was_lost_is_not_stored_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    file = drop(world, "p/a.csv")
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        world.drops.poll()
        world.drops.poll()
    assert file.exists()
    world.drops.poll()
    assert not file.exists()
    assert len(list(world.files.folder.rglob("*=*.meta"))) == 1


def test_a_name_that_s3_refuses_is_said_once(world: World) -> None:
    # a name in Latin-1; S3's keys are UTF-8
    drop(world, os.fsdecode(b"p/Gr\xf6\xdfe.csv"))
    for _ in range(4):
        world.drops.poll()
    drop(world, "p/fine.csv")
    world.drops.poll()
    world.drops.poll()
    assert [line.partition(":")[0] for line in world.said] == [
        "Cannot take 'Gr\\udcf6\\udcdfe.csv'",
        "Took imports/p/fine.csv",
    ]
