"""Plans over HTTP among killed workers and model faults; each test has its own system."""

import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.anthropic_server.faults import (
    Call,
    Fault,
    Script,
    dropped,
    failed,
    malformed,
    on_text,
    out_of_range,
    overloaded,
    rate_limited,
    refused,
    truncated,
)
from tests.anthropic_server.server import AnthropicServer
from tests.faults.quick_clock import Durations
from tests.plans.git_server import git_server
from tests.plans.world import make_repository
from tests.system.client import PATIENCE_S, running
from tests.system.planner import Planner


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("repositories") / "downloads")


@pytest.mark.slow(reason="the schedule takes a run over once its lease has ended")
def test_a_generation_whose_worker_is_killed_is_ended_by_another(repository: Path) -> None:
    """After SIGKILL in the middle of a response, the schedule finds the run at lease expiry."""
    with running(Durations(), GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="3000") as (system, client):
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


FIRST: dict[str, Fault] = {
    "CUT": truncated(),
    "BROKEN": malformed(),
    "EMPTY": out_of_range(),
    "LIMITED": rate_limited(0.05),
    "OVERLOADED": overloaded(),
    "FAILED": failed(500),
    "DROPPED": dropped(),
}


def once_each(faults: dict[str, Fault]) -> Script:
    """Inject a fault into the first call with the word in its material, and no later one."""
    left = dict(faults)

    def script(call: Call) -> Fault | None:
        word = next((word for word in left if word in call.text), None)
        return left.pop(word) if word else None

    return script


@pytest.mark.slow(reason="each fault of the model costs a wait and a new call")
def test_a_plan_is_generated_despite_faults_and_all_usage_is_counted(repository: Path) -> None:
    with AnthropicServer(once_each(FIRST)) as server, _with(server) as (_, client):
        planner = Planner(client, str(repository))
        accepted = [planner.asked(title=f"{word} downloads") for word in FIRST]
        runs = [client.ended(one["runId"]) for one in accepted]
        plans = [planner.plan(one["planId"]) for one in accepted]
        assert [(plan["status"], plan["version"]) for plan in plans] == [("DRAFT", 1)] * len(FIRST)
        assert sum(run["tokens"]["input"] for run in runs) == server.billed.input
        assert sum(run["tokens"]["output"] for run in runs) == server.billed.output
        assert server.calls == 2 * len(FIRST)
        review = planner.reviewed(plans[0]["id"], "refine_descriptions")
        assert review["status"] == "DONE"
        assert review["suggestions"]


def test_a_failed_generation_leaves_a_failed_plan_with_the_reason(repository: Path) -> None:
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


SECRET = "a-token-nobody-may-see"


def test_credentials_of_a_repository_stay_in_their_secret(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    answers: list[str] = []
    with (
        git_server(repository, "robot", SECRET) as (url, seen),
        running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="10") as (system, client),
    ):
        client.http.event_hooks["response"] = [lambda response: answers.append(response.read().decode())]
        secrets = boto3.client("secretsmanager", endpoint_url=system.endpoint_url, region_name="us-east-1")
        secrets.create_secret(Name="groundwork/app", SecretString=f"robot:{SECRET}")
        secrets.create_secret(Name="groundwork/wrong", SecretString=f"nobody:{SECRET}")
        planner = Planner(client, url, credentialsSecret="groundwork/app")
        assert planner.generated()["status"] == "DRAFT"
        assert seen
        wrong = Planner(client, url, credentialsSecret="groundwork/wrong").generated()
        assert wrong["status"] == "FAILED"
        assert "credentials" in wrong["error"]
    logged = capfd.readouterr()
    assert "Hop ended" in logged.out + logged.err
    for text in (*answers, logged.out, logged.err):
        assert SECRET not in text


def _with(server: AnthropicServer) -> Any:
    return running(GROUNDWORK_AI="anthropic", ANTHROPIC_API_KEY="test-key", ANTHROPIC_BASE_URL=server.url)
