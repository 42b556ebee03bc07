"""A function's lines as they are shown."""

import json

import pytest

from local.logs import compact, print_line


def test_plain_lines_are_shown_with_the_function_before_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("fn", "going to sleep")
    assert capsys.readouterr().err == "[fn] going to sleep\n"


def test_structured_lines_show_level_message_and_fields() -> None:
    line = {"level": "INFO", "location": "handler:3", "message": "hop done", "timestamp": "…", "runId": "R1", "hop": 2}
    assert compact(json.dumps(line)) == "INFO hop done runId=R1 hop=2"


def test_an_error_shows_its_type_and_trace() -> None:
    line = {
        "level": "ERROR",
        "errorType": "ValueError",
        "errorMessage": "a bug",
        "stackTrace": ["  File x\n", "    y\n"],
    }
    assert compact(json.dumps(line)) == "ERROR ValueError: a bug\n  File x\n    y"


@pytest.mark.parametrize("line", ["{not json", '{"no": "level"}', '["a list"]', "42"])
def test_lines_only_similar_to_structured_ones_are_unchanged(line: str) -> None:
    assert compact(line) == line


def test_info_lines_of_the_aws_sdk_are_hidden_and_its_warnings_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = {"level": "INFO", "message": "Found credentials", "logger": "botocore.credentials"}
    print_line("fn", json.dumps(found))
    print_line("fn", json.dumps(found | {"level": "WARNING"}))
    assert capsys.readouterr().err == "[fn] WARNING Found credentials\n"
