"""manage_plans on events of API Gateway: requests of clients and their answers."""

import json
from typing import Any

import pytest

from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.plans import links
from groundwork.plans.model import PlanStatus
from tests.events import Answer
from tests.functions.plan_calls import Plans, id_of, keys, phase, plans_on, task


@pytest.fixture
def plans(moto_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Plans:
    return plans_on(moto_tables, monkeypatch)


@pytest.fixture
def plan(plans: Plans) -> Any:
    return plans.plan(
        phase("First", task("a"), task("b", "a")),
        phase("Second", task("c", "b", acceptanceCriteria=["It works."]), mode="parallel", pauseAfter=True),
    )


def error(answer: Answer, status: int, code: str) -> Any:
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.body
    return answer.json["error"]["details"]


def set_status(plan: Any, status: PlanStatus) -> None:
    PlanRow(plan["id"]).update(actions=[PlanRow.status.set(status.value)])


# repositories


def test_a_repository_is_made_read_changed_listed_and_deleted(plans: Plans) -> None:
    made = plans.made(
        "/api/repositories", name="Shop", url="https://example.com/shop.git", credentialsSecret="groundwork/shop"
    )
    assert set(made) == {"id", "name", "url", "defaultBranch", "credentialsSecret", "checks", "createdAt"}
    assert made["defaultBranch"] == "main"
    path = f"/api/repositories/{made['id']}"
    assert plans.get(path) == made
    changed = plans.call("PATCH", path, {"defaultBranch": "trunk", "credentialsSecret": None}).json
    assert changed == made | {"defaultBranch": "trunk", "credentialsSecret": None}
    assert plans.get("/api/repositories") == {"items": [changed], "nextToken": None}
    assert plans.call("DELETE", path).status == 204
    error(plans.call("GET", path), 404, "NOT_FOUND")


def test_a_repository_with_plans_is_not_deleted(plans: Plans, plan: Any) -> None:
    path = f"/api/repositories/{plan['repositoryId']}"
    error(plans.call("DELETE", path), 409, "REPOSITORY_IN_USE")
    plans.call("DELETE", f"/api/plans/{plan['id']}")
    assert plans.call("DELETE", path).status == 204


def test_lists_go_page_by_page(plans: Plans) -> None:
    ids = [plans.repository(name=f"R{n}") for n in range(5)]
    found: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while query.get("nextToken") != "None":
        page = plans.get("/api/repositories", **query)
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        query["nextToken"] = str(page["nextToken"])
    assert sorted(found) == sorted(ids)


def test_credentials_do_not_follow_a_repository_to_another_host_by_themselves(plans: Plans) -> None:
    secret = "groundwork/app"  # the name of one
    made = plans.made("/api/repositories", name="App", url="https://example.com/app", credentialsSecret=secret)
    path = f"/api/repositories/{made['id']}"
    elsewhere = {"url": "https://example.org/app"}
    refused = plans.call("PATCH", path, elsewhere)
    assert refused.status == 422
    assert [detail["field"] for detail in refused.json["error"]["details"]] == ["credentialsSecret"]
    assert plans.call("PATCH", path, {"url": "https://example.com/other"}).status == 200
    assert plans.call("PATCH", path, elsewhere | {"credentialsSecret": None}).json["credentialsSecret"] is None
    assert plans.call("PATCH", path, {"url": "https://example.net/app"}).status == 200


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


# the history


def test_the_history_says_who_did_what_with_before_and_after(plans: Plans, plan: Any) -> None:
    a = id_of(plan, "a")
    plans.call("PATCH", f"/api/plan-tasks/{a}", {"title": "New"}, x_groundwork_author="Ada")
    newest, oldest = plans.get(f"/api/plans/{plan['id']}/iterations")["items"]
    assert (oldest["kind"], oldest["fromVersion"], oldest["version"]) == ("CREATED", 0, 1)
    assert (newest["kind"], newest["who"], newest["fromVersion"], newest["version"]) == ("EDITED", "Ada", 1, 2)
    assert newest["summary"] == "Changed 'New' (title)"
    assert (oldest["madeBy"], newest["madeBy"]) == ("person", "person")
    assert newest["changes"] == [
        {
            "id": a,
            "kind": "changed",
            "title": "New",
            "fields": ["title"],
            "before": {"title": "Do a"},
            "after": {"title": "New"},
        }
    ]
    in_full = plans.get(f"/api/plans/{plan['id']}/iterations/{newest['id']}")
    assert in_full == newest
    error(plans.call("GET", f"/api/plans/{plan['id']}/iterations/{plan['id']}-I9"), 404, "NOT_FOUND")


def test_who_it_was_is_told_as_far_as_it_is_known(plans: Plans, plan: Any) -> None:
    for number, name in enumerate(["", "Ada \u202eecila", "x" * 500]):
        plans.call("PATCH", f"/api/plans/{plan['id']}", {"title": f"Title {number}"}, x_groundwork_author=name)
    history = plans.get(f"/api/plans/{plan['id']}/iterations")["items"]
    assert [line["who"] for line in history] == ["x" * 100, "Ada ecila", "admin", "admin"]


def test_the_history_goes_page_by_page(plans: Plans, plan: Any) -> None:
    for number in range(4):
        plans.call("PATCH", f"/api/plans/{plan['id']}", {"title": f"Title {number}"})
    first = plans.get(f"/api/plans/{plan['id']}/iterations", limit="3")
    rest = plans.get(f"/api/plans/{plan['id']}/iterations", limit="3", nextToken=first["nextToken"])
    assert [item["number"] for item in first["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["nextToken"] is None


def test_an_earlier_version_is_shown_compared_and_restored(plans: Plans, plan: Any) -> None:
    path = f"/api/plans/{plan['id']}"
    plans.call("DELETE", f"/api/plan-tasks/{id_of(plan, 'c')}")
    plans.call("PATCH", path, {"title": "Other"})
    earlier = plans.get(path, version="1")
    assert earlier["phases"] == plan["phases"]
    comparison = plans.get(f"{path}/compare", **{"from": "1"})
    assert (comparison["from"], comparison["to"]) == (1, 3)
    assert [(change["kind"], change["title"]) for change in comparison["changes"]] == [
        ("removed", "Do c"),
        ("changed", "Other"),
    ]
    assert plans.get(f"{path}/compare", **{"from": "2", "to": "2"})["changes"] == []
    restored = plans.call("POST", f"{path}/restore", {"version": 1})
    assert restored.status == 200
    same = {"version", "updatedAt"}
    assert {k: v for k, v in restored.json.items() if k not in same} == {k: v for k, v in plan.items() if k not in same}
    newest = plans.get(f"{path}/iterations")["items"][0]
    assert (newest["kind"], newest["restoredVersion"], newest["version"]) == ("RESTORED", 1, 4)
    for query in ({"version": "9"}, {"version": "5"}):
        error(plans.call("GET", path, query=query), 404, "NOT_FOUND")
    error(plans.call("POST", f"{path}/restore", {"version": 9}), 404, "NOT_FOUND")


# templates


def test_the_projects_own_templates_come_first(plans: Plans) -> None:
    listed = plans.get("/api/plan-templates")["items"]
    assert [line["id"] for line in listed] == ["feature", "dependency-upgrade", "bug-fix"]
    assert all(line["builtin"] and line["taskCount"] >= 5 and line["parameters"] for line in listed)
    error(plans.call("DELETE", "/api/plan-templates/feature"), 409, "BUILTIN_TEMPLATE")


@pytest.mark.parametrize(
    ("template", "parameters"),
    [
        ("feature", {"feature": "exporting invoices"}),
        ("dependency-upgrade", {"dependency": "httpx"}),
        ("bug-fix", {"bug": "the download stops at 60%"}),
    ],
)
def test_a_plan_is_made_from_each_of_them_and_is_complete(plans: Plans, template: str, parameters: Any) -> None:
    plan = plans.made("/api/plans", repositoryId=plans.repository(), templateId=template, parameters=parameters)
    assert "{{" not in json.dumps(plan)
    assert next(iter(parameters.values())) in plan["title"]
    assert plans.call("PATCH", f"/api/plans/{plan['id']}", {"status": "READY"}).status == 200


def test_a_plan_saved_as_a_template_makes_plans_with_other_values(plans: Plans) -> None:
    plan = plans.plan(phase("Export", task("csv", title="Write CSV files"), task("doc", "csv")), title="CSV export")
    saved = plans.made(
        "/api/plan-templates",
        planId=plan["id"],
        name="An export",
        parameters=[{"name": "format", "description": "Which"}],
        replace={"format": "CSV"},
    )
    assert (saved["title"], saved["phases"][0]["tasks"][0]["title"]) == ("{{format}} export", "Write {{format}} files")
    made = plans.made(
        "/api/plans", repositoryId=plan["repositoryId"], templateId=saved["id"], parameters={"format": "PDF"}
    )
    assert made["title"] == "PDF export"
    assert made["phases"][0]["tasks"][0]["title"] == "Write PDF files"
    assert made["phases"][0]["tasks"][1]["dependsOn"] == [id_of(made, "csv")]
    path = f"/api/plan-templates/{saved['id']}"
    assert plans.get(path) == saved
    assert plans.call("DELETE", path).status == 204
    error(plans.call("GET", path), 404, "NOT_FOUND")


def test_templates_are_listed_page_by_page(plans: Plans) -> None:
    plan = plans.plan(phase("P", task("a")))
    saved = {plans.made("/api/plan-templates", planId=plan["id"], name=f"T{n}")["id"] for n in range(3)}
    found: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while query.get("nextToken") != "None":
        page = plans.get("/api/plan-templates", **query)
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        query["nextToken"] = str(page["nextToken"])
    assert len(found) == 6
    assert set(found) == {"feature", "dependency-upgrade", "bug-fix"} | saved


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"templateId": "feature"}, "parameters.feature"),
        ({"templateId": "feature", "parameters": {"feature": "x", "colour": "red"}}, "parameters.colour"),
        ({"templateId": "te2222222222"}, "templateId"),
        ({"templateId": "feature", "parameters": {"feature": "x"}, "phases": []}, "phases"),
        ({"parameters": {"feature": "x"}, "title": "T"}, "parameters"),
        ({}, "title"),
    ],
)
def test_what_a_template_needs_is_asked_for(plans: Plans, body: Any, field: str) -> None:
    answer = plans.call("POST", "/api/plans", {"repositoryId": plans.repository()} | body)
    assert error(answer, 422, "INVALID")[0]["field"] == field


@pytest.mark.parametrize(
    "body",
    [
        {"name": "T"},
        {"name": "T", "title": "{{missing}}", "phases": []},
        {"name": "T", "title": "T", "phases": [phase("P", task("a", "a"))]},
        {"name": "T", "planId": "pl2222222222"},
        {"name": "T", "title": "T", "phases": [], "parameters": [{"name": "x"}, {"name": "x"}]},
        {"name": "T", "title": "T", "phases": [], "replace": {"x": "y"}},
    ],
)
def test_a_template_that_no_plan_could_be_made_of_is_refused(plans: Plans, body: Any) -> None:
    error(plans.call("POST", "/api/plan-templates", body), 422, "INVALID")


# stories


def test_a_story_becomes_a_phase_and_its_subtasks_become_tasks(plans: Plans) -> None:
    story = plans.story("Build the form", "Check the card", acceptanceCriteria=["Given a card, it is charged."])
    plan = plans.made("/api/plans", repositoryId=plans.repository(), storyIds=[story])
    ((part,), tasks) = (plan["phases"], plan["phases"][0]["tasks"])
    assert (plan["title"], part["title"], plan["storyIds"]) == ("Pay by card", "Pay by card", [story])
    assert [one["title"] for one in tasks] == ["Build the form", "Check the card"]
    assert [one["subtaskId"] for one in tasks] == [f"{story}-ST1", f"{story}-ST2"]
    assert {one["storyId"] for one in tasks} == {story}
    assert [one["acceptanceCriteria"] for one in tasks] == [[], ["Given a card, it is charged."]]
    (shown,) = plans.get(f"/api/stories/{story}")["plans"]
    assert (shown["planId"], shown["counts"], shown["progress"]) == (plan["id"], {"PENDING": 2}, 0)
    assert [(one["id"], one["subtaskId"]) for one in shown["tasks"]] == [(one["id"], one["subtaskId"]) for one in tasks]


def test_a_story_without_subtasks_is_one_task(plans: Plans) -> None:
    story = plans.story(role="a buyer", want="to pay", benefit="I get it")
    plan = plans.made("/api/plans", repositoryId=plans.repository(), storyIds=[story])
    (only,) = plan["phases"][0]["tasks"]
    assert (only["title"], only["storyId"], only["subtaskId"]) == ("Pay by card", story, None)
    assert only["description"] == "As a buyer, I want to pay, so that I get it"


def test_a_task_of_a_subtask_belongs_to_its_story(plans: Plans, plan: Any) -> None:
    story, other = plans.story("One"), plans.story("Two")
    path = f"/api/plan-tasks/{id_of(plan, 'a')}"
    details = error(plans.call("PATCH", path, {"storyId": story, "subtaskId": f"{other}-ST1"}), 422, "INVALID")
    assert details[0]["code"] == "UNKNOWN_STORY"
    assert plans.call("PATCH", path, {"storyId": story, "subtaskId": f"{story}-ST1"}).status == 200
    assert plans.get(f"/api/stories/{story}")["plans"][0]["counts"] == {"PENDING": 1}
    assert plans.get(f"/api/stories/{other}")["plans"] == []


def test_a_story_with_more_subtasks_than_a_plan_takes_is_refused(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_TASKS", 3)
    story = plans.story()
    for number in range(4):
        plans.made(f"/api/stories/{story}/subtasks", title=f"Step {number}")
    answer = plans.call("POST", "/api/plans", {"repositoryId": plans.repository(), "storyIds": [story]})
    assert answer.status == 422
    assert [detail["field"] for detail in answer.json["error"]["details"]] == ["storyIds"]


# the model's part


def test_a_generation_and_a_review_are_accepted_and_triggered(plans: Plans, plan: Any) -> None:
    body = {"repositoryId": plan["repositoryId"], "title": "CSV", "description": "Export invoices as CSV."}
    accepted = plans.call("POST", "/api/plans/generate", body)
    assert accepted.status == 202
    made = accepted.json
    assert made["iterationId"] == f"{made['planId']}-I1"
    generated = plans.get(f"/api/plans/{made['planId']}")
    assert (generated["status"], generated["madeBy"]) == ("GENERATING", "mock")
    assert {one["madeBy"] for one in plans.get("/api/plans")["items"]} == {"person", "mock"}
    error(plans.call("DELETE", f"/api/plans/{made['planId']}"), 409, "PLAN_IN_USE")
    review = {"reviewType": "optimize_order", "scope": "plan"}
    accepted = plans.call("POST", f"/api/plans/{plan['id']}/review", review)
    assert accepted.status == 202
    assert plans.triggered == [f"{made['planId']}-R1", f"{plan['id']}-R2"]
    error(plans.call("POST", f"/api/plans/{plan['id']}/review", review), 409, "RUN_ALREADY_ACTIVE")
    pending = plans.get(f"/api/plans/{plan['id']}/iterations/{accepted.json['iterationId']}")
    assert (pending["status"], pending["suggestions"], pending["madeBy"]) == ("PENDING", [], "mock")
    chosen = {"iterationId": accepted.json["iterationId"], "suggestionIndices": [0]}
    error(plans.call("POST", f"/api/plans/{plan['id']}/apply-suggestions", chosen), 409, "NOTHING_TO_APPLY")


def test_cost_model_effort_and_review_are_those_of_the_plan_unless_a_task_has_its_own(plans: Plans) -> None:
    own = {"maxCostUsd": 5.5, "model": "claude-opus-5-5", "modelEffort": "max", "review": False}
    general = {"maxCostUsd": 40, "model": "claude-sonnet-5-5", "modelEffort": "low", "review": True}
    body = {"title": "Dear", "phases": [phase("One", task("a", **own), task("b"))], **general}
    plan = plans.made("/api/plans", repositoryId=plans.repository(), **body)
    assert {name: plan[name] for name in general} == general
    first, second = plan["phases"][0]["tasks"]
    assert {name: first[name] for name in own} == own
    assert {second[name] for name in own} == {None}
    changed = plans.call("PATCH", f"/api/plans/{plan['id']}", {"maxCostUsd": None, "review": False}, if_match='"1"')
    assert (changed.json["maxCostUsd"], changed.json["review"], changed.json["version"]) == (None, False, 2)


@pytest.mark.parametrize(
    ("field", "value"), [("maxCostUsd", 0), ("maxCostUsd", -1), ("model", "no-such-model"), ("modelEffort", "extreme")]
)
def test_limits_and_models_that_mean_nothing_are_refused_by_name(plans: Plans, field: str, value: Any) -> None:
    body = {"repositoryId": plans.repository(), "title": "Dear", "phases": [], field: value}
    answer = plans.call("POST", "/api/plans", body)
    assert error(answer, 422, "INVALID")[0]["field"] == field
