"""Repositories in the API of manage_plans."""

from typing import Any

from tests.functions.plan_calls import Plans, error


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
    found = [item["id"] for item in plans.every("/api/repositories", limit=2)]
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
