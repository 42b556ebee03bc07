"""Files put into the bucket: each version is imported once, or a person sees why not."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest

from functions.process_next import app as process_next
from functions.queue_import import app as queue_import
from functions.retry_runs import app as retry_runs
from groundwork.adapters.aws.import_files import S3ImportFiles
from groundwork.adapters.dynamodb.backlog_rows import CardRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.api.hop_events import run_hop
from groundwork.composition import Services
from groundwork.errors import Transient
from groundwork.imports.model import ImportRecord
from tests.deployed.events import dead_letter_event, file_event, undelivered_event
from tests.events import Context
from tests.functions.services import services_on


@dataclass
class Drops:
    """A bucket with versions, and the functions that work on it."""

    services: Services
    s3: Any
    bucket: str
    triggered: list[str]
    project: str
    events: list[dict[str, Any]] = field(default_factory=list)

    def put(self, key: str, body: bytes, time: str = "2026-11-21T01:50:36Z") -> dict[str, Any]:
        """Put a file; return its event."""
        version = self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"]
        return file_event(self.bucket, key, len(body), version, time)

    def drop(self, name: str, *texts: str) -> dict[str, Any]:
        return self.put(f"imports/{self.project}/{name}", "\n".join(("text", *texts)).encode())

    def tell(self, event: dict[str, Any]) -> str:
        end: str = queue_import.handler(event, Context())["end"]
        return end

    def work(self) -> None:
        """Run all triggered runs to their ends, and those that their ends trigger."""
        while self.triggered:
            process_next.handler({"runId": self.triggered.pop(0)}, Context())

    def imports(self) -> list[ImportRecord]:
        """Oldest first."""
        return self.services.tables.imports.page(self.project, None, 200)[::-1]

    def runs(self) -> int:
        return len(self.services.tables.runs.runs_of(self.project, None, 200))

    def texts(self) -> list[str]:
        rows = CardRow.query(self.project, CardRow.sk.startswith("C#"), consistent_read=True)
        return [row.entity().text for row in rows]

    def unassigned(self) -> list[tuple[str, str]]:
        found, _ = self.services.tables.unassigned_files.page(None, 200)
        return [(file.key, file.reason) for file in found]


@pytest.fixture
def drops(moto_tables: Tables, moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Drops:
    s3: Any = boto3.client("s3", endpoint_url=moto_server)
    bucket, triggered = f"private-{uuid.uuid4().hex[:8]}", list[str]()
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    files = S3ImportFiles(lambda: s3, bucket, lambda: 0)
    services = services_on(moto_tables, invoke=triggered.append, files=files)
    for app in (queue_import, process_next, retry_runs):
        monkeypatch.setattr(app, "services", lambda: services)
    return Drops(services, s3, bucket, triggered, moto_tables.projects.create("Shop", "").id)


def test_a_file_is_imported_and_listed(drops: Drops) -> None:
    assert drops.tell(drops.drop("june/reviews.csv", "Good", "Bad")) == "started"
    drops.work()
    (made,) = drops.imports()
    assert (made.origin, made.name, made.counts.created) == ("drop", "june/reviews.csv", 2)
    assert drops.texts() == ["Good", "Bad"]


def test_a_repeated_event_starts_nothing_new(drops: Drops) -> None:
    event = drops.drop("a.csv", "Good")
    drops.tell(event)
    drops.tell(event)
    drops.work()
    # a day later, as a dead letter or after a restart
    assert drops.tell(event) == "started"
    drops.work()
    assert (len(drops.imports()), drops.runs(), drops.texts()) == (1, 1, ["Good"])


def test_a_file_put_again_is_another_file_even_if_its_event_comes_first(drops: Drops) -> None:
    first, second = drops.drop("a.csv", "First"), drops.drop("a.csv", "Second", "Third")
    for event in (second, first, second):
        drops.tell(event)
    drops.work()
    assert sorted(drops.texts()) == ["First", "Second", "Third"]
    assert [made.counts.created for made in drops.imports()] == [2, 1]


def test_files_of_a_project_run_one_after_another_each_started_by_the_end_of_the_one_before(drops: Drops) -> None:
    ends = [drops.tell(drops.drop(f"{number}.csv", f"Text {number}")) for number in range(4)]
    assert ends == ["started", "waiting", "waiting", "waiting"]
    assert len(drops.triggered) == 1
    drops.work()
    assert drops.texts() == [f"Text {number}" for number in range(4)]
    assert drops.runs() == 4


def test_projects_do_not_wait_for_each_other(drops: Drops) -> None:
    other = replace(drops, project=drops.services.tables.projects.create("Other", "").id)
    assert [drops.tell(one.drop("a.csv", "Good")) for one in (drops, other)] == ["started", "started"]


def test_the_sweep_starts_a_waiting_file_whose_turn_was_missed(drops: Drops) -> None:
    first, second = drops.drop("1.csv", "One"), drops.drop("2.csv", "Two")
    drops.tell(first)
    drops.tell(second)
    run = drops.triggered.pop()
    # the worker ends the run, and is killed before it starts the next import
    run_hop(run, process_next.runner(Context()), drops.services.tables, lambda project: [], lambda: 30_000)
    assert not drops.triggered
    assert len(retry_runs.handler({}, Context())["imported"]) == 1
    drops.work()
    assert drops.texts() == ["One", "Two"]


@pytest.mark.parametrize(
    "name",
    [
        "with space.csv",
        "a%20b+c&d=e.csv",
        "Größe 日本 \N{GRINNING FACE}.csv",
        "../../other/a.csv",
        "..",
        "folder/",
        "x" * 990,
        "tab\tand 'quotes\".csv",
    ],
)
def test_any_name_that_s3_takes_is_a_name(drops: Drops, name: str) -> None:
    drops.tell(drops.drop(name, "Good"))
    drops.work()
    (made,) = drops.imports()
    assert made.name == name[-300:]
    assert drops.texts() == ["Good"]


def test_an_empty_file_is_refused_with_its_reason(drops: Drops) -> None:
    event = drops.put(f"imports/{drops.project}/empty.csv", b"")
    assert [drops.tell(event), drops.tell(event)] == ["refused", "refused"]
    (made,) = drops.imports()
    assert made.refusal is not None
    assert "empty" in made.refusal.message
    assert not made.waiting
    assert drops.runs() == 0


def test_an_empty_object_that_shows_a_folder_is_no_file(drops: Drops) -> None:
    assert drops.tell(drops.put(f"imports/{drops.project}/june/", b"")) == "folder"
    assert drops.imports() == []


def test_a_file_that_is_no_feedback_fails_with_its_reason_and_the_next_one_is_imported(drops: Drops) -> None:
    drops.tell(drops.put(f"imports/{drops.project}/report.pdf", b"%PDF-1.7\n" + b"\0" * 2000))
    drops.tell(drops.drop("a.csv", "Good"))
    drops.work()
    pdf, csv = drops.imports()
    run = drops.services.tables.runs.load(pdf.run_id or "")
    assert (run.status.value, "PDF" in (run.error or "")) == ("FAILED", True)
    assert csv.counts.created == 1


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("imports/k3v9x2m4q8/a.csv", "There is no project 'k3v9x2m4q8'."),
        ("imports/../a.csv", "There is no project '..'."),
        ("imports/a.csv", "The key names no project: it must be imports/PROJECT/NAME."),
        ("imports//a.csv", "The key names no project: it must be imports/PROJECT/NAME."),
    ],
)
def test_a_file_for_no_project_is_kept_for_people_once(drops: Drops, key: str, reason: str) -> None:
    before = drops.unassigned()
    event = drops.put(key, b"text\nGood\n")
    assert [drops.tell(event), drops.tell(event)] == ["no_project", "no_project"]
    assert drops.unassigned()[: -len(before) or None] == [(key, reason)]


def test_a_file_of_a_deleted_project_is_kept_for_people(drops: Drops) -> None:
    event = drops.drop("a.csv", "Good")
    drops.services.tables.projects.delete(drops.project)
    assert drops.tell(event) == "no_project"
    assert drops.unassigned() == [(f"imports/{drops.project}/a.csv", f"There is no project {drops.project!r}.")]


def test_the_record_of_a_file_for_no_project_expires_with_the_file(drops: Drops) -> None:
    drops.tell(drops.put("imports/a.csv", b"text\nGood\n", time="2020-01-01T00:00:00Z"))
    assert drops.unassigned() == []


def test_a_file_deleted_before_its_event_is_left_alone(drops: Drops) -> None:
    event = drops.drop("a.csv", "Good")
    version = event["detail"]["object"]["version-id"]
    drops.s3.delete_object(Bucket=drops.bucket, Key=event["detail"]["object"]["key"], VersionId=version)
    assert drops.tell(event) == "gone"
    assert drops.imports() == []


def test_a_version_is_imported_although_the_key_was_deleted_since(drops: Drops) -> None:
    event = drops.drop("a.csv", "Good")
    drops.s3.delete_object(Bucket=drops.bucket, Key=event["detail"]["object"]["key"])
    drops.tell(event)
    drops.work()
    assert drops.texts() == ["Good"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail-type": "Object Created", "time": "2026-11-21T01:50:36Z", "detail": {}},
        {"detail-type": "Object Created", "detail": {"object": {"key": "imports/a/b", "size": 1}}},
        file_event("b", "uploads/k3v9x2m4q8-IM1", 3, "v"),
        file_event("b", "imports/a/b", 3, "v") | {"detail-type": "Object Deleted"},
        file_event("b", "imports/a/b", 3, "v") | {"time": "yesterday"},
    ],
)
def test_an_event_of_another_kind_is_dropped(drops: Drops, event: dict[str, Any]) -> None:
    assert drops.tell(event) == "unreadable"


@pytest.fixture(params=["of Lambda", "of the rule"])
def letter(request: pytest.FixtureRequest) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    if request.param == "of the rule":
        yield undelivered_event
    else:
        yield lambda event: dead_letter_event("queue-import", event)


def test_a_dead_letter_queues_its_file(drops: Drops, letter: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    event = drops.drop("a.csv", "Good")
    for _ in range(2):
        assert retry_runs.handler(letter(event), Context()) == {"batchItemFailures": []}
    drops.work()
    assert (drops.texts(), drops.runs()) == (["Good"], 1)


def test_a_dead_letter_that_fails_again_stays_in_the_queue(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Transient("S3: SlowDown")

    event = drops.drop("a.csv", "Good")
    monkeypatch.setattr(drops.services.files, "find", fail)
    with pytest.raises(Transient):
        drops.tell(event)
    failed = retry_runs.handler(dead_letter_event("queue-import", event), Context())["batchItemFailures"]
    assert len(failed) == 1
