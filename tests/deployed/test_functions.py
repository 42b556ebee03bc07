"""Every built function with its layer in the real Lambda runtime, on moto."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.adapters.dynamodb.run_rows import run_key
from tests.adapters.git.server import TOKEN as GIT_TOKEN
from tests.deployed.build import sam_build
from tests.deployed.events import authorizer_event, dead_letter_event, http_event, sweep_event
from tests.deployed.files import all_ended, imports_of, put, use_every_import_endpoint
from tests.deployed.grants import EXPECTED, PLAN_EXECUTOR, PROCESS_NEXT
from tests.deployed.plans import SECRET, plan_routes, repository, use_every_plan_endpoint
from tests.deployed.system import TOKEN, Deployed, client, deployed

# a hop of 20 s has room for 8 calls, 2 s apart, before it hands on; a shorter one has no time to spare for its end
EPICS = 20
HOP_SECONDS = "20"
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


def ended(system: Deployed, run_id: str, seconds: float = 240) -> Any:
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


@pytest.mark.parametrize("route", ["/api/health", "/api/openapi.json"])
def test_manage_backlog_says_that_it_is_well_and_what_it_offers(system: Deployed, route: str) -> None:
    assert system.request("ManageBacklogFunction", http_event("GET", route, route), 200)


@pytest.mark.slow(reason="cold starts of the built functions in the real runtime")
def test_a_run_goes_on_from_hop_to_hop_until_all_is_done(system: Deployed, project: str) -> None:
    # safe pacing leaves 2 s between calls, so a hop of 20 s cannot make more than 8 of the stories
    run_id = start(system, project, {"type": "GENERATE_STORIES", "options": {"pacing": "safe", "mode": "compact"}})
    now = ended(system, run_id)
    assert now["status"] == "SUCCEEDED", (now, system.logs("ProcessNextFunction")[-3000:])
    assert (now["totalItems"], now["completedItems"], now["failedItems"]) == (EPICS, EPICS, 0)
    assert now["hops"] >= 3
    # the run has ended when its row says so; its last hop ends a moment later
    system.front.settle()
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
    name = system.names["ManageBacklogFunction"]
    first, second = [done for done in system.front.invocations if done.function == name][-2:]
    assert first.sandbox == second.sandbox


@pytest.mark.slow(reason="a function runs until its time is up")
def test_a_request_out_of_time_is_answered_before_lambda_ends_the_function(system: Deployed, project: str) -> None:
    # 28 s: the template's own time, less the second for the answer
    path, route = f"/api/projects/{project}", "/api/projects/{projectId}"
    with system.endpoint.stalled_tables():
        answer = system.request("ManageBacklogFunction", http_event("GET", path, route), 504)
    assert answer["error"]["code"] == "TIMED_OUT"
    system.request("ManageBacklogFunction", http_event("GET", path, route), 200)
    name = system.names["ManageBacklogFunction"]
    timed_out, following = [done for done in system.front.invocations if done.function == name][-2:]
    assert timed_out.sandbox == following.sandbox


def test_retry_runs_sweeps_on_its_schedule(system: Deployed) -> None:
    answer = system.invoke("RetryRunsFunction", sweep_event())
    assert not answer.error, answer.payload


def test_a_run_whose_trigger_failed_is_revived_by_the_sweep(system: Deployed, project: str) -> None:
    name = system.names["ProcessNextFunction"]
    system.front.throttled.add(name)
    run_id = start(system, project, {"type": "ANALYZE_CARDS", "options": {"existingBehavior": "replace"}})
    system.front.throttled.remove(name)
    waiting = progress(system, run_id)
    assert waiting["status"] == "QUEUED"
    assert "could not be triggered" in waiting["phaseDetail"]
    let_lease_expire(system, run_id)
    assert progress(system, run_id)["stale"] is True
    answer = system.invoke("RetryRunsFunction", sweep_event())
    assert run_id in answer.json()["revived"]
    assert ended(system, run_id)["status"] == "SUCCEEDED"


def let_lease_expire(system: Deployed, run_id: str) -> None:
    pk, sk = run_key(run_id)
    client("dynamodb", system.endpoint.url).update_item(
        TableName=system.resources["RunsTable"],
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET #until = :past",
        ExpressionAttributeNames={"#until": "until"},
        ExpressionAttributeValues={":past": {"N": "1"}},
    )


def test_retry_runs_takes_a_dead_letter(system: Deployed, project: str) -> None:
    run_id = start(system, project, {"type": "ANALYZE_CARDS", "options": {"existingBehavior": "replace"}})
    assert ended(system, run_id)["status"] == "SUCCEEDED"
    letter = dead_letter_event(system.names["ProcessNextFunction"], {"runId": run_id})
    answer = system.invoke("RetryRunsFunction", letter)
    assert not answer.error, answer.payload
    assert progress(system, run_id)["status"] == "SUCCEEDED"


def test_a_dead_letter_revives_a_run_that_nobody_works_on(system: Deployed, project: str) -> None:
    """Simulate the third failure in Lambda: the run still waits, and its lease has expired."""
    name = system.names["ProcessNextFunction"]
    system.front.throttled.add(name)
    run_id = start(system, project, {"type": "ANALYZE_CARDS", "options": {"existingBehavior": "replace"}})
    system.front.throttled.remove(name)
    let_lease_expire(system, run_id)
    answer = system.invoke("RetryRunsFunction", dead_letter_event(name, {"runId": run_id}))
    assert answer.json() == {"batchItemFailures": []}
    assert ended(system, run_id)["status"] == "SUCCEEDED"


def use_every_run_endpoint(system: Deployed, project: str) -> None:
    runs = f"/api/projects/{project}/runs", "/api/projects/{projectId}/runs"
    body = {"type": "ANALYZE_CARDS", "options": {"existingBehavior": "replace"}}
    again = http_event("POST", *runs, body, idempotency_key="once")
    run_id = system.request("StartRunFunction", again, 202)["runId"]
    assert system.request("StartRunFunction", again, 202)["runId"] == run_id
    system.request("StartRunFunction", http_event("POST", *runs, body), 409)
    system.request("StartRunFunction", http_event("POST", f"{runs[0]}/estimate", f"{runs[1]}/estimate", body), 200)
    for what in ("items", "logs", "coverage"):
        path, route = f"/api/runs/{run_id}/{what}", f"/api/runs/{{runId}}/{what}"
        system.invoke("GetProgressFunction", http_event("GET", path, route))
    system.request("GetProgressFunction", http_event("GET", *runs), 200)
    progress(system, run_id, items="true")
    ended(system, run_id)
    system.request("StartRunFunction", http_event("POST", f"/api/runs/{run_id}/retry", "/api/runs/{runId}/retry"), 409)
    slow = start(
        system, project, {"type": "GENERATE_STORIES", "options": {"pacing": "safe", "existingBehavior": "replace"}}
    )
    system.request("StartRunFunction", http_event("POST", f"/api/runs/{slow}/cancel", "/api/runs/{runId}/cancel"), 200)


def use_every_backlog_endpoint(system: Deployed) -> None:
    """The life of one project, from its creation to its deletion."""

    def ask(method: str, path: str, route: str, expected: int, body: Any = None) -> Any:
        return system.request("ManageBacklogFunction", http_event(method, path, route, body), expected)

    kinds = [("epics", "epicId", "stories"), ("stories", "storyId", "subtasks"), ("subtasks", "subtaskId", "")]
    project_id = ask("POST", "/api/projects", "/api/projects", 201, {"name": "Short"})["id"]
    project = f"/api/projects/{project_id}", "/api/projects/{projectId}"
    ask("PATCH", *project, 200, {"name": "Shorter"})
    ask("GET", "/api/projects", "/api/projects", 200)
    add(system, project_id, "cards", {"cards": [{"text": "One", "externalId": "1"}, {"text": "Two"}]}, 200)
    add(system, project_id, "cards", {"cards": [{"text": "One", "externalId": "1"}]}, 200)
    headers: dict[str, Any] = {"idempotency_key": "part-1", "content_type": "text/csv"}
    for below in ("", "/preview"):
        event = http_event("POST", f"{project[0]}/cards{below}", f"{project[1]}/cards{below}", **headers)
        system.request("ManageBacklogFunction", event | {"body": "text\nThree\n"}, 200)
    card = ask("GET", f"{project[0]}/cards", f"{project[1]}/cards", 200)["items"][0]["id"]
    ask("PATCH", f"/api/cards/{card}", "/api/cards/{cardId}", 200, {"text": "First"})
    above = project
    for kind, parameter, _ in kinds:
        own_list = f"{above[0]}/{kind}", f"{above[1]}/{kind}"
        made = ask("POST", *own_list, 201, {"title": "Made by hand"})["id"]
        ask("GET", *own_list, 200)
        ask("GET", f"{project[0]}/{kind}", f"{project[1]}/{kind}", 200)
        above = f"/api/{kind}/{made}", f"/api/{kind}/{{{parameter}}}"
        ask("GET", *above, 200)
        ask("PATCH", *above, 200, {"title": "Changed by hand"})
    ask("GET", f"{project[0]}/export", f"{project[1]}/export", 200)
    # a run for the deletion of the project
    ended(system, start(system, project_id, {"type": "GENERATE_SUBTASKS", "options": {"existingBehavior": "replace"}}))
    for story in ask("GET", f"{project[0]}/stories", f"{project[1]}/stories", 200)["items"]:
        ask("DELETE", f"/api/stories/{story['id']}", "/api/stories/{storyId}", 204)
    ask("DELETE", f"/api/cards/{card}", "/api/cards/{cardId}", 204)
    ask("DELETE", *project, 204)


@pytest.fixture(scope="module")
def used_plan_routes(system: Deployed, project: str, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Use every route about plans once. Returns the routes."""
    listing = http_event("GET", f"/api/projects/{project}/epics", "/api/projects/{projectId}/epics")
    epic = system.request("ManageBacklogFunction", listing, 200)["items"][0]["id"]
    made = http_event("POST", f"/api/epics/{epic}/stories", "/api/epics/{epicId}/stories", {"title": "Export"})
    story = system.request("ManageBacklogFunction", made, 201)["id"]
    with repository(system, tmp_path_factory.mktemp("repository")) as url:
        return use_every_plan_endpoint(system, url, story)


@pytest.mark.slow(reason="cold starts of the built functions in the real runtime")
def test_plans_are_edited_written_and_reviewed(system: Deployed, used_plan_routes: set[tuple[str, str]]) -> None:
    assert used_plan_routes == plan_routes()
    readers = ("ProcessNextFunction", "ManagePlansFunction", "PlanExecutorFunction")
    assert GIT_TOKEN not in "".join(map(system.logs, readers))
    assert "groundwork/shop" in {resource for _, _, resource in system.calls()}


@pytest.fixture(scope="module")
def used_imports(system: Deployed) -> str:
    """Use every way to import a file. Returns the project."""
    event = http_event("POST", "/api/projects", "/api/projects", {"name": "Files"})
    project_id: str = system.request("ManageBacklogFunction", event, 201)["id"]
    use_every_import_endpoint(system, project_id)
    return project_id


def test_a_file_put_into_the_bucket_is_imported_once_by_its_event(system: Deployed, used_imports: str) -> None:
    runs = http_event("GET", f"/api/projects/{used_imports}/runs", "/api/projects/{projectId}/runs")
    found = system.request("GetProgressFunction", runs, 200)["items"]
    assert [run["type"] for run in found] == ["IMPORT_CARDS"] * 3
    (empty,) = (one for one in imports_of(system, used_imports) if one["status"] == "REFUSED")
    assert (empty["name"], empty["runId"]) == ("empty.csv", None)


def test_a_waiting_file_whose_trigger_failed_is_started_by_the_sweep(system: Deployed, used_imports: str) -> None:
    before = len(imports_of(system, used_imports))
    name = system.names["ProcessNextFunction"]
    system.front.throttled.add(name)
    events = [put(system, f"imports/{used_imports}/{one}.csv", f"text\n{one}\n".encode()) for one in ("x", "y")]
    ends = [system.invoke("QueueImportFunction", event).json()["end"] for event in events]
    system.front.throttled.remove(name)
    assert ends == ["started", "waiting"]
    first = imports_of(system, used_imports)[before]
    let_lease_expire(system, first["runId"])
    assert first["runId"] in system.invoke("RetryRunsFunction", sweep_event()).json()["revived"]
    made = all_ended(system, used_imports, before + 2)[before:]
    assert [one["counts"]["created"] for one in made] == [1, 1]


SHOWN_AS = {
    f"function:{PROCESS_NEXT}": "ProcessNextFunction",
    f"function:{PLAN_EXECUTOR}": "PlanExecutorFunction",
    "secret:groundwork/*": SECRET,
}
"""Return the name in a call for a composed name in a policy."""


@pytest.mark.usefixtures("used_plan_routes", "used_imports")
def test_no_function_called_what_its_policy_does_not_allow(system: Deployed, project: str) -> None:
    system.invoke("AuthorizerFunction", authorizer_event(f"Bearer {TOKEN}"))
    use_every_backlog_endpoint(system)
    use_every_run_endpoint(system, project)
    # deletions are finished, and stale runs looked for, by the sweep
    system.invoke("RetryRunsFunction", sweep_event())
    system.invoke("PlanExecutorFunction", {"do": "SWEEP"})
    granted = {
        (function, action, SHOWN_AS.get(resource, resource))
        for function, grants in EXPECTED.items()
        for action, resource, _ in grants
    }
    called = system.calls()
    assert {function for function, _, _ in called} == EXPECTED.keys()
    assert called - granted == set()
