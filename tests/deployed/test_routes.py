"""The routes: code, template, translated template and SAM CLI's reader must agree on them."""

from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_dump, yaml_parse

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
from local.template import SamTemplate
from tests.deployed.recorded import recorded_routes, translated_with_events


@pytest.fixture(scope="module")
def template() -> Template:
    return translated()


@pytest.fixture(scope="module")
def read_by_sam_cli() -> Any:
    return SamTemplate(ROOT / "template.yaml", parameters={}, region="us-east-1").api


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


def test_no_route_that_was_an_event_is_lost(template: Template) -> None:
    assert len(recorded_routes()) == 84
    assert recorded_routes() <= routes_of_template(template)


def test_the_api_is_translated_as_if_every_route_were_an_event(template: Template) -> None:
    generated, from_events = body(template), body(translated_with_events())
    paths = generated.pop("paths")
    for path, item in from_events.pop("paths").items():
        assert {method: without_parameters(one) for method, one in item.items()}.items() <= paths[path].items()
    assert generated == from_events


def body(template: Template) -> dict[str, Any]:
    return dict(resources(template, "AWS::ApiGatewayV2::Api")["Api"]["Body"])


def without_parameters(operation: dict[str, Any]) -> dict[str, Any]:
    """SAM declares path parameters on the operation, the generated block on the path."""
    return {key: value for key, value in operation.items() if key != "parameters"}


def test_every_parameter_of_a_path_is_declared(template: Template) -> None:
    for path, item in body(template)["paths"].items():
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


def test_a_route_of_two_functions_is_refused() -> None:
    with pytest.raises(ValueError, match="two functions answer GET /api/a"):
        block([Route("GET", "/api/a", "OneFunction"), Route("GET", "/api/a", "OtherFunction")])


def test_what_sam_packages_has_no_alias() -> None:
    """CloudFormation knows no YAML aliases."""
    text = (ROOT / "template.yaml").read_text()
    packaged = yaml_dump(yaml_parse(text))
    tokens = list(yaml.scan(packaged))
    assert not [token for token in tokens if isinstance(token, yaml.AliasToken | yaml.AnchorToken)]
    assert [token for token in yaml.scan(text) if isinstance(token, yaml.AliasToken)]
    assert yaml_parse(packaged) == yaml_parse(text)


def test_an_open_route_may_come_first_in_the_block() -> None:
    text = block([Route("GET", "/api/a", "OneFunction", open=True), Route("GET", "/api/b", "OneFunction")])
    assert text.count("&OneFunction") == 1
    assert text.index("/api/b") < text.index("&OneFunction")
