"""Baselines over several invocations, with workers lost and repositories out of reach."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from groundwork.adapters.dynamodb import baselines
from groundwork.adapters.dynamodb.check_rows import BaselineRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.adapters.git.repository import open_repository
from groundwork.agent.repository import RepositoryUnreachable
from groundwork.checks.baseline import BaselineStatus
from groundwork.checks.model import CheckSettings
from groundwork.errors import NotFound, Transient
from groundwork.execution.baseline_worker import JOB, LEASE_MS, MAX_CLAIMS, RESERVE_MS, BaselineWorker
from groundwork.plans.repositories import Repository
from tests.fakes.sandboxes import Outcome
from tests.plans.plans import NOW
from tests.plans.world import make_repository
from tests.repository_checks.conftest import Desk

ID = "rek3v9x2m4q8"
SETTINGS = CheckSettings(verify=("test",))


class Bench:
    """A worker on a repository of this machine. `left` is the time of each invocation in ms."""

    def __init__(self, tables: Tables, folder: Path) -> None:
        self.desk = Desk(tables, folder / "tree")
        self.repository = Repository(id=ID, name="R", url=str(make_repository(folder / "r")), created_at=NOW)
        self.again: list[str] = []
        self.left = 300_000
        self.baselines = tables.baselines
        self.unreachable = 0

    def worker(self) -> BaselineWorker:
        return BaselineWorker(
            baselines=self.baselines,
            runner=lambda: self.desk.runner,
            open_repository=self._open,
            repository=lambda id_: self.repository,
            again=self.again.append,
            now_ms=self.desk.clock,
            left_ms=self._left,
            sleep=self.desk.clock.pass_seconds,
        )

    @contextmanager
    def _open(self, repository: Repository, folder: Path) -> Iterator[Any]:
        if self.unreachable:
            self.unreachable -= 1
            raise RepositoryUnreachable("The server does not answer.")
        with open_repository(repository, lambda name: "", folder, local=True) as upstream:
            yield upstream

    def _left(self) -> int:
        self.left -= 1_000
        return self.left

    def request(self, settings: CheckSettings | None = SETTINGS) -> None:
        self.baselines.request(ID, settings, self.desk.clock())

    @property
    def baseline(self) -> Any:
        return self.baselines.get(ID)


@pytest.fixture
def bench(simulated_tables: Tables, tmp_path: Path) -> Bench:
    return Bench(simulated_tables, tmp_path)


def test_a_baseline_runs_to_its_end_and_closes_its_sandbox(bench: Bench) -> None:
    bench.request()
    assert bench.worker().run(ID) == "passed"
    found = bench.baseline
    assert (found.status, found.reason, len(found.commit)) == (BaselineStatus.PASSED, None, 40)
    assert [one.result.command for one in bench.desk.tables.checks.results(found.owner, JOB)] == ["test"]
    assert (bench.desk.sandboxes.living, bench.desk.slots, bench.baselines.unfinished()) == ([], 0, [])
    assert bench.worker().run(ID) == "taken"


def test_a_baseline_counts_the_tests_that_ran(bench: Bench) -> None:
    bench.request()
    bench.desk.outcomes["test"] = [Outcome(0, "== 41 passed in 1.00s ==")]
    assert bench.worker().run(ID) == "passed"
    assert bench.baseline.tests == 41


def test_a_long_baseline_continues_in_the_next_invocation(bench: Bench) -> None:
    bench.request()
    bench.desk.outcomes["test"] = [None]
    bench.left = RESERVE_MS + 5_000
    assert bench.worker().run(ID) == "running"
    assert bench.again == [ID]
    assert bench.baseline.activity.startswith("Running: test")
    (sandbox,) = bench.desk.sandboxes.living
    bench.desk.sandboxes.kill(sandbox.handle, next(iter(sandbox.commands)))
    bench.left = 300_000
    assert bench.worker().run(ID) == "could_not_run"
    assert bench.desk.ran == ["test"]


def test_a_lost_worker_is_replaced_after_its_lease(bench: Bench) -> None:
    bench.request()
    assert bench.baselines.claim(ID, bench.desk.clock(), bench.desk.clock() + LEASE_MS)
    assert bench.worker().run(ID) == "taken"
    assert bench.worker().sweep(lambda: False) == [ID]
    assert bench.again == [ID]
    bench.desk.clock.pass_seconds(LEASE_MS / 1000)
    assert bench.worker().run(ID) == "passed"


def test_a_replaced_worker_writes_nothing(bench: Bench) -> None:
    bench.request()
    bench.desk.outcomes["test"] = [Outcome(1, "no")]
    real = bench.desk.sandboxes.put

    def slow(*arguments: Any, **options: Any) -> str:
        bench.desk.clock.pass_seconds(LEASE_MS / 1000 + 1)
        bench.baselines.claim(ID, bench.desk.clock(), bench.desk.clock() + LEASE_MS)
        return real(*arguments, **options)

    bench.desk.sandboxes.put = slow  # type: ignore[method-assign]
    assert bench.worker().run(ID) == "taken"
    assert bench.baseline.status is BaselineStatus.RUNNING
    assert bench.desk.ran == []


@pytest.mark.parametrize("meanwhile", ["claimed", "ended"])
def test_a_request_counts_though_a_worker_changes_the_baseline_before_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    bench.request(None)
    read = baselines._row

    def read_before_the_worker(repository_id: str) -> Any:
        row = read(repository_id)
        monkeypatch.setattr(baselines, "_row", read)
        if meanwhile == "ended":
            assert bench.worker().run(ID) == "could_not_run"
        else:
            assert bench.baselines.claim(ID, bench.desk.clock(), bench.desk.clock() + LEASE_MS)
        return row

    monkeypatch.setattr(baselines, "_row", read_before_the_worker)
    requested, is_new = bench.baselines.request(ID, SETTINGS, bench.desk.clock())
    assert (requested.settings, is_new) == (SETTINGS, True)
    assert bench.worker().run(ID) == "passed"


def test_new_settings_stop_the_worker_of_the_old_ones(bench: Bench) -> None:
    bench.request()
    real = bench.desk.sandboxes.put

    def put(*arguments: Any, **options: Any) -> str:
        bench.desk.sandboxes.put = real  # type: ignore[method-assign]
        bench.request(CheckSettings(verify=("other",)))
        return real(*arguments, **options)

    bench.desk.sandboxes.put = put  # type: ignore[method-assign]
    assert bench.worker().run(ID) == "taken"
    assert (bench.desk.sandboxes.living, bench.desk.slots) == ([], 0)
    assert bench.worker().run(ID) == "passed"
    assert bench.desk.ran == ["other"]


def test_a_server_out_of_reach_is_tried_again_then_told(bench: Bench) -> None:
    bench.request()
    bench.unreachable = 2
    assert bench.worker().run(ID) == "passed"
    bench.request()
    bench.unreachable = 3
    assert bench.worker().run(ID) == "could_not_run"
    assert bench.baseline.reason == "The server does not answer."


def test_a_missing_sandbox_is_told(bench: Bench) -> None:
    bench.request()
    bench.desk.sandboxes.reason = "No user namespaces."
    assert bench.worker().run(ID) == "could_not_run"
    assert bench.baseline.reason == "No user namespaces."


def test_a_fault_of_the_platform_leaves_the_baseline_to_the_next_worker(bench: Bench) -> None:
    bench.request()
    real = bench.desk.sandboxes.open

    def broken(*arguments: Any) -> Any:
        bench.desk.sandboxes.open = real  # type: ignore[method-assign]
        raise Transient("Lambda MicroVMs: InternalServerException")

    bench.desk.sandboxes.open = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(Transient):
        bench.worker().run(ID)
    assert bench.worker().run(ID) == "passed"


def test_a_baseline_that_loses_every_worker_ends(bench: Bench) -> None:
    bench.request()
    for _ in range(MAX_CLAIMS):
        assert bench.baselines.claim(ID, bench.desk.clock(), 0)
    assert bench.worker().run(ID) == "could_not_run"
    assert bench.baseline.reason == "It was interrupted too often."


def test_earlier_baselines_leave_the_next_one_all_its_claims(bench: Bench) -> None:
    for _ in range(MAX_CLAIMS + 2):
        bench.request()
        assert bench.worker().run(ID) == "passed"
    assert (bench.baseline.epoch, bench.baseline.claims) == (MAX_CLAIMS + 2, 1)
    bench.request()
    for _ in range(MAX_CLAIMS):
        assert bench.baselines.claim(ID, bench.desk.clock(), 0)
    assert bench.worker().run(ID) == "could_not_run"


def test_a_row_of_an_earlier_release_counts_its_claims_from_the_next_one(bench: Bench) -> None:
    bench.request()
    actions: list[Any] = [BaselineRow.epoch.set(MAX_CLAIMS + 5), BaselineRow.first_epoch.remove()]
    BaselineRow(ID).update(actions=actions)
    for _ in range(MAX_CLAIMS):
        assert bench.baselines.claim(ID, bench.desk.clock(), 0)
    assert bench.baseline.claims == MAX_CLAIMS
    assert bench.worker().run(ID) == "could_not_run"
    bench.request()
    assert bench.worker().run(ID) == "passed"


def test_a_baseline_of_a_deleted_repository_ends(bench: Bench) -> None:
    bench.request()
    worker = bench.worker()

    def gone(repository_id: str) -> Repository:
        raise NotFound.of("repository", repository_id)

    worker.repository = gone
    assert worker.run(ID) == "could_not_run"


def test_without_commands_there_are_only_suggestions(bench: Bench) -> None:
    bench.request(None)
    assert bench.worker().run(ID) == "could_not_run"
    assert bench.baseline.reason == "No commands are configured."
    assert bench.desk.sandboxes.opened == {}
