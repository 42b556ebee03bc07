"""Plans edited over HTTP on the local system, by two clients at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.system import LocalSystem
from tests.system.client import Client

EDITORS = 4
EDITS = 5


@pytest.fixture
def client(mocked: tuple[LocalSystem, Client]) -> Client:
    return mocked[1]


def task(key: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "title": f"Do {key}", "dependsOn": list(depends_on)} | fields


@pytest.fixture
def plan(client: Client) -> Any:
    body = {"name": "Shop", "url": "https://example.com/shop.git", "credentialsSecret": "groundwork/shop"}
    repository = client.ok(client.http.post("/api/repositories", json=body), 201)
    phases = [
        {"title": "First", "tasks": [task("a"), task("b", "a")]},
        {"title": "Second", "mode": "parallel", "tasks": [task("c", "b"), task("d", "a")]},
    ]
    new = {"repositoryId": repository["id"], "title": "By hand", "phases": phases}
    return client.ok(client.http.post("/api/plans", json=new), 201)


def tasks_of(plan: Any) -> dict[str, Any]:
    return {one["key"]: one for phase in plan["phases"] for one in phase["tasks"]}


def test_a_plan_is_made_edited_compared_restored_and_deleted(client: Client, plan: Any) -> None:
    http, path = client.http, f"/api/plans/{plan['id']}"
    tasks = tasks_of(plan)
    answer = http.get(path)
    assert (answer.headers["etag"], answer.json()) == ('"1"', plan)
    moved = http.patch(f"/api/plan-tasks/{tasks['b']['id']}", json={"title": "Other"}, headers={"If-Match": '"1"'})
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    late = http.patch(f"/api/plan-tasks/{tasks['b']['id']}", json={"title": "Mine"}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["error"]["details"]) == (409, {"version": 2})
    cycle = http.patch(f"/api/plan-tasks/{tasks['a']['id']}", json={"dependsOn": ["c"]})
    assert cycle.status_code == 422
    assert "LATER_PHASE" in [fault["code"] for fault in cycle.json()["error"]["details"]]
    gone = http.delete(f"/api/plan-tasks/{tasks['b']['id']}", params={"dependents": "repair"})
    assert (gone.status_code, gone.headers["etag"]) == (204, '"3"')
    now = client.ok(http.get(path))
    assert tasks_of(now)["c"]["dependsOn"] == [tasks["a"]["id"]]
    changes = client.ok(http.get(f"{path}/compare", params={"from": 1}))["changes"]
    assert [change["kind"] for change in changes] == ["removed", "changed"]
    restored = client.ok(http.post(f"{path}/restore", json={"version": 1}))
    assert restored["phases"] == plan["phases"]
    history = client.every(f"{path}/iterations")
    assert [line["kind"] for line in history] == ["RESTORED", "EDITED", "EDITED", "CREATED"]
    ready = client.ok(http.patch(path, json={"status": "READY"}))
    assert (ready["status"], ready["version"]) == ("READY", 5)
    estimate = client.ok(http.post(f"{path}/estimate"))
    assert (estimate["tasks"], estimate["basis"]) == (4, "assumed")
    assert http.delete(path).status_code == 204
    assert http.get(path).status_code == 404


def test_concurrent_clients_lose_no_edit(mocked: tuple[LocalSystem, Client], plan: Any) -> None:
    """Each client adds tasks to its version and reads again after a conflict."""
    phase = plan["phases"][1]["id"]

    def edit(number: int) -> int:
        headers = {"Authorization": f"Bearer {mocked[0].token}", "X-Groundwork-Author": f"Editor {number}"}
        refused = 0
        with httpx.Client(base_url=mocked[0].url, headers=headers, timeout=120) as http:
            for edit in range(EDITS):
                body = {"phaseId": phase, "key": f"e{number}-{edit}", "title": "Added"}
                while True:
                    seen = http.get(f"/api/plans/{plan['id']}").headers["etag"]
                    answer = http.post("/api/plan-tasks", json=body, headers={"If-Match": seen})
                    if answer.status_code == 201:
                        break
                    assert answer.status_code == 409, answer.text
                    refused += 1
        return refused

    with ThreadPoolExecutor(EDITORS) as pool:
        list(pool.map(edit, range(EDITORS)))
    client = mocked[1]
    now = client.ok(client.http.get(f"/api/plans/{plan['id']}"))
    added = {f"e{number}-{edit}" for number in range(EDITORS) for edit in range(EDITS)}
    assert set(tasks_of(now)) == {"a", "b", "c", "d"} | added
    assert now["version"] == 1 + len(added)
    history = client.every(f"/api/plans/{plan['id']}/iterations")
    assert [line["version"] for line in history] == list(range(now["version"], 0, -1))
    assert {line["who"] for line in history} == {"admin", *(f"Editor {number}" for number in range(EDITORS))}


def test_a_plan_of_five_hundred_tasks_is_made_edited_and_deleted(client: Client, plan: Any) -> None:
    phases = [
        {
            "title": f"Phase {part}",
            "mode": "parallel",
            "tasks": [task(f"t{part}-{n}", description="What to do. " * 30, effort="S") for n in range(100)],
        }
        for part in range(5)
    ]
    large = client.ok(
        client.http.post("/api/plans", json={"repositoryId": plan["repositoryId"], "title": "Large", "phases": phases}),
        201,
    )
    path = f"/api/plans/{large['id']}"
    one = large["phases"][2]["tasks"][50]
    client.ok(client.http.patch(f"/api/plan-tasks/{one['id']}", json={"title": "Changed"}))
    now = client.ok(client.http.get(path))
    assert (now["taskCount"], tasks_of(now)["t2-50"]["title"]) == (500, "Changed")
    full = client.http.post("/api/plan-tasks", json={"phaseId": large["phases"][0]["id"], "title": "One more"})
    assert "TOO_MANY_TASKS" in [fault["code"] for fault in full.json()["error"]["details"]]
    assert client.http.delete(path).status_code == 204


def test_templates_and_stories_make_plans(client: Client, plan: Any) -> None:
    http = client.http
    templates = client.ok(http.get("/api/plan-templates"))["items"]
    assert len(templates) >= 3
    project = client.project(cards=1)
    epic = client.ok(http.post(f"/api/projects/{project}/epics", json={"title": "Pay"}), 201)["id"]
    story = client.ok(http.post(f"/api/epics/{epic}/stories", json={"title": "Pay by card"}), 201)["id"]
    for title in ("Build the form", "Check the card"):
        client.ok(http.post(f"/api/stories/{story}/subtasks", json={"title": title}), 201)
    body = {"repositoryId": plan["repositoryId"], "storyIds": [story]}
    made = client.ok(http.post("/api/plans", json=body), 201)
    assert [one["subtaskId"] for one in tasks_of(made).values()] == [f"{story}-ST1", f"{story}-ST2"]
    (shown,) = client.ok(http.get(f"/api/stories/{story}"))["plans"]
    assert (shown["planId"], len(shown["tasks"])) == (made["id"], 2)
    assert http.delete(f"/api/plans/{made['id']}").status_code == 204
    assert client.ok(http.get(f"/api/stories/{story}"))["plans"] == []
