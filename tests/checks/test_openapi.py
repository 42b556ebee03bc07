"""The API's own document: valid, complete, and caught when it is stale."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from checks import openapi
from checks.api import rules
from checks.api.responses import statuses
from checks.routes import Route, routes_of_template
from groundwork import ids


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi.FILE.read_text())
    return document


def test_the_document_is_valid_openapi_3_1(written: dict[str, Any]) -> None:
    assert written["openapi"] == "3.1.0"
    assert [str(fault) for fault in OpenAPIV31SpecValidator(written).iter_errors()] == []


def test_only_health_needs_no_token(written: dict[str, Any]) -> None:
    assert written["security"] == [{"bearer": []}]
    open_ = [
        path
        for path, operations in written["paths"].items()
        for one in operations.values()
        if one.get("security") == []
    ]
    assert open_ == ["/api/health"]


def test_every_operation_names_the_errors_of_the_application_and_the_gateway(written: dict[str, Any]) -> None:
    either = {"$ref": "#/components/responses/UnexpectedError"}
    for path, operations in written["paths"].items():
        for operation in operations.values():
            assert operation["responses"]["default"] == either
            open_ = path == "/api/health"
            assert ("401" in operation["responses"]) is not open_
            assert operation["responses"]["504"] == {"$ref": "#/components/responses/TimedOut"}


def test_every_code_of_the_application_is_named_by_an_operation(written: dict[str, Any]) -> None:
    text = json.dumps(written)
    # the base class's own code, and a code of schedules alone
    unnamed = {code for code in statuses() if f"`{code}`: " not in text}
    assert unnamed == {"BAD_REQUEST", "CONFLICT", "NOT_SCHEDULED"} & statuses().keys()


def test_the_written_document_keeps_the_rules(written: dict[str, Any]) -> None:
    assert rules.faults(written) == []


def test_the_ids_in_examples_have_the_shape_of_real_ones(written: dict[str, Any]) -> None:
    examples = [schema["examples"] for schema in written["components"]["schemas"].values() if "examples" in schema]
    found = re.findall(r'"(?:id|\w+Id)": "([^"]+)"', json.dumps(examples))
    strange = [id_ for id_ in found if not (ids.parse(id_) or ids.REPOSITORY_ID.fullmatch(id_))]
    # the API of Lambda, and the header of a request
    assert set(strange) == {"T-1042", "7f3a"}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda d: d["paths"]["/api/projects"]["get"].update(operationId="projects_get"), "operationId projects_get"),
        (lambda d: d["paths"]["/api/projects"]["get"].update(operationId="listCards"), "listCards is used twice"),
        (lambda d: d["paths"]["/api/projects"]["get"].update(summary=""), "listProjects has no summary"),
        (lambda d: d["paths"]["/api/projects"]["get"].update(description=""), "listProjects has no description"),
        (
            lambda d: d["paths"]["/api/projects"]["get"]["parameters"][0].pop("description"),
            "the parameter limit has no description",
        ),
        (lambda d: d["components"]["schemas"]["Card"].update(description=""), "schema Card has no description"),
        (
            lambda d: d["components"]["schemas"]["Card"]["properties"]["text"].pop("description"),
            "Card.text has no description",
        ),
        (
            lambda d: [d["components"]["schemas"][name].update(title="Listed") for name in ("CardList", "EpicList")],
            "the title Listed is used twice",
        ),
        (lambda d: d["components"]["schemas"].update(RunOPTIONS={"description": "x"}), "differs from another one"),
        (
            lambda d: d["components"]["schemas"]["Card"]["properties"].update(
                size={"type": "string", "enum": ["s"], "description": "x"}
            ),
            "the enum ['s'] has no name",
        ),
        (lambda d: d["components"]["schemas"].pop("Card"), "schemas.yaml describes Card"),
        (lambda d: d["components"]["schemas"]["NewEpic"].update(examples=[{}]), "the example of NewEpic is not valid"),
    ],
)
def test_a_document_that_breaks_a_rule_fails(
    written: dict[str, Any], change: Callable[[dict[str, Any]], object], fault: str
) -> None:
    broken = deepcopy(written)
    change(broken)
    assert [line for line in rules.faults(broken) if fault in line]


def test_a_stale_document_fails_and_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(openapi, "FILE", tmp_path / "openapi.json")
    (tmp_path / "openapi.json").write_text("{}")
    assert openapi.main([]) == 1
    assert "stale" in capsys.readouterr().err
    assert openapi.main(["--write"]) == 0
    assert openapi.main([]) == 0


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        (Route("GET", "/api/forgotten", "StartRunFunction"), "only in template.yaml: GET /api/forgotten"),
        (
            Route("GET", "/api/cards/{cardId}", "ManageBacklogFunction", open=True),
            "open only in template.yaml: GET /api/c",
        ),
    ],
)
def test_a_route_that_differs_in_the_template_fails(
    extra: Route, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    routes = routes_of_template() | {extra}
    monkeypatch.setattr(openapi, "routes_of_template", lambda: routes)
    assert openapi.main([]) == 1
    assert fault in capsys.readouterr().err
