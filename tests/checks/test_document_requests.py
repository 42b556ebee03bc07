"""Documented curl commands are those of the API."""

import pytest

from checks.document_requests import Request, faults, requests


def test_a_command_is_read_with_its_options() -> None:
    block = """
    PROJECT=...   # from the answer
    curl -s -X PATCH "$API/api/plan-tasks/$TASK?a=1&b=" -H "$AUTH" \\
      -d '{"title": "'$TITLE'",
           "effort": "S"}'   # a comment
    curl --data-binary @cards.csv $API/api/projects/$PROJECT/cards; curl https://example.com
    """
    body = '{"title": "$TITLE",\n           "effort": "S"}'
    assert list(requests(block)) == [
        Request("PATCH", "/api/plan-tasks/$TASK", ("a", "b"), body, typed=False),
        Request("POST", "/api/projects/$PROJECT/cards", (), None, typed=False),
    ]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("curl $API/api/gone", "GET /api/gone: no such operation"),
        ("curl -X PUT $API/api/projects", "PUT /api/projects: no such operation"),
        ("curl '$API/api/projects?sort=name'", "GET /api/projects: no query parameter sort"),
        ('curl $API/api/projects -d \'{"title": "A"}\'', "POST /api/projects: body: 'name' is a required property"),
        ("curl $API/api/projects -d '{name}'", "POST /api/projects: the body is not JSON"),
        ('curl $API/api/projects -d \'{"name": "A"}\'', "POST /api/projects: a JSON body without its content type"),
        ("curl $API/api/projects -d 'open", "a shell command cannot be parsed"),
    ],
)
def test_a_request_that_the_api_does_not_take_is_reported(command: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(command))


@pytest.mark.parametrize(
    "command",
    [
        "curl -X POST $API/api/plans/$PLAN/execute",
        'curl $API/api/plans/generate -H "$JSON" -d \'{"repositoryId": "\'$R\'", "title": "T", "description": "D"}\'',
        'curl "$API/api/runs/$RUN/items?status=FAILED"',
        "echo curl is not at its beginning",
    ],
)
def test_a_request_that_the_api_takes_is_not_reported(command: str) -> None:
    assert list(faults(command)) == []
