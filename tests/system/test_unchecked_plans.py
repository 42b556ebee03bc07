"""Plans on a local system with checks turned off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.checked_repository import VERIFY, CheckedExecutor
from tests.system.client import Client, running
from tests.system.executor import phase, task

BREAKS = task("a", files=["shop/prices.py"])


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="100", GROUNDWORK_CHECKS="off") as found:
        yield found[1]


@pytest.mark.parametrize("commits", [True, False])
def test_a_change_lands_without_its_checks_and_is_not_called_passed(
    client: Client, tmp_path: Path, commits: bool
) -> None:
    executor = CheckedExecutor(client, tmp_path / "shop", verify=[VERIFY])
    plan_id, tasks = executor.executed(phase("One", BREAKS), autoCommit=commits)
    done = tasks["a"]
    assert (done["verified"], executor.checks(done)) == ("not_run", [])
    assert executor.has_branch(plan_id) is commits
    if commits:
        assert executor.trailers_of(done)["Checks"] == "not_run"
        assert not executor.head_of(plan_id, tmp_path / "head").passes()


def test_a_baseline_with_commands_is_refused(client: Client, tmp_path: Path) -> None:
    executor = CheckedExecutor(client, tmp_path / "shop", verify=[VERIFY])
    assert executor.refused(f"/api/repositories/{executor.repository}/baseline") == "SANDBOX_UNAVAILABLE"
