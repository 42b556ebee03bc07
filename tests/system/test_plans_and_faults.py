"""Plans written through HTTP while workers are killed and the model's API misbehaves: each test has its own system."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.anthropic_server.faults import (
    Script,
    dropped,
    failed,
    malformed,
    on_calls,
    on_text,
    out_of_range,
    overloaded,
    rate_limited,
    refused,
    truncated,
)
from tests.anthropic_server.server import AnthropicServer
from tests.plans.world import make_repository
from tests.system.client import PATIENCE_S, running
from tests.system.planning import Planner


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("repositories") / "downloads")


def test_a_generation_whose_worker_is_killed_is_ended_by_another(repository: Path) -> None:
    """Killed with SIGKILL in the middle of the model's answer; the schedule finds the run when its lease is over."""
    with (
        running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="3000") as (system, client),
    ):
        planner = Planner(client, str(repository))
        accepted = planner.asked()
        killed: list[int] = []

        def kill(progress: dict[str, Any]) -> None:
            if progress["activeItems"] and not killed:
                killed.append(system.kill_sandboxes("ProcessNextFunction"))
            if progress["stale"]:
                system.fire_schedules("RetryRunsFunction")

        run = client.ended(accepted["runId"], kill)
        assert (run["status"], len(killed)) == ("SUCCEEDED", 1)
        assert run["hops"] >= 2
        plan = planner.plan(accepted["planId"])
        assert (plan["status"], plan["version"]) == ("DRAFT", 1)


def test_a_cancelled_generation_is_failed_at_once(repository: Path) -> None:
    with running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="60000") as (_, client):
        planner = Planner(client, str(repository))
        accepted = planner.asked()
        ends = time.monotonic() + PATIENCE_S
        while not client.progress(accepted["runId"])["activeItems"]:
            assert time.monotonic() < ends
            time.sleep(0.1)
        cancelled = client.ok(client.http.post(f"/api/runs/{accepted['runId']}/cancel"))
        assert cancelled["status"] == "CANCELLED"
        plan = planner.plan(accepted["planId"])
        assert (plan["status"], plan["phases"]) == ("FAILED", [])
        assert client.http.delete(f"/api/plans/{plan['id']}").status_code == 204


PASSING: dict[str, Script] = {
    "nothing": on_calls({}),
    "errors that pass": on_calls({1: rate_limited(0.05), 2: overloaded(), 3: failed(500), 4: dropped()}),
    "an answer cut off": on_calls({1: truncated()}),
    "an answer that is none": on_calls({1: malformed()}),
    "an empty plan": on_calls({1: out_of_range()}),
}


@pytest.mark.parametrize("name", list(PASSING))
def test_a_plan_comes_of_an_api_that_misbehaves_for_a_while(name: str, repository: Path) -> None:
    with AnthropicServer(PASSING[name]) as server, _with(server) as (_, client):
        planner = Planner(client, str(repository))
        accepted = planner.asked()
        run = client.ended(accepted["runId"])
        plan = planner.plan(accepted["planId"])
        assert (plan["status"], plan["version"]) == ("DRAFT", 1), plan["error"]
        assert (run["tokens"]["input"], run["tokens"]["output"]) == (server.billed.input, server.billed.output)
        review = planner.reviewed(plan["id"], "refine_descriptions")
        assert review["status"] == "DONE"
        assert review["suggestions"]


def test_an_api_that_never_gives_a_plan_leaves_it_failed_with_the_reason(repository: Path) -> None:
    script = on_text({"NEVER": out_of_range(), "REFUSE": refused()})
    with AnthropicServer(script) as server, _with(server) as (_, client):
        planner = Planner(client, str(repository))
        invalid = planner.generated(title="NEVER")
        assert invalid["status"] == "FAILED"
        assert "NO_PHASE" in invalid["error"]
        assert server.calls == 2
        denied = planner.generated(title="REFUSE")
        assert denied["status"] == "FAILED"
        assert "refused" in denied["error"]
        assert denied["phases"] == invalid["phases"] == []


def _with(server: AnthropicServer) -> Any:
    return running(GROUNDWORK_AI="anthropic", ANTHROPIC_API_KEY="test-key", ANTHROPIC_BASE_URL=server.url)
