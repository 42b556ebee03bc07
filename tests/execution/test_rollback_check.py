"""Check of the head after a rollback: told, and without effect on the rollback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from groundwork.adapters.dynamodb.check_rows import RollbackCheckRow
from groundwork.adapters.dynamodb.execution_rows import SlotsRow, StateRow, state_key
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.adapters.git.repository import open_repository
from groundwork.agent.repository import RepositoryUnreachable
from groundwork.checks.errors import ClaimLost
from groundwork.checks.model import CheckSettings, Verified
from groundwork.checks.ports import Owner, OwnerKind
from groundwork.errors import Transient
from groundwork.execution import rollback
from groundwork.execution.progress import rollback_shown
from groundwork.execution.rollback_checker import LEASE_MS, MAX_CHECK_MS, RESERVE_MS, RollbackChecker
from groundwork.execution.rollback_runner import RollbackRunner
from groundwork.execution.state import RepositoryChecks, Rollback
from groundwork.execution.worker import NotReverted
from groundwork.plans.repositories import Repository
from tests.execution.scripted_plan import Play
from tests.execution.test_rollback import OTHER, Reverts, ask
from tests.fakes.sandboxes import Outcome
from tests.plans.plans import NOW, draft, id_of, phase, plan_of
from tests.plans.world import make_repository
from tests.repository_checks.conftest import Desk

SETTINGS = CheckSettings(verify=("test",))


class Heads(Reverts):
    """Reverter with the same existing commit for every revert."""

    head = ""

    def revert_commits(self, repository: Repository, branch: str, taken: Any) -> dict[str, str]:
        return dict.fromkeys(super().revert_commits(repository, branch, taken), self.head)


class Bench:
    """A completed plan over two repositories, its rollback and the check after it."""

    def __init__(self, tables: Tables, folder: Path) -> None:
        self.desk = Desk(tables, folder / "tree")
        self.url = str(make_repository(folder / "r"))
        one = phase("One", draft("a"), draft("b", "a"), mode="parallel")
        self.play = Play(plan_of(one, phase("Two", draft("c", repository_id=OTHER))))
        self.play.execute()
        self.play.to_the_end()
        self.reverts, self.again = Heads(), list[str]()
        with self._open(self._repository(""), folder / "look") as upstream:
            self.reverts.head = upstream.head("main", None, make=False)
        self.left, self.unreachable, self.checks = 300_000, 0, True
        self.play.now = self.desk.clock()

    def configure(self, *repositories: str, **fields: Any) -> None:
        checks = tuple(RepositoryChecks(repository_id=id_, settings=SETTINGS, **fields) for id_ in repositories)
        self.play.coordinator().change(self.plan_id, lambda state: state.with_execution(checks=checks))

    def roll_back(self, key: str | None = None, include: bool = True) -> str:
        self.play.now = self.desk.clock()
        ask(self.play, key, include)
        self.checker().end_earlier(self.plan_id)
        coordinator, repository = self.play.coordinator(), self._repository
        return RollbackRunner(self.play.store, coordinator, self.reverts, repository, self.desk.clock).run(self.plan_id)

    def checker(self) -> RollbackChecker:
        return RollbackChecker(
            store=self.play.store,
            coordinator=self.play.coordinator(),
            claims=self.desk.tables.rollback_claims,
            runner=(lambda: self.desk.runner) if self.checks else None,
            open_repository=self._open,
            repository=self._repository,
            again=self.again.append,
            now_ms=self.desk.clock,
            left_ms=self._left,
            sleep=self.desk.clock.pass_seconds,
        )

    def check(self) -> str:
        return self.checker().run(self.plan_id)

    def _repository(self, id_: str) -> Repository:
        return Repository(id=id_, name="R", url=self.url, created_at=NOW)

    @contextmanager
    def _open(self, repository: Repository, folder: Path) -> Iterator[Any]:
        if getattr(self, "unreachable", 0):
            raise RepositoryUnreachable("The server does not answer.")
        with open_repository(repository, lambda name: "", folder, local=True) as upstream:
            yield upstream

    def _left(self) -> int:
        self.left -= 1_000
        return self.left

    @property
    def plan_id(self) -> str:
        return self.play.plan.id

    @property
    def main(self) -> str:
        return self.play.plan.repository_id

    @property
    def rollback(self) -> Rollback:
        found = self.play.execution_state.execution.rollback
        assert found
        return found

    @property
    def verified(self) -> Verified | None:
        return self.rollback.verified

    @property
    def told(self) -> list[tuple[str, str | None]]:
        events = [event for _, event in self.play.store.events if event.what.startswith("ROLLBACK")]
        return [(event.what, event.reason) for event in events]

    def owner(self, task_key: str = "a") -> Owner:
        return Owner(OwnerKind.ROLLBACK, self.plan_id, id_of(self.play.plan, task_key), self.rollback.number, 9)


@pytest.fixture
def bench(simulated_tables: Tables, tmp_path: Path) -> Bench:
    simulated_tables.sandboxes.limit = 2
    return Bench(simulated_tables, tmp_path)


def test_the_newest_revert_of_each_repository_is_checked_and_told(bench: Bench) -> None:
    bench.configure(bench.main)
    assert bench.roll_back() == "DONE"
    heads = {head.repository_id: head for head in bench.rollback.heads}
    assert heads[bench.main].task_id == id_of(bench.play.plan, "a")
    assert (heads[bench.main].verified, heads[OTHER].verified) == (None, Verified.NOT_CONFIGURED)
    assert bench.rollback.verified is None
    assert bench.check() == "CHECKED"
    assert bench.rollback.verified is Verified.PASSED
    assert bench.told[-1] == ("ROLLBACK_CHECK_PASSED", None)
    assert (bench.desk.ran, bench.desk.sandboxes.living, bench.desk.slots) == (["test"], [], 0)
    assert bench.check() == "NONE"


def test_a_failed_check_leaves_the_rollback_done_and_tells_the_log(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.desk.outcomes["test"] = [Outcome(exit_code=1)]
    assert bench.roll_back() == "DONE"
    assert bench.check() == "CHECKED"
    assert (bench.rollback.status, bench.rollback.error) == ("DONE", None)
    assert bench.rollback.verified is Verified.FAILED
    what, reason = bench.told[-1]
    assert what == "ROLLBACK_CHECK_FAILED"
    assert reason
    assert "`test` failed with exit code 1" in reason
    assert set(bench.play.statuses().values()) == {"SKIPPED"}


def test_without_checks_nothing_waits_and_the_progress_says_so(bench: Bench) -> None:
    assert bench.roll_back() == "DONE"
    assert {"heads", "verified"} & set(bench.rollback.stored()) == set()
    shown = rollback_shown(bench.play.execution_state.execution)
    assert shown
    assert (shown["heads"], shown["verified"]) == ([], "not_configured")
    assert [what for what, _ in bench.told] == ["ROLLBACK_RUNNING", "ROLLBACK_DONE"]
    assert bench.check() == "NONE"
    assert list(RollbackCheckRow.query(bench.plan_id, RollbackCheckRow.sk == "ROLLBACK")) == []


def test_a_system_without_checks_tells_not_run(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.checks = False
    bench.roll_back()
    assert bench.check() == "CHECKED"
    assert bench.rollback.verified is Verified.NOT_RUN
    assert bench.told[-1] == ("ROLLBACK_CHECK_NOT_RUN", "The system runs no checks.")


def test_a_long_check_goes_on_in_the_next_invocation_and_in_the_same_sandbox(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.desk.outcomes["test"] = [None]
    bench.roll_back()
    bench.left = RESERVE_MS + 5_000
    assert bench.check() == "RUNNING"
    assert bench.again == [bench.plan_id]
    assert bench.rollback.verified is None
    (sandbox,) = bench.desk.sandboxes.living
    bench.desk.sandboxes.kill(sandbox.handle, next(iter(sandbox.commands)))
    bench.left = 300_000
    assert bench.check() == "CHECKED"
    assert bench.desk.ran == ["test"]
    assert bench.verified is Verified.NOT_RUN
    assert bench.desk.sandboxes.living == []


def test_the_sweep_requests_a_pending_check_again_and_keeps_the_plan_marked(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.roll_back()
    before = len(bench.play.machine.undone)
    for _ in range(2):
        assert bench.play.coordinator().sweep(bench.play.now + 1, lambda: False) == [bench.plan_id]
    assert len(bench.play.machine.undone) == before + 2
    bench.check()
    bench.play.coordinator().sweep(bench.play.now + 1, lambda: False)
    assert bench.play.coordinator().sweep(bench.play.now + 1, lambda: False) == []


def test_a_lost_worker_is_replaced_after_its_lease_and_writes_nothing_then(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.roll_back()
    now, number = bench.desk.clock(), bench.rollback.number
    claims = bench.desk.tables.rollback_claims
    assert claims.claim(bench.plan_id, number, now, now + LEASE_MS) == 1
    assert bench.check() == "TAKEN"
    bench.desk.clock.pass_seconds(LEASE_MS / 1000)
    assert bench.check() == "CHECKED"
    with pytest.raises(ClaimLost):
        claims.renew(bench.plan_id, number, 1, now)


def test_an_unreachable_repository_is_tried_again_until_the_limit(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.roll_back()
    bench.unreachable = 1
    for _ in range(2):
        with pytest.raises(Transient):
            bench.check()
    assert bench.rollback.status == "DONE"
    bench.desk.clock.pass_seconds(MAX_CHECK_MS / 1000 + 1)
    assert bench.check() == "CHECKED"
    assert bench.told[-1] == ("ROLLBACK_CHECK_NOT_RUN", "The check did not end in time.")


def test_a_check_that_waits_for_a_slot_ends_in_time(bench: Bench) -> None:
    bench.configure(bench.main)
    SlotsRow("ACCOUNT", "SANDBOXES", used=2).save()
    bench.roll_back()
    for _ in range(200):
        bench.left = 300_000
        if bench.check() == "CHECKED":
            break
    assert bench.rollback.verified is Verified.NOT_RUN
    assert bench.desk.ran == []


def test_another_rollback_replaces_a_pending_check_and_its_sandbox_is_swept(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.desk.outcomes["test"] = [None]
    bench.roll_back("b")
    bench.left = RESERVE_MS + 5_000
    assert bench.check() == "RUNNING"
    earlier = bench.owner("b")
    assert bench.desk.tables.sandboxes.is_live(earlier)
    # nothing is pushed by this one, so that nothing claims a check
    bench.reverts.fails = NotReverted("The branch has moved on.")
    assert bench.roll_back("a") == "FAILED"
    assert bench.rollback.heads == ()
    assert not bench.desk.tables.sandboxes.is_live(earlier)
    assert bench.desk.keeper.sweep(lambda: False) == [earlier.id]
    assert bench.desk.sandboxes.living == []


def test_a_late_worker_does_not_write_into_a_later_rollback(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.roll_back("b")
    earlier = bench.rollback.number
    bench.roll_back("a")
    bench.play.coordinator().change(
        bench.plan_id,
        lambda state: rollback.record_head_check(state, earlier, bench.main, Verified.PASSED, None),
    )
    assert bench.rollback.verified is None
    assert bench.check() == "CHECKED"


def test_a_verdict_survives_a_worker_lost_before_it_is_recorded(bench: Bench) -> None:
    bench.configure(bench.main)
    bench.roll_back()
    checker = bench.checker()
    real = checker.coordinator
    checker.coordinator = SimpleNamespace(change=_lost)  # type: ignore[assignment]
    with pytest.raises(Transient):
        checker.run(bench.plan_id)
    assert bench.rollback.verified is None
    checker.coordinator = real
    assert checker.run(bench.plan_id) == "CHECKED"
    assert bench.desk.ran == ["test"]
    assert bench.verified is Verified.PASSED


def _lost(*_: Any) -> Any:
    raise Transient("The database does not answer.")


def test_its_seconds_are_billed_once_to_the_last_reverted_task(bench: Bench) -> None:
    bench.configure(bench.main)
    task_id = id_of(bench.play.plan, "a")
    StateRow(bench.plan_id, state_key(task_id)).update(actions=[StateRow.status.set("SKIPPED")])
    bench.desk.outcomes["test"] = [None]
    bench.roll_back()
    bench.left = RESERVE_MS + 5_000
    bench.check()
    bench.desk.clock.pass_seconds(100)
    (sandbox,) = bench.desk.sandboxes.living
    bench.desk.sandboxes.kill(sandbox.handle, next(iter(sandbox.commands)))
    bench.left = 300_000
    bench.check()
    bench.desk.keeper.close(bench.owner())
    row = StateRow.get(bench.plan_id, state_key(task_id))
    assert 100_000 <= int(row.sandbox_ms) < 200_000
    assert int(row.cost) > 0


def test_success_after_a_red_baseline_is_not_called_passed(bench: Bench) -> None:
    bench.configure(bench.main, red_baseline=True)
    bench.roll_back()
    bench.check()
    assert bench.rollback.verified is Verified.NOT_RUN
