"""Plans by hand in the API of manage_plans: phases, tasks, two editors, a plan under way."""

from typing import Any

import pytest

from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key
from groundwork.plans.model import PlanStatus
from tests.functions.plan_calls import Plans, error, id_of, keys, phase, set_status, task

# plans by hand


def test_a_plan_is_made_with_its_phases_and_tasks(plans: Plans, plan: Any) -> None:
    assert (plan["status"], plan["version"], plan["taskCount"]) == ("DRAFT", 1, 3)
    assert keys(plan) == [["a", "b"], ["c"]]
    a, b, c = (id_of(plan, key) for key in "abc")
    second = plan["phases"][1]
    assert (second["mode"], second["pauseAfter"]) == ("parallel", True)
    assert second["tasks"][0] == {
        "id": c,
        "key": "c",
        "title": "Do c",
        "description": "",
        "acceptanceCriteria": ["It works."],
        "dependsOn": [b],
        "repositoryId": None,
        "effort": "M",
        "files": [],
        "storyId": None,
        "subtaskId": None,
        "changeAsked": True,
        "maxCostUsd": None,
        "model": None,
        "modelEffort": None,
        "review": None,
        "condition": None,
        "status": "PENDING",
        "attempts": 0,
        "commitSha": None,
        "errorMsg": None,
        "activity": None,
        "verified": None,
    }
    assert plan["phases"][0]["tasks"][1]["dependsOn"] == [a]
    answer = plans.call("GET", f"/api/plans/{plan['id']}")
    assert answer.json == plan
    assert answer.headers["etag"] == '"1"'


def test_a_plan_may_begin_empty_and_grow(plans: Plans) -> None:
    plan = plans.made("/api/plans", repositoryId=plans.repository(), title="Later")
    assert plan["phases"] == []
    first = plans.made("/api/phases", planId=plan["id"], title="First")
    assert first == {
        "id": f"{plan['id']}-H1",
        "title": "First",
        "description": "",
        "mode": "sequential",
        "pauseAfter": False,
        "condition": None,
        "tasks": [],
        "planId": plan["id"],
        "planVersion": 2,
    }
    made = plans.made("/api/plan-tasks", phaseId=first["id"], title="Do it")
    assert (made["id"], made["key"], made["phaseId"], made["planVersion"]) == (
        f"{plan['id']}-T1",
        "T1",
        first["id"],
        3,
    )


def test_the_list_shows_plans_in_brief_and_by_repository(plans: Plans, plan: Any) -> None:
    other = plans.plan()
    assert [line["id"] for line in plans.get("/api/plans")["items"]] == [other["id"], plan["id"]]
    (line,) = plans.get("/api/plans", repositoryId=plan["repositoryId"])["items"]
    assert (line["id"], line["taskCount"], line["phaseCount"]) == (plan["id"], 3, 2)
    assert "phases" not in line
    error(plans.call("GET", "/api/plans", query={"repositoryId": "re2222222222"}), 404, "NOT_FOUND")


def test_a_plan_changes_what_it_says(plans: Plans, plan: Any) -> None:
    path = f"/api/plans/{plan['id']}"
    changed = plans.call("PATCH", path, {"title": "Other", "branch": "work", "maxParallel": 3})
    assert changed.status == 200
    expected = plan | {"title": "Other", "branch": "work", "maxParallel": 3, "version": 2}
    assert changed.json == expected | {"updatedAt": changed.json["updatedAt"]}
    assert plans.call("PATCH", path, {"branch": None}).json["branch"] is None


def test_a_complete_plan_is_marked_as_ready_and_an_edit_makes_it_a_draft_again(plans: Plans, plan: Any) -> None:
    path = f"/api/plans/{plan['id']}"
    assert plans.call("PATCH", path, {"status": "READY"}).json["status"] == "READY"
    assert plans.call("PATCH", path, {"title": "Other"}).json["status"] == "DRAFT"
    assert plans.call("PATCH", path, {"title": "Third", "status": "READY"}).json["status"] == "READY"
    assert plans.call("PATCH", path, {"status": "DRAFT"}).json["status"] == "DRAFT"


def test_a_plan_with_an_empty_phase_is_not_ready(plans: Plans) -> None:
    plan = plans.plan(phase("First", task("a")), phase("Second"))
    details = error(plans.call("PATCH", f"/api/plans/{plan['id']}", {"status": "READY"}), 422, "INVALID")
    assert [fault["code"] for fault in details] == ["EMPTY_PHASE"]
    assert plans.get(f"/api/plans/{plan['id']}")["version"] == 1


def test_a_deleted_plan_is_gone_with_all_it_had(plans: Plans, plan: Any) -> None:
    path = f"/api/plans/{plan['id']}"
    assert plans.call("DELETE", path, if_match='"1"').status == 204
    for gone in (path, f"{path}/iterations", f"{path}/iterations/{plan['id']}-I1"):
        error(plans.call("GET", gone), 404, "NOT_FOUND")
    assert plans.get("/api/plans")["items"] == []
    error(plans.call("PATCH", f"/api/plan-tasks/{id_of(plan, 'a')}", {"title": "x"}), 404, "NOT_FOUND")


# phases and tasks


def test_a_phase_is_changed_moved_reordered_and_deleted(plans: Plans, plan: Any) -> None:
    first, second = (part["id"] for part in plan["phases"])
    a, b = id_of(plan, "a"), id_of(plan, "b")
    changed = plans.call("PATCH", f"/api/phases/{first}", {"title": "Begin", "mode": "parallel", "taskIds": [b, a]})
    assert (changed.json["title"], [one["key"] for one in changed.json["tasks"]]) == ("Begin", ["b", "a"])
    assert changed.headers["etag"] == '"2"'
    third = plans.made("/api/phases", planId=plan["id"], title="Between", position=1)
    now = plans.get(f"/api/plans/{plan['id']}")
    assert [part["title"] for part in now["phases"]] == ["Begin", "Between", "Second"]
    plans.call("PATCH", f"/api/phases/{third['id']}", {"position": 2})
    now = plans.get(f"/api/plans/{plan['id']}")
    assert [part["title"] for part in now["phases"]] == ["Begin", "Second", "Between"]
    assert error(plans.call("DELETE", f"/api/phases/{first}"), 409, "HAS_DEPENDENTS") == {"taskIds": [id_of(plan, "c")]}
    gone = plans.call("DELETE", f"/api/phases/{first}", query={"dependents": "repair"})
    assert (gone.status, gone.headers["etag"]) == (204, '"5"')
    now = plans.get(f"/api/plans/{plan['id']}")
    assert [part["id"] for part in now["phases"]] == [second, third["id"]]
    assert now["phases"][0]["tasks"][0]["dependsOn"] == []


def test_a_task_is_changed_and_moved_to_another_phase(plans: Plans, plan: Any) -> None:
    b, second = id_of(plan, "b"), plan["phases"][1]["id"]
    path = f"/api/plan-tasks/{b}"
    changed = plans.call("PATCH", path, {"title": "Other", "effort": "XL", "files": ["src/x.py"], "key": "bb"})
    assert changed.status == 200
    assert [changed.json[name] for name in ("title", "effort", "files", "key")] == ["Other", "XL", ["src/x.py"], "bb"]
    moved = plans.call("PATCH", path, {"phaseId": second, "position": 0})
    assert (moved.json["phaseId"], moved.json["planVersion"]) == (second, 3)
    assert keys(plans.get(f"/api/plans/{plan['id']}")) == [["a"], ["bb", "c"]]
    again = plans.call("PATCH", path, {"position": 1, "dependsOn": []})
    assert again.json["dependsOn"] == []
    assert keys(plans.get(f"/api/plans/{plan['id']}")) == [["a"], ["c", "bb"]]
    error(plans.call("PATCH", path, {"dependsOn": ["bb"]}), 422, "INVALID")


def test_a_task_comes_where_it_is_wanted_and_what_needs_it_waits_for_it(plans: Plans, plan: Any) -> None:
    first = plan["phases"][0]["id"]
    made = plans.made("/api/plan-tasks", phaseId=first, key="new", title="New", position=1, neededBy=["b"])
    now = plans.get(f"/api/plans/{plan['id']}")
    assert keys(now) == [["a", "new", "b"], ["c"]]
    assert now["phases"][0]["tasks"][2]["dependsOn"] == [id_of(plan, "a"), made["id"]]


def test_deleting_a_task_refuses_or_repairs_as_asked(plans: Plans, plan: Any) -> None:
    path = f"/api/plan-tasks/{id_of(plan, 'b')}"
    assert error(plans.call("DELETE", path), 409, "HAS_DEPENDENTS") == {"taskIds": [id_of(plan, "c")]}
    assert plans.call("DELETE", path, query={"dependents": "repair"}).status == 204
    now = plans.get(f"/api/plans/{plan['id']}")
    assert now["phases"][1]["tasks"][0]["dependsOn"] == [id_of(plan, "a")]


def test_a_task_without_a_key_takes_none_that_another_has(plans: Plans) -> None:
    plan = plans.plan(phase("One", task("T2"), {"title": "Second"}, task("t4")))
    assert keys(plan) == [["T2", "T3", "t4"]]
    made = plans.made("/api/plan-tasks", phaseId=plan["phases"][0]["id"], title="Third", dependsOn=["T3"])
    assert (made["key"], made["dependsOn"]) == ("T5", [id_of(plan, "T3")])


def test_an_id_is_never_given_twice(plans: Plans, plan: Any) -> None:
    plans.call("DELETE", f"/api/plan-tasks/{id_of(plan, 'c')}")
    made = plans.made("/api/plan-tasks", phaseId=plan["phases"][1]["id"], title="New")
    assert made["id"] == f"{plan['id']}-T4"
    plans.call("POST", f"/api/plans/{plan['id']}/restore", {"version": 1})
    assert plans.made("/api/plan-tasks", phaseId=plan["phases"][1]["id"], title="New")["id"] == f"{plan['id']}-T5"


def test_a_condition_names_an_earlier_task(plans: Plans, plan: Any) -> None:
    path = f"/api/plan-tasks/{id_of(plan, 'c')}"
    condition = {"taskId": "a", "outcome": "FAILED"}
    changed = plans.call("PATCH", path, {"condition": condition}).json
    assert changed["condition"] == {"taskId": id_of(plan, "a"), "outcome": "FAILED", "filesChanged": None}
    details = error(plans.call("PATCH", path, {"condition": {"taskId": "c"}}), 422, "INVALID")
    assert details[0]["code"] == "UNKNOWN_CONDITION"
    assert plans.call("PATCH", path, {"condition": None}).json["condition"] is None


# not valid


@pytest.mark.parametrize(
    ("phases", "code"),
    [
        ([phase("P", task("a", "b"), task("b", "a"), mode="parallel")], "CYCLE"),
        ([phase("P", task("a", "nobody"))], "UNKNOWN_DEPENDENCY"),
        ([phase("P", task("a", "a"))], "SELF_DEPENDENCY"),
        ([phase("P", task("a", "b")), phase("Q", task("b"))], "LATER_PHASE"),
        ([phase("P", task("a"), task("A"))], "DUPLICATE_KEY"),
        ([phase(f"P{n}", *(task(f"t{n}-{m}") for m in range(101))) for n in range(5)], "TOO_MANY_TASKS"),
        ([phase("P", task("a", storyId="nonsense"))], "UNKNOWN_STORY"),
    ],
)
def test_a_plan_that_is_not_valid_is_refused_with_its_code(plans: Plans, phases: Any, code: str) -> None:
    body = {"repositoryId": plans.repository(), "title": "Wrong", "phases": phases}
    details = error(plans.call("POST", "/api/plans", body), 422, "INVALID")
    assert code in [fault["code"] for fault in details]
    assert all(fault["field"] and fault["message"] for fault in details)
    assert plans.get("/api/plans")["items"] == []


def test_a_cycle_is_told_with_its_path(plans: Plans, plan: Any) -> None:
    second = plan["phases"][1]["id"]
    plans.made("/api/plan-tasks", phaseId=second, key="d", title="D", dependsOn=["c"])
    details = error(plans.call("PATCH", f"/api/plan-tasks/{id_of(plan, 'c')}", {"dependsOn": ["d"]}), 422, "INVALID")
    (cycle,) = [fault for fault in details if fault["code"] == "CYCLE"]
    assert cycle["path"][0] == cycle["path"][-1]
    assert set(cycle["path"]) == {"c", "d"}


def test_an_edit_that_is_refused_leaves_nothing_behind(plans: Plans, plan: Any) -> None:
    path = f"/api/plan-tasks/{id_of(plan, 'a')}"
    error(plans.call("PATCH", path, {"title": "New", "dependsOn": ["c"]}), 422, "INVALID")
    assert plans.get(f"/api/plans/{plan['id']}") == plan
    assert len(plans.get(f"/api/plans/{plan['id']}/iterations")["items"]) == 1


def test_what_a_plan_names_must_be_there(plans: Plans, plan: Any) -> None:
    second = plan["phases"][1]["id"]
    body = {"repositoryId": "re2222222222", "title": "Nowhere"}
    assert error(plans.call("POST", "/api/plans", body), 422, "INVALID")[0]["field"] == "repositoryId"
    wrong = [("repositoryId", "re2222222222"), ("storyId", "k3v9x2m4q8-E1-S1")]
    for field, id_ in wrong:
        answer = plans.call("POST", "/api/plan-tasks", {"phaseId": second, "title": "T", field: id_})
        assert error(answer, 422, "INVALID")[0]["field"] == field
    answer = plans.call("PATCH", f"/api/plan-tasks/{id_of(plan, 'a')}", {"phaseId": f"{plan['id']}-H99"})
    assert error(answer, 422, "INVALID")[0]["field"] == "phaseId"


# two editors


def test_of_two_editors_the_second_gets_the_current_version(plans: Plans, plan: Any) -> None:
    path = f"/api/plan-tasks/{id_of(plan, 'a')}"
    first = plans.call("PATCH", path, {"title": "Mine"}, if_match='"1"')
    assert (first.status, first.headers["etag"]) == (200, '"2"')
    second = plans.call("PATCH", path, {"title": "Theirs"}, if_match='"1"')
    assert error(second, 409, "VERSION_CONFLICT") == {"version": 2}
    assert plans.get(f"/api/plans/{plan['id']}")["phases"][0]["tasks"][0]["title"] == "Mine"
    assert plans.call("PATCH", path, {"title": "Theirs"}, if_match='"2"').status == 200


@pytest.mark.parametrize("seen", ['"1"', 'W/"1"', "1", '"7", "1"', "*"])
def test_a_version_is_named_as_the_etag_header_gives_it(plans: Plans, plan: Any, seen: str) -> None:
    assert plans.call("PATCH", f"/api/plans/{plan['id']}", {"title": "New"}, if_match=seen).status == 200


@pytest.mark.parametrize("seen", ["", '"abc"', '"1', "-1", '"1";"2"', "99999999999"])
def test_what_is_no_version_is_malformed(plans: Plans, plan: Any, seen: str) -> None:
    answer = plans.call("PATCH", f"/api/plans/{plan['id']}", {"title": "New"}, if_match=seen)
    if seen == '"1':
        assert answer.status == 200
    else:
        assert answer.status == 400
        assert answer.json["error"]["code"] == "MALFORMED"


@pytest.mark.parametrize("act", ["phase", "task", "delete phase", "delete task", "delete plan", "restore", "add task"])
def test_every_edit_keeps_to_the_version_that_its_author_has_seen(plans: Plans, plan: Any, act: str) -> None:
    first, a = plan["phases"][0]["id"], id_of(plan, "a")
    plans.call("PATCH", f"/api/plans/{plan['id']}", {"title": "Meanwhile"})
    calls: dict[str, tuple[str, str, Any]] = {
        "phase": ("PATCH", f"/api/phases/{first}", {"title": "x"}),
        "task": ("PATCH", f"/api/plan-tasks/{a}", {"title": "x"}),
        "delete phase": ("DELETE", f"/api/phases/{first}", None),
        "delete task": ("DELETE", f"/api/plan-tasks/{a}", None),
        "delete plan": ("DELETE", f"/api/plans/{plan['id']}", None),
        "restore": ("POST", f"/api/plans/{plan['id']}/restore", {"version": 1}),
        "add task": ("POST", "/api/plan-tasks", {"phaseId": first, "title": "x"}),
    }
    method, path, body = calls[act]
    assert error(plans.call(method, path, body, if_match='"1"'), 409, "VERSION_CONFLICT") == {"version": 2}
    assert plans.get(f"/api/plans/{plan['id']}")["version"] == 2


def test_an_edit_that_changes_nothing_is_no_version(plans: Plans, plan: Any) -> None:
    answer = plans.call("PATCH", f"/api/plans/{plan['id']}", {"title": plan["title"]})
    assert (answer.status, answer.headers["etag"]) == (200, '"1"')
    assert len(plans.get(f"/api/plans/{plan['id']}/iterations")["items"]) == 1


# while it is carried out


def test_of_a_running_plan_only_tasks_that_have_not_begun_are_edited(plans: Plans, plan: Any) -> None:
    set_status(plan, PlanStatus.RUNNING)
    a, b, c = (id_of(plan, key) for key in "abc")
    StateRow(plan["id"], state_key(a), status="RUNNING", attempts=1).save()
    begun = error(plans.call("PATCH", f"/api/plan-tasks/{a}", {"title": "x"}), 409, "TASK_BEGUN")
    assert begun == {"taskIds": [a]}
    assert plans.call("PATCH", f"/api/plan-tasks/{b}", {"title": "x"}).status == 200
    assert plans.call("DELETE", f"/api/plan-tasks/{c}").status == 204
    for method, path, body in (
        ("PATCH", f"/api/plans/{plan['id']}", {"title": "x"}),
        ("PATCH", f"/api/phases/{plan['phases'][0]['id']}", {"title": "x"}),
        ("POST", "/api/phases", {"planId": plan["id"], "title": "x"}),
        ("POST", "/api/plan-tasks", {"phaseId": plan["phases"][1]["id"], "title": "x"}),
        ("PATCH", f"/api/plan-tasks/{b}", {"phaseId": plan["phases"][1]["id"]}),
        ("PATCH", f"/api/plans/{plan['id']}", {"status": "DRAFT"}),
        ("DELETE", f"/api/plans/{plan['id']}", None),
    ):
        error(plans.call(method, path, body), 409, "PLAN_NOT_EDITABLE")
    shown = plans.get(f"/api/plans/{plan['id']}")["phases"][0]["tasks"][0]
    assert (shown["status"], shown["attempts"]) == ("RUNNING", 1)


EXECUTING = [status for status in PlanStatus if status.executing]


@pytest.mark.parametrize("status", EXECUTING)
def test_an_executing_plan_keeps_the_repository_of_each_task(plans: Plans, plan: Any, status: PlanStatus) -> None:
    b, other = id_of(plan, "b"), plans.repository(name="Other")
    assert plans.call("PATCH", f"/api/plan-tasks/{b}", {"repositoryId": other}).status == 200
    assert plans.call("PATCH", f"/api/plan-tasks/{b}", {"title": "x"}).status == 200
    set_status(plan, status)
    for method, path, body in (
        ("PATCH", f"/api/plan-tasks/{b}", {"title": "y", "repositoryId": plan["repositoryId"]}),
        ("PATCH", f"/api/plan-tasks/{b}", {"repositoryId": None}),
        ("PATCH", f"/api/plan-tasks/{id_of(plan, 'a')}", {"repositoryId": other}),
        ("POST", f"/api/plans/{plan['id']}/restore", {"version": 1}),
    ):
        answer = plans.call(method, path, body)
        error(answer, 409, "PLAN_NOT_EDITABLE")
        assert "repositoryId" in answer.json["error"]["message"]
    shown = plans.get(f"/api/plans/{plan['id']}")
    assert (shown["version"], [one["repositoryId"] for one in shown["phases"][0]["tasks"][:2]]) == (3, [None, other])
    # the plan's own repository, named or not, is the same one
    own = {"repositoryId": plan["repositoryId"]}
    assert plans.call("PATCH", f"/api/plan-tasks/{id_of(plan, 'a')}", own).status == 200


@pytest.mark.parametrize("status", [PlanStatus.GENERATING, PlanStatus.COMPLETED, PlanStatus.FAILED])
def test_a_plan_that_is_being_written_or_has_ended_is_not_edited(plans: Plans, plan: Any, status: PlanStatus) -> None:
    set_status(plan, status)
    answer = plans.call("PATCH", f"/api/plan-tasks/{id_of(plan, 'a')}", {"title": "x"})
    error(answer, 409, "PLAN_NOT_EDITABLE")
