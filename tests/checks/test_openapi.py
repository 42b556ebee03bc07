"""The API's own document: valid, complete, and caught when it is stale."""

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from checks import openapi
from checks.routes import Route, routes_of_template


@pytest.fixture(scope="module")
def written() -> dict[str, object]:
    document: dict[str, object] = json.loads(openapi.FILE.read_text())
    return document


def test_the_document_is_valid_openapi_3_1(written: dict[str, object]) -> None:
    assert written["openapi"] == "3.1.0"
    assert [str(fault) for fault in OpenAPIV31SpecValidator(written).iter_errors()] == []


def test_only_health_needs_no_token(written: dict[str, object]) -> None:
    assert written["security"] == [{"bearer": []}]
    paths = written["paths"]
    assert isinstance(paths, dict)
    open_ = [path for path, operations in paths.items() for one in operations.values() if one.get("security") == []]
    assert open_ == ["/api/health"]


def test_every_operation_names_the_contract_s_error(written: dict[str, object]) -> None:
    paths = written["paths"]
    assert isinstance(paths, dict)
    for operations in paths.values():
        for operation in operations.values():
            answer = operation["responses"]["default"]["content"]["application/json"]
            assert answer["schema"] == {"$ref": "#/components/schemas/Error"}


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
