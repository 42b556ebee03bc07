"""Plans written and reviewed through HTTP on the local system, with the mock."""

from pathlib import Path

import pytest

from local.system import LocalSystem
from tests.plans.world import make_repository
from tests.system.client import Client
from tests.system.planner import Planner, tasks_of

TYPES = ("refine_descriptions", "add_missing", "optimize_order", "break_down")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("repositories") / "downloads")


def test_a_plan_is_written_reviewed_and_improved(mocked: tuple[LocalSystem, Client], repository: Path) -> None:
    planner = Planner(mocked[1], str(repository))
    plan = planner.generated()
    assert (plan["status"], plan["version"], plan["error"]) == ("DRAFT", 1, None)
    assert any("src/downloads/resume.py" in task["files"] for task in tasks_of(plan))
    for review_type in TYPES:
        before = planner.plan(plan["id"])
        review = planner.reviewed(plan["id"], review_type)
        assert (review["status"], review["kind"]) == ("DONE", "REVIEWED")
        if not review["suggestions"]:
            continue
        for one in review["suggestions"]:
            assert one["reason"]
            assert one["before"] != one["after"]
        if review_type == "optimize_order":
            schedule = review["schedule"]
            assert schedule["after"]["seconds"] < schedule["before"]["seconds"]
        answer = planner.applied(plan["id"], review["id"], list(range(len(review["suggestions"]))))
        after = mocked[1].ok(answer, 200)
        assert after["version"] == before["version"] + 1
        again = planner.applied(plan["id"], review["id"], [0])
        assert (again.status_code, again.json()["error"]["code"]) == (409, "STALE_SUGGESTION")
    history = planner.client.every(f"/api/plans/{plan['id']}/iterations")
    assert history[-1]["kind"] == "GENERATED"
    assert {"REVIEWED", "SUGGESTIONS_APPLIED"} <= {iteration["kind"] for iteration in history}


def test_a_storys_subtasks_become_tasks_that_the_story_knows(
    mocked: tuple[LocalSystem, Client], repository: Path
) -> None:
    _, client = mocked
    project = client.project(cards=6)
    for type_ in ("ANALYZE_CARDS", "GENERATE_EPICS", "GENERATE_STORIES", "GENERATE_SUBTASKS"):
        client.run(project, type_)
    story = client.every(f"/api/projects/{project}/stories")[0]
    subtasks = client.every(f"/api/stories/{story['id']}/subtasks")
    plan = Planner(client, str(repository)).generated(storyIds=[story["id"]])
    assert plan["status"] == "DRAFT", plan["error"]
    linked = [task["subtaskId"] for task in tasks_of(plan) if task["subtaskId"]]
    assert sorted(linked) == sorted(subtask["id"] for subtask in subtasks)


def test_an_invalid_repository_fails_the_plan_with_the_reason(
    mocked: tuple[LocalSystem, Client], tmp_path: Path
) -> None:
    plan = Planner(mocked[1], str(tmp_path / "nothing")).generated()
    assert plan["status"] == "FAILED"
    assert "could not be read" in plan["error"]
    assert plan["phases"] == []
