"""Templates in the API of manage_plans."""

import json
from typing import Any

import pytest

from tests.functions.plan_calls import Plans, error, id_of, phase, task


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
    found = [item["id"] for item in plans.every("/api/plan-templates", limit=2)]
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
