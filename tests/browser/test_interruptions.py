"""The system stops in the middle of a run or plan and comes back on the same tables."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect

from groundwork.adapters.dynamodb.execution_rows import state_key
from groundwork.adapters.dynamodb.plan_rows import HEAD
from groundwork.adapters.dynamodb.run_rows import run_key
from local.demo.repository import create_repository
from local.system import LocalSystem
from tests.anthropic_server.server import AnthropicServer
from tests.browser.actions import complete_plan, expect_done, expect_plan, expect_run_end, open_run_dialog, row_of
from tests.browser.backlogs import with_stories
from tests.browser.conftest import Comes
from tests.browser.gated_model import GatedModel
from tests.browser.system import ROOT, serving
from tests.system.executor import Executor, phase, task

UNREACHABLE = "The server cannot be reached"


@pytest.fixture
def model() -> Iterator[AnthropicServer]:
    gate = GatedModel()
    with AnthropicServer(gate) as server:
        yield server
        gate.open()


@pytest.mark.slow(reason="the system starts twice, with its web site")
def test_a_run_continues_after_a_restart_of_the_system(
    model: AnthropicServer, dynamodb_local: str, comes: Comes
) -> None:
    settings = settings_of(model, dynamodb_local)
    with serving(**settings) as (system, client):
        page = comes(system.url, system.token).opens(f"/projects/{with_stories(client, 5)}")
        open_run_dialog(page, "Generate subtasks").get_by_role("button", name="Start").click()
        gate = gate_of(model)
        gate.let(2)
        expect_done(page, 2)
        run = page.url.rpartition("/")[2]

    # The last data stays, marked as possibly outdated.
    expect(page.get_by_text(UNREACHABLE)).to_be_visible()
    expect_done(page, 2)

    # The worker is lost but not yet reported, so the page must say so.
    with serving(system.port, sweeps=False, **settings) as (system, _):
        expect(page.get_by_text(UNREACHABLE)).to_be_hidden()
        a_minute_later(system, run)
        expect(page.get_by_text("This run is not responding")).to_be_visible()
        expect_done(page, 2)
        gate.open()
        system.fire_schedules("RetryRunsFunction")
        expect_run_end(page, "Succeeded")
        expect_done(page, 5)
        expect(page.get_by_text("This run is not responding")).to_be_hidden()


@pytest.mark.slow(reason="the system starts twice, with its web site")
def test_a_plan_continues_after_a_restart_of_the_system(
    model: AnthropicServer, dynamodb_local: str, comes: Comes, tmp_path: Path
) -> None:
    """With the plan open twice: its editor, with something half typed, and its execution."""
    settings = settings_of(model, dynamodb_local)
    titles = ["Draw the first map", "Draw the second map"]
    with serving(**settings) as (system, client):
        repository = create_repository(ROOT / "examples" / "cycling-app", tmp_path / "cycling-app")
        executor = Executor(client, str(repository), "Cycling app")
        phases = phase("Maps", task("a", title=titles[0])), phase("Ask", task("b", title=titles[1]), mode="manual")
        plan = executor.plan(*phases, title="Two maps")["id"]
        editor = comes(system.url, system.token).opens(f"/plans/{plan}")
        execution = comes(system.url, system.token).opens(f"/plans/{plan}/execution")
        execution.get_by_role("button", name="Run now").click()
        execution.get_by_role("dialog").get_by_role("button", name="Run plan").click()
        expect(execution.get_by_role("list", name="Running tasks")).to_contain_text(titles[0])
        expect_plan(editor, "Running")
        editor.get_by_role("button", name=re.compile(titles[1])).click()
        editor.get_by_role("dialog").get_by_label("Description").fill("With the rivers")

    for page in (editor, execution):
        expect(page.get_by_text(UNREACHABLE)).to_be_visible()
    expect_plan(execution, "Running")
    expect(editor.get_by_role("dialog").get_by_label("Description")).to_have_value("With the rivers")

    gate_of(model).open()
    with serving(system.port, **settings) as (system, _):
        expire_lease(system, plan, f"{plan}-T1")
        for page in (editor, execution):
            expect(page.get_by_text(UNREACHABLE)).to_be_hidden()
        editor.get_by_role("button", name="Save").click()
        expect(editor.get_by_role("dialog")).to_be_hidden()
        # The task's worker died with the system: another takes over, automatically or on request.
        complete_plan(execution, meanwhile=lambda: make_overdue(system, plan))
        expect(row_of(execution, titles[1])).to_contain_text("Completed")
        expect_plan(editor, "Completed")


def expire_lease(system: LocalSystem, plan_id: str, task_id: str) -> None:
    """Expire the lease of a task with a lost worker; by itself it takes a minute."""
    _set_back(system, plan_id, state_key(task_id), "lease")


def make_overdue(system: LocalSystem, plan_id: str) -> None:
    """The next sweep looks at the plan, as one would a minute later."""
    with suppress(ClientError):
        _set_back(system, plan_id, HEAD, "attentionAt")


def _set_back(system: LocalSystem, pk: str, sk: str, name: str) -> None:
    """A time in the past instead of the one there. Raises ClientError where there is none."""
    system.client("dynamodb").update_item(
        TableName="PlansTable",
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET #time = :past",
        ExpressionAttributeNames={"#time": name},
        ExpressionAttributeValues={":past": {"N": "1"}},
        ConditionExpression="attribute_exists(#time)",
    )


def settings_of(model: AnthropicServer, dynamodb: str) -> dict[str, Any]:
    return {
        "GROUNDWORK_AI": "anthropic",
        "ANTHROPIC_API_KEY": "test-key",
        "ANTHROPIC_BASE_URL": model.url,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
    }


def gate_of(model: AnthropicServer) -> GatedModel:
    gate = model.faults
    assert isinstance(gate, GatedModel)
    return gate


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
