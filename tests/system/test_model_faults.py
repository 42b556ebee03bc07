"""All steps with faults of Claude's API: nothing is lost, doubled or uncounted."""

import pytest

from tests.anthropic_server.faults import (
    Script,
    by_chance,
    cut,
    dropped,
    failed,
    malformed,
    never,
    out_of_range,
    overloaded,
    rate_limited,
    refused,
    truncated,
)
from tests.anthropic_server.server import AnthropicServer
from tests.system.client import running

FAULTS: dict[str, Script] = {
    "none": never,
    "everything": by_chance(
        7,
        {
            rate_limited(0.05): 0.08,
            overloaded(): 0.03,
            failed(500): 0.05,
            dropped(): 0.05,
            cut(): 0.03,
            truncated(): 0.05,
            refused(): 0.05,
            malformed(): 0.05,
            out_of_range(): 0.05,
        },
    ),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_every_item_ends_and_the_bill_is_counted_despite_faults(name: str) -> None:
    with (
        AnthropicServer(FAULTS[name]) as server,
        running(GROUNDWORK_AI="anthropic", ANTHROPIC_API_KEY="test-key", ANTHROPIC_BASE_URL=server.url) as (_, client),
    ):
        project = client.project(cards=40)
        runs = [
            client.run(project, type_)
            for type_ in ("ANALYZE_CARDS", "GENERATE_EPICS", "GENERATE_STORIES", "GENERATE_SUBTASKS")
            if client.ok(client.http.get(f"/api/projects/{project}"))["counts"][NEEDS[type_]]
        ]
        items = [item for run in runs for item in client.every(f"/api/runs/{run['runId']}/items")]
        assert {item["status"] for item in items} <= {"COMPLETED", "FAILED", "SKIPPED"}
        assert all(item["errorCode"] and item["errorMsg"] for item in items if item["status"] == "FAILED")
        assert sum(run["tokens"]["input"] for run in runs) == server.billed.input
        assert sum(run["tokens"]["output"] for run in runs) == server.billed.output
        assert sum(item["tokens"]["output"] for item in items) == server.billed.output
        subtasks = client.every(f"/api/projects/{project}/subtasks")
        assert len(subtasks) == sum(run["artifactsCreated"] for run in runs if run["type"] == "GENERATE_SUBTASKS")
        if name == "none":
            assert [run["status"] for run in runs] == ["SUCCEEDED"] * 4


NEEDS = {
    "ANALYZE_CARDS": "cards",
    "GENERATE_EPICS": "cards",
    "GENERATE_STORIES": "epics",
    "GENERATE_SUBTASKS": "stories",
}
