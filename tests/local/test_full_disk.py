"""An almost full disk: writes are refused before the engine can lose one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.data import DataRefused
from local.disk_space import MIN_FREE_MB, RESUME_FREE_MB, DiskWatch, check_free_space, free_mb
from local.endpoint import AwsEndpoint
from local.engine.java import system_java
from local.objects import ObjectFiles
from local.storage import Storage
from local.system import LocalSystem
from tests.local.waiting import until

ROOT = Path(__file__).parents[2]
DISK_MB = 160
CARDS = 100


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes; skips if this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs a small file system: no program `mount`")
    if mounted.returncode:
        pytest.skip(f"needs a small file system, and this user may not mount one: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", DISK_MB) as folder:
        yield folder


def fill(disk: Path, leave_mb: int) -> None:
    """Leave so many megabytes, as other programs on the disk might."""
    with (disk / "ballast").open("ab") as ballast:
        while (excess := free_mb(disk) - leave_mb) > 0:
            ballast.write(bytes(excess << 20))
            ballast.flush()


@contextmanager
def serving(disk: Path, said: list[str]) -> Iterator[httpx.Client]:
    shell = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GROUNDWORK_", "ANTH"))}
    mock = {"GROUNDWORK_AI": "mock", "GROUNDWORK_MOCK_LATENCY_MS": "50"}
    storage = Storage.open(disk / "data", shell, said.append)
    with (
        LocalSystem(
            ROOT / "template.yaml", env=shell | mock, storage=storage, log=lambda _, line: said.append(line)
        ) as system,
        httpx.Client(base_url=system.url, headers={"Authorization": f"Bearer {system.token}"}, timeout=120) as http,
    ):
        yield http


def imported(http: httpx.Client, project: str, part: int) -> httpx.Response:
    cards = [{"text": f"The export is slow {n} " + "x" * 2_000, "externalId": f"{part}-{n}"} for n in range(CARDS)]
    return http.post(f"/api/projects/{project}/cards", json={"cards": cards})


def cards_of(http: httpx.Client, project: str) -> set[str]:
    found: set[str] = set()
    token: str | None = ""
    while token is not None:
        query = {"limit": 200} | ({"nextToken": token} if token else {})
        page: Any = http.get(f"/api/projects/{project}/cards", params=query).raise_for_status().json()
        found |= {card["externalId"] for card in page["items"]}
        token = page["nextToken"]
    return found


@pytest.mark.full
@pytest.mark.slow(reason="starts the local system twice, and waits for a run across a pause")
@pytest.mark.timeout(900)
@pytest.mark.skipif(system_java() is None and not os.environ.get("CI"), reason="needs Java 17 or newer")
def test_a_full_disk_loses_no_acknowledged_card(disk: Path) -> None:
    said: list[str] = []
    acknowledged: set[str] = set()
    with serving(disk, said) as http:
        project = http.post("/api/projects", json={"name": "Full"}).raise_for_status().json()["id"]
        assert imported(http, project, 0).status_code == 200
        acknowledged |= {f"0-{n}" for n in range(CARDS)}
        run = http.post(f"/api/projects/{project}/runs", json={"type": "ANALYZE_CARDS", "options": {"pacing": "safe"}})
        fill(disk, MIN_FREE_MB + 3)
        for part in range(1, 100):
            answer = imported(http, project, part)
            if answer.status_code != 200:
                break
            acknowledged |= {f"{part}-{n}" for n in range(CARDS)}
        assert answer.status_code in (500, 503)
        until(lambda: http.post("/api/projects", json={"name": "Refused"}).status_code == 503)
        refused = http.post("/api/projects", json={"name": "Refused"})
        assert refused.json()["error"]["code"] == "UNAVAILABLE"
        assert "Free some space" in refused.json()["error"]["message"]
        assert acknowledged <= cards_of(http, project)
        (disk / "ballast").unlink()
        until(lambda: http.post("/api/projects", json={"name": "Accepted"}).status_code == 201)
        assert imported(http, project, 100).status_code == 200
        acknowledged |= {f"100-{n}" for n in range(CARDS)}
        progress = f"/api/runs/{run.json()['runId']}/progress"
        http.post(f"/api/runs/{run.json()['runId']}/cancel")
        until(lambda: http.get(progress).json()["status"] in ("CANCELLED", "SUCCEEDED"), 300)
    assert any("almost full" in line for line in said)
    with serving(disk, said) as http:
        assert acknowledged <= cards_of(http, project)


@pytest.mark.full
def test_a_start_on_an_almost_full_disk_is_refused_by_name(disk: Path) -> None:
    fill(disk, MIN_FREE_MB - 10)
    with pytest.raises(DataRefused, match=f"The disk of DATA={disk} is almost full: .* {MIN_FREE_MB} MB are needed"):
        check_free_space(disk)


@pytest.mark.full
def test_an_object_without_room_is_refused_and_leaves_no_file(disk: Path) -> None:
    files = ObjectFiles(disk / "objects")
    endpoint = AwsEndpoint(files)
    once = Config(retries={"total_max_attempts": 1})
    try:
        s3: Any = boto3.client("s3", endpoint_url=endpoint.url, config=once)
        s3.create_bucket(Bucket="imports")
        s3.put_object(Bucket="imports", Key="small", Body=b"x")
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            s3.put_object(Bucket="imports", Key="large", Body=bytes(DISK_MB - MIN_FREE_MB + 1 << 20))
        assert [one["Key"] for one in s3.list_objects_v2(Bucket="imports")["Contents"]] == ["small"]
        s3.put_object(Bucket="imports", Key="next", Body=b"x")
    finally:
        endpoint.close()
    names = {path.name for path in (disk / "objects").rglob("*") if path.is_file()}
    assert names == {"small=", "small=.meta", "next=", "next=.meta"}


class Pool:
    """Notes what the watch asks for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")


def test_the_watch_pauses_once_and_resumes_above_its_limit(tmp_path: Path) -> None:
    pool, said = Pool(), list[str]()
    levels = iter([500, MIN_FREE_MB - 1, MIN_FREE_MB, RESUME_FREE_MB - 1, RESUME_FREE_MB, 500])
    watch = DiskWatch(tmp_path, pool.pause, pool.resume, said.append, lambda _: next(levels))
    with suppress(StopIteration):
        while True:
            watch.poll()
    assert pool.asked == ["pause", "resume"]
    assert len(said) == 2
