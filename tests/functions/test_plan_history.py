"""The history of a plan in the API of manage_plans."""

from typing import Any

from tests.functions.plan_calls import Plans, error, id_of


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
