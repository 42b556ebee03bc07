"""The routes: code, template, translated template and SAM CLI's reader must agree on them."""

import json
from pathlib import Path
from typing import Any

import pytest

from checks.routes import (
    METHODS,
    Route,
    block,
    faults,
    functions_that_the_api_may_invoke,
    routes_of_code,
    routes_of_template,
    with_routes,
)
from checks.sam import ROOT, Template, resources, source, translated
from local.template import Template as LocalTemplate

RECORDED = Path(__file__).parent / "recorded" / "routes_0_1_0.json"
"""The routes as the template of version 0.1.0 listed them by hand, with the names of their events."""


@pytest.fixture(scope="module")
def template() -> Template:
    return translated()


@pytest.fixture(scope="module")
def recorded() -> list[Route]:
    rows = json.loads(RECORDED.read_text())
    return [Route(row["method"], row["path"], row["function"], row["open"]) for row in rows]


@pytest.fixture(scope="module")
def read_by_sam_cli() -> Any:
    return LocalTemplate(ROOT / "template.yaml", parameters={}, region="us-east-1").api


def test_the_template_has_the_routes_of_the_code(template: Template) -> None:
    assert routes_of_template(template) == set(routes_of_code())


def test_sam_cli_reads_the_same_routes_with_payload_2_0_and_the_authorizer(read_by_sam_cli: Any) -> None:
    found = {
        (method, route.path, route.function_name, route.payload_format_version, route.authorizer_name)
        for route in read_by_sam_cli.routes
        for method in route.methods
        if method in METHODS
    }
    assert found == {
        (route.method, route.path, route.function, "2.0", None if route.open else "AdminToken")
        for route in routes_of_code()
    }


def test_no_route_of_the_hand_written_template_is_lost(template: Template, recorded: list[Route]) -> None:
    assert len(recorded) == 84
    assert set(recorded) <= routes_of_template(template)


def test_an_operation_is_translated_as_sam_translates_an_event(template: Template) -> None:
    paths = resources(template, "AWS::ApiGatewayV2::Api")["Api"]["Body"]["paths"]
    for route in routes_of_template(template):
        uri = (
            "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
            f"${{{route.function}.Arn}}/invocations"
        )
        assert paths[route.path][route.method.lower()] == {
            "x-amazon-apigateway-integration": {
                "type": "aws_proxy",
                "httpMethod": "POST",
                "payloadFormatVersion": "2.0",
                "uri": {"Fn::Sub": uri},
            },
            "responses": {},
            "security": [{"NONE" if route.open else "AdminToken": []}],
        }


def test_every_parameter_of_a_path_is_declared(template: Template) -> None:
    paths = resources(template, "AWS::ApiGatewayV2::Api")["Api"]["Body"]["paths"]
    for path, item in paths.items():
        declared = [parameter["name"] for parameter in item.get("parameters", [])]
        assert declared == [part.strip("{}") for part in path.split("/") if part.startswith("{")]


def test_sam_cli_reads_the_cors_of_the_resource(read_by_sam_cli: Any) -> None:
    cors = read_by_sam_cli.cors
    assert cors.allow_origin == source()["Parameters"]["AllowedOrigins"]["Default"]
    assert set(cors.allow_methods.split(",")) == {"DELETE", "GET", "OPTIONS", "PATCH", "POST"}
    assert {"authorization", "if-match", "idempotency-key"} <= set(cors.allow_headers.split(","))


def test_the_api_may_invoke_every_function_by_one_permission(template: Template) -> None:
    asked = {route.function for route in routes_of_code()}
    assert functions_that_the_api_may_invoke(template) == asked
    of_routes = [
        permission
        for permission in resources(template, "AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com" and "Ref" in permission["FunctionName"]
    ]
    assert len(of_routes) == len(asked)


def test_a_route_that_is_not_in_the_template_is_a_fault() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert list(faults(text)) == []
    stale = text.replace(
        "/api/openapi.json: {get: *ManageBacklogFunction}", "/api/openapi.yaml: {get: *ManageBacklogFunction}"
    )
    assert stale != text
    assert list(faults(stale)) == ["the routes of template.yaml are stale: make routes"]
    assert with_routes(stale, routes_of_code()) == text


def test_a_function_without_its_permission_is_a_fault() -> None:
    text = (ROOT / "template.yaml").read_text()
    broken = text.replace("FunctionName: !Ref GetProgressFunction", "FunctionName: !Ref AuthorizerFunction")
    assert list(faults(broken)) == ["the API may not invoke GetProgressFunction: add an AWS::Lambda::Permission"]


def test_a_template_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="mark"):
        with_routes("Resources: {}\n", [])


def test_an_open_route_may_come_first_in_the_block() -> None:
    text = block([Route("GET", "/api/a", "OneFunction", open=True), Route("GET", "/api/b", "OneFunction")])
    assert text.count("&OneFunction") == 1
    assert text.index("/api/b") < text.index("&OneFunction")
