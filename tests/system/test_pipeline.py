"""The whole system from outside: HTTP in, HTTP out, real processes, some killed.

On every change the whole pipeline runs once. Cancel, polling and replacement are tested by handlers then; here, before
a change lands.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.system import LocalSystem
from tests.faults.quick_clock import Durations
from tests.system.client import PATIENCE_S, POLL_S, Client, running


def test_feedback_becomes_a_backlog(mocked: tuple[LocalSystem, Client]) -> None:
    _, client = mocked
    project = client.project(cards=40)
    runs = [
        client.run(project, type_)
        for type_ in ("ANALYZE_CARDS", "GENERATE_EPICS", "GENERATE_STORIES", "GENERATE_SUBTASKS")
    ]
    assert [run["status"] for run in runs] == ["SUCCEEDED"] * 4
    assert all(run["ai"] == "mock" for run in runs)
    cards, epics = (client.every(f"/api/projects/{project}/{kind}") for kind in ("cards", "epics"))
    stories, subtasks = (client.every(f"/api/projects/{project}/{kind}") for kind in ("stories", "subtasks"))
    assert all(card["analysis"] for card in cards)
    assert 3 <= len(epics) <= 12
    for story in stories:
        assert story["acceptanceCriteria"]
        assert set(story["cardIds"]) <= {card["id"] for card in cards}
    per_story = [sum(task["storyId"] == story["id"] for task in subtasks) for story in stories]
    assert all(3 <= count <= 5 for count in per_story)
    counts = client.ok(client.http.get(f"/api/projects/{project}"))["counts"]
    assert counts == {"cards": 40, "epics": len(epics), "stories": len(stories), "subtasks": len(subtasks)}
    assert runs[1]["coverage"]["stated"] == runs[1]["coverage"]["covered"] + runs[1]["coverage"]["rest"]


@pytest.mark.full
def test_an_unchanged_progress_is_a_304(mocked: tuple[LocalSystem, Client]) -> None:
    _, client = mocked
    run = client.run(client.project(cards=3), "ANALYZE_CARDS")["runId"]
    first = client.http.get(f"/api/runs/{run}/progress")
    again = client.http.get(f"/api/runs/{run}/progress", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (304, "")


@pytest.mark.full
def test_since_gives_only_the_items_that_changed(mocked: tuple[LocalSystem, Client]) -> None:
    _, client = mocked
    run = client.run(client.project(cards=65), "ANALYZE_CARDS")["runId"]
    answer = client.http.get(f"/api/runs/{run}/progress?items=true")
    assert answer.headers["content-encoding"] == "gzip"
    items = client.ok(answer)["items"]
    middle = sorted({item["seq"] for item in items})[0]
    changed = client.ok(client.http.get(f"/api/runs/{run}/progress?since={middle}"))["items"]
    assert {item["id"] for item in changed} == {item["id"] for item in items if item["seq"] > middle}
    assert client.every(f"/api/runs/{run}/items") == items


@pytest.mark.full
def test_an_idempotency_key_returns_its_run_and_refuses_another_body(mocked: tuple[LocalSystem, Client]) -> None:
    _, client = mocked
    project = client.project(cards=5)
    path, key = f"/api/projects/{project}/runs", {"Idempotency-Key": "k"}
    one = client.http.post(path, json={"type": "ANALYZE_CARDS"}, headers=key)
    two = client.http.post(path, json={"type": "ANALYZE_CARDS", "options": {"mode": "standard"}}, headers=key)
    assert (one.status_code, two.status_code, one.json()) == (202, 202, two.json())
    other = client.http.post(path, json={"type": "ANALYZE_CARDS", "options": {"pacing": "safe"}}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    client.ended(one.json()["runId"])


@pytest.mark.full
def test_a_cancel_ends_the_run_and_a_second_may_start(mocked: tuple[LocalSystem, Client]) -> None:
    _, client = mocked
    project = client.project(cards=200)
    run = client.start(project, "ANALYZE_CARDS", pacing="safe")
    busy = client.http.post(f"/api/projects/{project}/runs", json={"type": "ANALYZE_CARDS"})
    assert (busy.status_code, busy.json()["error"]["details"]) == (409, {"runId": run})
    cancelled = client.ok(client.http.post(f"/api/runs/{run}/cancel"))
    assert cancelled["status"] == "CANCELLED"
    assert client.http.post(f"/api/runs/{run}/cancel").json()["error"]["code"] == "RUN_NOT_ACTIVE"
    again = client.run(project, "ANALYZE_CARDS")
    assert again["status"] == "SUCCEEDED"
    after = client.progress(run)
    assert {k: after[k] for k in ("status", "completedItems", "seq")} == {
        k: cancelled[k] for k in ("status", "completedItems", "seq")
    }
    listed = client.ok(client.http.get(f"/api/projects/{project}/runs"))["items"]
    assert [found["runId"] for found in listed] == [again["runId"], run]
    assert client.ok(client.http.get(f"/api/projects/{project}/runs?active=true"))["items"] == []


@pytest.fixture
def quick() -> Iterator[tuple[LocalSystem, Client]]:
    """A system of its own, with leases of seconds."""
    with running(Durations(), GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="100") as system:
        yield system


@pytest.mark.full
@pytest.mark.slow(reason="the schedule takes a run over once its lease has ended")
def test_a_run_completes_after_its_workers_are_killed(quick: tuple[LocalSystem, Client]) -> None:
    """After SIGKILL, Lambda's retries find the lease held; the schedule revives the run."""
    system, client = quick
    project = client.project(cards=30)
    for type_ in ("ANALYZE_CARDS", "GENERATE_EPICS", "GENERATE_STORIES"):
        client.run(project, type_)
    kills: list[int] = []

    def kill(progress: dict[str, Any]) -> None:
        if progress["completedItems"] >= 3 * (len(kills) + 1) and len(kills) < 1:
            system.kill_sandboxes("ProcessNextFunction")
            kills.append(progress["completedItems"])
        if progress["stale"]:
            system.fire_schedules("RetryRunsFunction")

    run = client.ended(client.start(project, "GENERATE_SUBTASKS", pacing="normal"), kill)
    stories, subtasks = (client.every(f"/api/projects/{project}/{kind}") for kind in ("stories", "subtasks"))
    assert (run["status"], len(kills)) == ("SUCCEEDED", 1)
    per_story = [sum(task["storyId"] == story["id"] for task in subtasks) for story in stories]
    assert all(3 <= count <= 5 for count in per_story)
    assert len(subtasks) == run["artifactsCreated"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": "MAKE_COFFEE"}, "type"),
        ({"type": "ANALYZE_CARDS", "surprise": 1}, "surprise"),
        ({"type": "ANALYZE_CARDS", "options": {"mode": "huge"}}, "options.mode"),
        ({"type": "ANALYZE_CARDS", "options": {"maxCostUsd": -1}}, "options.maxCostUsd"),
        ({"type": "ANALYZE_CARDS", "options": {"model": "claude-sonnet-4-20250514"}}, "options.model"),
        ({"type": "ANALYZE_CARDS", "options": {"model": "gpt-9"}}, "options.model"),
        ({"type": "ANALYZE_CARDS", "epicId": "x"}, "epicId"),
        ({"type": "ANALYZE_CARDS", "itemIds": []}, "itemIds"),
        ({"type": "ANALYZE_CARDS", "itemIds": ["nonsense"]}, "itemIds[0]"),
        ({"type": "GENERATE_STORIES", "epicId": "../../etc"}, "epicId"),
    ],
)
@pytest.mark.parametrize("path", ["runs", "runs/estimate"])
def test_a_bad_request_names_its_field(
    mocked: tuple[LocalSystem, Client], path: str, body: dict[str, Any], field: str
) -> None:
    _, client = mocked
    answer = client.http.post(f"/api/projects/{_some_project(client)}/{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "INVALID"
    assert field in [problem["field"] for problem in answer.json()["error"]["details"]]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/runs/nonsense/progress", 404),
        ("GET", "/api/runs/bcdfghjkmn-R999/progress", 404),
        ("GET", "/api/runs/bcdfghjkmn-R999/items", 404),
        ("GET", "/api/runs/bcdfghjkmn-R999/logs", 404),
        ("GET", "/api/runs/bcdfghjkmn-R999/coverage", 404),
        ("POST", "/api/runs/bcdfghjkmn-R999/cancel", 404),
        ("POST", "/api/runs/bcdfghjkmn-R999/retry", 404),
        ("GET", "/api/projects/bcdfghjkmn/runs", 404),
        ("POST", "/api/projects/bcdfghjkmn/runs", 400),
    ],
)
def test_missing_resources_return_the_contracts_errors(
    mocked: tuple[LocalSystem, Client], method: str, path: str, status: int
) -> None:
    _, client = mocked
    answer = client.http.request(method, path, content=b"{" if status == 400 else None)
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) == {"code", "message", "details", "requestId"}


_projects: list[str] = []


def _some_project(client: Client) -> str:
    if not _projects:
        _projects.append(client.project(cards=2))
    return _projects[0]


@pytest.mark.full
def test_replaced_epics_remove_their_stories_and_subtasks(mocked: tuple[LocalSystem, Client]) -> None:
    _, client = mocked
    project = client.project(cards=30)
    for type_ in ("ANALYZE_CARDS", "GENERATE_EPICS", "GENERATE_STORIES"):
        client.run(project, type_)
    old = client.every(f"/api/projects/{project}/epics")
    run = client.run(project, "GENERATE_EPICS", existingBehavior="replace")
    new = client.every(f"/api/projects/{project}/epics")
    assert (run["artifactsCreated"], run["artifactsDeleted"]) == (len(new), len(old))
    assert not {epic["code"] for epic in old} & {epic["code"] for epic in new}
    assert client.every(f"/api/projects/{project}/stories") == []
    # Dead rows are purged right after the run's last commit.
    ends = time.monotonic() + PATIENCE_S
    while (counts := client.ok(client.http.get(f"/api/projects/{project}"))["counts"])["stories"]:
        assert time.monotonic() < ends, counts
        time.sleep(POLL_S)
    assert counts == {"cards": 30, "epics": len(new), "stories": 0, "subtasks": 0}
