"""Every function as `sam build` left it, in the real Lambda runtime, with the built layer and moto for the services."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployed.build import sam_build
from tests.deployed.events import authorizer_event, dead_letter_event, http_event, sweep_event
from tests.deployed.grants import EXPECTED
from tests.deployed.system import TOKEN, Deployed, deployed

EPICS = 9
HOP_SECONDS = "8"
TERMINAL = {"SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"}


@pytest.fixture(scope="module")
def built() -> Path:
    return sam_build()


@pytest.fixture(scope="module")
def system(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    parameters = {"ProcessNextTimeout": HOP_SECONDS, "Ai": "mock"}
    shell = {"GROUNDWORK_MOCK_LATENCY_MS": "200"}
    with deployed(built, tmp_path_factory.mktemp("logs"), parameters, shell) as system:
        yield system


@pytest.fixture(scope="module")
def project(system: Deployed) -> str:
    """A project with cards and with epics made by hand."""
    route = "/api/projects"
    event = http_event("POST", route, route, {"name": "Built"})
    project_id: str = system.request("ManageBacklogFunction", event, 201)["id"]
    cards = [{"text": f"The export fails on sheet {n}", "externalId": f"T-{n}"} for n in range(12)]
    add(system, project_id, "cards", {"cards": cards}, 200)
    for number in range(EPICS):
        epic = {"title": f"Epic {number}", "description": "As it is", "goal": "Better exports", "priority": "high"}
        add(system, project_id, "epics", epic, 201)
    return project_id


def add(system: Deployed, project_id: str, what: str, body: Any, expected: int) -> Any:
    path, route = f"/api/projects/{project_id}/{what}", f"/api/projects/{{projectId}}/{what}"
    return system.request("ManageBacklogFunction", http_event("POST", path, route, body), expected)


def start(system: Deployed, project_id: str, body: Any) -> str:
    path, route = f"/api/projects/{project_id}/runs", "/api/projects/{projectId}/runs"
    started = system.request("StartRunFunction", http_event("POST", path, route, body), 202)
    run_id: str = started["runId"]
    return run_id


def progress(system: Deployed, run_id: str, **query: str) -> Any:
    path, route = f"/api/runs/{run_id}/progress", "/api/runs/{runId}/progress"
    return system.request("GetProgressFunction", http_event("GET", path, route, query=query), 200)


def ended(system: Deployed, run_id: str, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while (now := progress(system, run_id))["status"] not in TERMINAL:
        assert time.monotonic() < deadline, (now, system.logs("ProcessNextFunction")[-3000:])
        time.sleep(0.5)
    return now


def test_the_layer_is_compiled_ahead_and_holds_no_requirements(built: Path) -> None:
    packages = built.parent / "CommonLayer" / "python"
    assert list((packages / "groundwork" / "__pycache__").glob("settings.cpython-313.pyc"))
    assert list((packages / "pydantic" / "__pycache__").glob("main.cpython-313.pyc"))
    assert not list(packages.glob("requirements*"))
    assert not (packages / "tests").exists()


@pytest.mark.parametrize(
    ("authorization", "allowed"),
    [(f"Bearer {TOKEN}", True), ("Bearer wrong", False), ("Bearer local-admin-token", False)],
)
def test_the_authorizer_knows_the_token(system: Deployed, authorization: str, allowed: bool) -> None:
    answer = system.invoke("AuthorizerFunction", authorizer_event(authorization))
    assert answer.json()["isAuthorized"] is allowed
    assert TOKEN not in system.logs("AuthorizerFunction")


def test_manage_backlog_says_that_it_is_well(system: Deployed) -> None:
    route = "/api/health"
    assert system.request("ManageBacklogFunction", http_event("GET", route, route), 200)


def test_a_run_goes_on_from_hop_to_hop_until_all_is_done(system: Deployed, project: str) -> None:
    # safe pacing leaves 2 s between calls, so a hop of 8 s cannot make more than a few of the stories
    run_id = start(system, project, {"type": "GENERATE_STORIES", "options": {"pacing": "safe", "mode": "compact"}})
    now = ended(system, run_id)
    assert now["status"] == "SUCCEEDED", (now, system.logs("ProcessNextFunction")[-3000:])
    assert (now["totalItems"], now["completedItems"], now["failedItems"]) == (EPICS, EPICS, 0)
    assert now["hops"] >= 3
    name = system.names["ProcessNextFunction"]
    hops = [done for done in system.front.invocations if done.function == name and done.event.get("runId") == run_id]
    assert len(hops) == now["hops"]
    assert not [hop.answer.payload for hop in hops if hop.answer.error]
    path, route = f"/api/projects/{project}/stories", "/api/projects/{projectId}/stories"
    listing = http_event("GET", path, route, query={"limit": "200"})
    stories = system.request("ManageBacklogFunction", listing, 200)["items"]
    assert len(stories) == now["artifactsCreated"]
    assert {story["runId"] for story in stories} == {run_id}


def test_a_sandbox_stays_warm_from_one_request_to_the_next(system: Deployed, project: str) -> None:
    path, route = f"/api/projects/{project}", "/api/projects/{projectId}"
    for _ in range(2):
        system.request("ManageBacklogFunction", http_event("GET", path, route), 200)
    first, second = system.front.invocations[-2:]
    assert first.sandbox == second.sandbox


def test_retry_runs_sweeps_on_its_schedule(system: Deployed) -> None:
    answer = system.invoke("RetryRunsFunction", sweep_event())
    assert not answer.error, answer.payload


def test_retry_runs_takes_a_dead_letter(system: Deployed, project: str) -> None:
    run_id = start(system, project, {"type": "ANALYZE_CARDS", "options": {"pacing": "fast"}})
    assert ended(system, run_id)["status"] == "SUCCEEDED"
    letter = dead_letter_event(system.names["ProcessNextFunction"], {"runId": run_id})
    answer = system.invoke("RetryRunsFunction", letter)
    assert not answer.error, answer.payload
    assert progress(system, run_id)["status"] == "SUCCEEDED"


def test_no_function_called_what_its_policy_does_not_allow(system: Deployed, project: str) -> None:
    """Of its own run and of all that the tests before it made the functions do."""
    system.invoke("AuthorizerFunction", authorizer_event(f"Bearer {TOKEN}"))
    ended(system, start(system, project, {"type": "ANALYZE_CARDS", "options": {"existingBehavior": "replace"}}))
    system.invoke("RetryRunsFunction", sweep_event())
    granted = {
        (function, action, "ProcessNextFunction" if resource.startswith("function:") else resource)
        for function, grants in EXPECTED.items()
        for action, resource, _ in grants
    }
    called = system.calls()
    assert {function for function, _, _ in called} == EXPECTED.keys()
    assert called - granted == set()
