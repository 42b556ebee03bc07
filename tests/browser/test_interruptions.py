"""The system goes away in the middle of a run, and comes back on the same tables."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from groundwork.store.run_rows import run_key
from local.system import LocalSystem
from tests.anthropic_server.server import AnthropicServer
from tests.browser.backlogs import with_stories
from tests.browser.conftest import Comes
from tests.browser.doing import asks_for_run, sees_done, sees_run_end
from tests.browser.gate import Gate
from tests.browser.system import serving

UNREACHABLE = "The server cannot be reached"


@pytest.fixture
def model() -> Iterator[AnthropicServer]:
    gate = Gate()
    with AnthropicServer(gate) as server:
        yield server
        gate.open()


def test_a_run_goes_on_when_the_system_has_been_stopped_and_started_again(
    model: AnthropicServer, dynamodb_local: str, comes: Comes
) -> None:
    settings: dict[str, Any] = {
        "GROUNDWORK_AI": "anthropic",
        "ANTHROPIC_API_KEY": "test-key",
        "ANTHROPIC_BASE_URL": model.url,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_local,
    }
    with serving(**settings) as (system, client):
        page = comes(system.url, system.token).opens(f"/projects/{with_stories(client, 5)}")
        asks_for_run(page, "Generate subtasks").get_by_role("button", name="Start").click()
        gate = model.faults
        assert isinstance(gate, Gate)
        gate.let(2)
        sees_done(page, 2)
        run = page.url.rpartition("/")[2]

    # what was seen stays, and it is said that it may be old
    expect(page.get_by_text(UNREACHABLE)).to_be_visible()
    sees_done(page, 2)

    # its worker is lost; nobody has been told yet, so that the page can be seen to say so
    with serving(system.port, sweeps=False, **settings) as (system, _):
        expect(page.get_by_text(UNREACHABLE)).to_be_hidden()
        a_minute_later(system, run)
        expect(page.get_by_text("No sign of life from this run")).to_be_visible()
        sees_done(page, 2)
        gate.open()
        system.fire_schedules("RetryRunsFunction")
        sees_run_end(page, "Succeeded")
        sees_done(page, 5)
        expect(page.get_by_text("No sign of life from this run")).to_be_hidden()


def a_minute_later(system: LocalSystem, run_id: str) -> None:
    """The run's lease is over, as it would be by itself by then."""
    pk, sk = run_key(run_id)
    system.client("dynamodb").update_item(
        TableName="RunsTable",
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET #until = :past, attentionAt = :past",
        ExpressionAttributeNames={"#until": "until"},
        ExpressionAttributeValues={":past": {"N": "1"}},
        ConditionExpression="attribute_exists(pk)",
    )
