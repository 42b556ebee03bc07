"""Routes of template.yaml, generated from the functions' code.

python -m checks.routes --write    writes the block between the two marks
python -m checks.routes            fails if the block is stale, or a function lacks its permission
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from samcli.yamlhelper import yaml_parse

from checks.sam import ROOT, Template, resources, source, translated

FILE = ROOT / "template.yaml"
BEGIN = "      # Routes: generated from the functions' code. Do not edit; run `make routes`.\n"
END = "      # End of routes\n"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
AUTHORIZED: list[dict[str, list[str]]] = [{"AdminToken": []}]
OPEN: list[dict[str, list[str]]] = [{"NONE": []}]
"""Security of an operation without authorizer.

SAM's translator replaces an empty list by the default.
"""

_URI = (
    "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/"
    "${{{function}.Arn}}/invocations"
)
_INTEGRATION = """\
x-amazon-apigateway-integration:
  type: aws_proxy
  httpMethod: POST
  payloadFormatVersion: '2.0'
  uri: !Sub {uri}
responses: {{}}
"""


@dataclass(frozen=True, slots=True)
class Route:
    """One route: the function is the template's logical id."""

    method: str
    path: str
    function: str
    open: bool = False


def routes_of_code(template: Template | None = None) -> list[Route]:
    """List the routes of the resolvers in the template's functions, by path and method."""
    functions = resources(template or source(), "AWS::Serverless::Function")
    found = [
        route
        for logical_id, properties in functions.items()
        for route in _routes_of(logical_id, Path(properties["CodeUri"]).name)
    ]
    return sorted(found, key=lambda route: (route.path, METHODS.index(route.method)))


def _routes_of(function: str, folder: str) -> Iterator[Route]:
    resolver = getattr(import_module(f"functions.{folder}.app"), "app", None)
    if isinstance(resolver, APIGatewayHttpResolver):
        # Powertools publishes its routes only as an OpenAPI schema, without an empty `security`
        for route in [*resolver._static_routes, *resolver._dynamic_routes]:
            yield Route(route.method.upper(), path_of(route.openapi_path), function, route.security == [])


def path_of(path: str) -> str:
    """A resolver's path with its parameters in camel case: {project_id} becomes {projectId}."""
    return re.sub(r"\{(\w+)\}", lambda match: "{" + _camel(match[1]) + "}", path)


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def routes_of_template(template: Template | None = None) -> set[Route]:
    """Return the routes of the translated template. A route without the authorizer is open."""
    body = resources(template or translated(), "AWS::ApiGatewayV2::Api")["Api"]["Body"]
    return {
        Route(method.upper(), path, _function_of(operation), operation.get("security") != AUTHORIZED)
        for path, item in body["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def _function_of(operation: dict[str, Any]) -> str:
    uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    return str(re.findall(r"\$\{(\w+)\.Arn\}", uri)[0])


def block(routes: Iterable[Route]) -> str:
    """Write the template's lines for these routes.

    Raises ValueError for a route of two functions.

    A YAML anchor stands for each function's integration and each parameter. CloudFormation supports no aliases, but
    `sam build` and `sam package` expand them.
    """
    by_path: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        if any(route.method == other.method for other in by_path[route.path]):
            raise ValueError(f"two functions answer {route.method} {route.path}")
        by_path[route.path].append(route)
    known: set[str] = set()
    lines = [
        "      DefinitionBody:",
        "        openapi: 3.0.1",
        "        info: {title: !Ref AWS::StackName, version: '1.0'}",
        "        paths:",
    ]
    for path, operations in by_path.items():
        lines += [f"          {line}" for line in _item(path, operations, known)]
    return "\n".join(lines) + "\n"


def _item(path: str, operations: list[Route], known: set[str]) -> Iterator[str]:
    """One line for a path, or a few where an integration is written out."""
    entries = []
    if names := re.findall(r"\{(\w+)\}", path):
        entries.append(f"parameters: [{', '.join(_parameter(name, known) for name in names)}]")
    entries += [_operation(route, known) for route in operations]
    if any("\n" in entry for entry in entries):
        yield f"{path}:"
        yield from (f"  {line}" for entry in entries for line in entry.splitlines())
    else:
        yield f"{path}: {{{', '.join(entries)}}}"


def _parameter(name: str, known: set[str]) -> str:
    return f"*{name}" if _is_known(name, known) else f"&{name} {{name: {name}, in: path, required: true}}"


def _operation(route: Route, known: set[str]) -> str:
    method, function = route.method.lower(), route.function
    integration = indent(_INTEGRATION.format(uri=_URI.format(function=function)), "  ")
    # a YAML alias takes no further key: an open route has its integration in full
    if route.open:
        return f"{method}:\n{integration}  security: {json.dumps(OPEN)}"
    return f"{method}: *{function}" if _is_known(function, known) else f"{method}: &{function}\n{integration}"


def _is_known(name: str, known: set[str]) -> bool:
    before = name in known
    known.add(name)
    return before


def with_routes(text: str, routes: Iterable[Route]) -> str:
    """Replace the lines between the marks. Raises ValueError for a missing mark."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("template.yaml has lost a mark of its routes")
    return before + begin + block(routes) + end + after


def faults(text: str) -> Iterator[str]:
    """Yield the differences between the template and the code, a line each."""
    routes = routes_of_code()
    if with_routes(text, routes) != text:
        yield "the routes of template.yaml are stale: make routes"
    allowed = functions_that_the_api_may_invoke(yaml_parse(text))
    for function in sorted({route.function for route in routes} - allowed):
        yield f"the API may not invoke {function}: add an AWS::Lambda::Permission"


def functions_that_the_api_may_invoke(template: Template) -> set[str]:
    """Return the functions with a permission for every route of the API."""
    return {
        permission["FunctionName"]["Ref"]
        for permission in resources(template, "AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
        and permission["SourceArn"].get("Fn::Sub", "") == API_ARN
    }


# one permission for all routes: one for each would exceed the 20,480 bytes of a function's policy
API_ARN = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"


def main(arguments: list[str]) -> int:
    """1 if something is stale or missing."""
    text = FILE.read_text()
    if "--write" in arguments:
        FILE.write_text(with_routes(text, routes_of_code()))
        return 0
    found = list(faults(text))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    # the layer is on the path, as in Lambda
    sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "common")]
    sys.exit(main(sys.argv[1:]))
