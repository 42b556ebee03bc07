"""The template's routes and the functions' own must be the same: a route on one side only answers 404."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from checks.sam import resources, source

Routes = set[tuple[str, str]]
FUNCTIONS = {
    Path(function["CodeUri"]).name: {
        (event["Properties"]["Method"], event["Properties"]["Path"])
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }
    for function in resources(source(), "AWS::Serverless::Function").values()
}


@pytest.mark.parametrize("function", [name for name, routes in FUNCTIONS.items() if routes])
def test_a_function_answers_the_routes_it_is_given(function: str) -> None:
    app = import_module(f"functions.{function}.app").app
    paths = app.get_openapi_schema(title="Groundwork", version="1").paths
    served = {(method.upper(), path) for path, item in paths.items() for method in item.model_dump(exclude_none=True)}
    assert without_names(served) == without_names(FUNCTIONS[function])


def without_names(routes: Routes) -> Routes:
    return {(method, re.sub(r"[{<]\w+[>}]", "{}", path)) for method, path in routes}
