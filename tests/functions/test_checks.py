"""Checks through the API: settings, the start of a plan, baselines, the checks of a task."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.plan_executor import app as executor
from groundwork.adapters.dynamodb.check_rows import BASELINE, BaselineRow
from groundwork.adapters.dynamodb.list_rows import RepositoryRow
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.checks.baseline import BaselineStatus
from groundwork.checks.model import CommandResult
from groundwork.checks.ports import Owner, OwnerKind
from groundwork.checks.records import CheckRecord, StoredResult
from groundwork.checks.sandboxes import OpenSandbox, SandboxState
from groundwork.composition import Services
from groundwork.errors import Transient
from groundwork.execution import commands
from groundwork.execution.state import ExecutionState
from groundwork.plans.editor import Editor
from groundwork.plans.model import TaskStatus
from groundwork.plans.operations import UpdateTask
from groundwork.sandbox.model import Ending, SandboxSpec
from groundwork.settings import Settings
from tests.events import Answer, Context
from tests.fakes.sandboxes import FakeSandboxes, Outcome
from tests.functions.plan_calls import Plans, error, id_of, phase, plans_on, task
from tests.functions.services import services_on

SETTINGS = {
    "setup": ["npm ci"],
    "verify": ["npm test"],
    "allowed": ["npx"],
    "network": "off",
    "hosts": ["*.example.com", "git.example.com:8443"],
    "timeoutS": 60,
    "memoryMb": 512,
    "env": {"CI": "1"},
    "requireReview": True,
    "allowRedBaseline": False,
}


@pytest.fixture
def sandboxes() -> FakeSandboxes:
    return FakeSandboxes(lambda command, files: Outcome())


@pytest.fixture
def triggered() -> list[str]:
    return []


@pytest.fixture
def plans(
    moto_tables: Tables, sandboxes: FakeSandboxes, triggered: list[str], monkeypatch: pytest.MonkeyPatch
) -> Plans:
    return plans_on(moto_tables, monkeypatch, sandboxes=lambda secret: sandboxes, start_baseline=triggered.append)


def ended(repository_id: str, status: BaselineStatus, **fields: Any) -> None:
    row = BaselineRow.get(repository_id, BASELINE)
    body = BaselineRow.body.set(row.body | fields)
    row.update(actions=[BaselineRow.status.set(status.value), BaselineRow.attention.remove(), body])


def test_settings_are_stored_shown_replaced_and_removed(plans: Plans) -> None:
    made = plans.made("/api/repositories", name="Shop", url="https://example.com/shop.git", checks=SETTINGS)
    assert made["checks"] == SETTINGS
    path = f"/api/repositories/{made['id']}"
    changed = plans.call("PATCH", path, {"checks": {"verify": ["make test"]}}).json
    assert changed["checks"]["verify"] == ["make test"]
    assert changed["checks"]["setup"] == []
    assert changed["checks"]["timeoutS"] == 600
    assert plans.get(path) == changed
    assert plans.call("PATCH", path, {"name": "Other"}).json["checks"] == changed["checks"]
    assert plans.call("PATCH", path, {"checks": None}).json["checks"] is None
    assert RepositoryRow.get(made["id"], "P").checks is None


@pytest.mark.parametrize(
    ("checks", "field"),
    [
        ({"verify": [""]}, "checks.verify[0]"),
        ({"verify": ["x" * 1001]}, "checks.verify[0]"),
        ({"verify": ["x"] * 21}, "checks.verify"),
        ({"verify": "npm test"}, "checks.verify"),
        ({"allowed": ["rm -rf"]}, "checks.allowed[0]"),
        ({"network": "on"}, "checks.network"),
        ({"hosts": ["http://example.com"]}, "checks.hosts[0]"),
        ({"hosts": ["localhost"]}, "checks.hosts[0]"),
        ({"hosts": ["*"]}, "checks.hosts[0]"),
        ({"timeoutS": 0}, "checks.timeoutS"),
        ({"timeoutS": 3601}, "checks.timeoutS"),
        ({"memoryMb": 63}, "checks.memoryMb"),
        ({"memoryMb": 4097}, "checks.memoryMb"),
        ({"env": {"A B": "1"}}, "checks.env.A B.[key]"),
        ({"env": {"A": "a\0b"}}, "checks.env.A"),
        ({"env": {"KEY": "ghp_" + "a1" * 20}}, "checks.env.KEY"),
        ({"env": {"API_TOKEN": "q8Zr4Lw2Nx7Vb5Kd9Tm3"}}, "checks.env.API_TOKEN"),
        ({"setup": ["curl -H 'Authorization: ghp_" + "a1" * 20 + "'"]}, "checks.setup[0]"),
        ({"unknown": 1}, "checks.unknown"),
    ],
)
def test_invalid_settings_are_refused_with_the_field(plans: Plans, checks: Any, field: str) -> None:
    body = {"name": "Shop", "url": "https://example.com/shop.git", "checks": checks}
    details = error(plans.call("POST", "/api/repositories", body), 422, "INVALID")
    assert [one["field"] for one in details] == [field]
    assert plans.get("/api/repositories")["items"] == []


def test_a_repository_of_an_earlier_release_has_no_checks(plans: Plans) -> None:
    id_ = plans.repository()
    assert "checks" not in RepositoryRow.get(id_, "P").serialize()
    assert plans.get(f"/api/repositories/{id_}")["checks"] is None


@pytest.fixture
def plan(plans: Plans) -> Any:
    repository = plans.repository(checks={"verify": ["npm test"]})
    return plans.plan(phase("One", task("a"), task("b")), repositoryId=repository)


def execute(plans: Plans, plan: Any, **body: Any) -> Answer:
    return plans.call("POST", f"/api/plans/{plan['id']}/execute", body)


def test_a_plan_keeps_the_settings_of_its_start(plans: Plans, plan: Any, moto_tables: Tables) -> None:
    assert execute(plans, plan).status == 202
    repository = plan["repositoryId"]
    plans.call("PATCH", f"/api/repositories/{repository}", {"checks": {"verify": ["true"]}})
    checks = moto_tables.executions.read(plan["id"]).checks_of(repository)
    assert checks
    assert checks.settings.verify == ("npm test",)


def test_a_plan_without_checks_writes_nothing_new(plans: Plans) -> None:
    plan = plans.plan(phase("One", task("a")))
    assert execute(plans, plan).status == 202
    assert "checks" not in json.dumps(PlanRow.get(plan["id"], "P").execution)


def test_a_missing_baseline_is_started_and_not_waited_for(plans: Plans, plan: Any, triggered: list[str]) -> None:
    triggered.clear()
    assert execute(plans, plan).status == 202
    assert triggered == [plan["repositoryId"]]
    assert plans.get(f"/api/repositories/{plan['repositoryId']}/baseline")["status"] == "queued"


def test_a_red_baseline_refuses_the_start(plans: Plans, plan: Any, moto_tables: Tables) -> None:
    repository = plan["repositoryId"]
    plans.call("POST", f"/api/repositories/{repository}/baseline")
    ended(repository, BaselineStatus.FAILED)
    details = error(execute(plans, plan), 409, "BASELINE_FAILING")
    assert details["repositoryId"] == repository
    assert plans.get(f"/api/plans/{plan['id']}")["status"] == "DRAFT"
    ended(repository, BaselineStatus.COULD_NOT_RUN)
    assert execute(plans, plan).status == 202


def test_the_tests_of_the_baseline_are_kept_to_notice_removed_ones(
    plans: Plans, plan: Any, moto_tables: Tables
) -> None:
    plans.call("POST", f"/api/repositories/{plan['repositoryId']}/baseline")
    ended(plan["repositoryId"], BaselineStatus.PASSED, tests=41)
    assert execute(plans, plan).status == 202
    checks = moto_tables.executions.read(plan["id"]).checks_of(plan["repositoryId"])
    assert checks
    assert checks.tests == 41


def test_an_allowed_red_baseline_is_noted_in_the_execution(plans: Plans, moto_tables: Tables) -> None:
    repository = plans.repository(checks={"verify": ["npm test"], "allowRedBaseline": True})
    plan = plans.plan(phase("One", task("a")), repositoryId=repository)
    plans.call("POST", f"/api/repositories/{repository}/baseline")
    ended(repository, BaselineStatus.FAILED)
    assert execute(plans, plan).status == 202
    checks = moto_tables.executions.read(plan["id"]).checks_of(repository)
    assert checks
    assert checks.red_baseline


def test_every_repository_of_a_plan_is_looked_at(plans: Plans, plan: Any, moto_tables: Tables) -> None:
    other = plans.repository(checks={"verify": ["make test"]})
    mixed = plans.plan(
        phase("One", task("a"), task("b", repositoryId=other)), repositoryId=plan["repositoryId"], title="Mixed"
    )
    plans.call("POST", f"/api/repositories/{other}/baseline")
    ended(other, BaselineStatus.FAILED)
    assert error(execute(plans, mixed), 409, "BASELINE_FAILING")["repositoryId"] == other


def test_an_edit_during_the_start_brings_the_checks_of_its_repository(
    plans: Plans, plan: Any, moto_tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = plans.repository(checks={"verify": ["make test"]})
    start = commands.execute
    edits = [UpdateTask(task_id=id_of(plan, "a"), fields={"repository_id": other})]

    def edited_meanwhile(*arguments: Any) -> ExecutionState:
        started = start(*arguments)
        if len(arguments) > 3 and edits:
            editor = Editor(moto_tables.plans, moto_tables.entries, lambda: 1, "somebody")
            editor.edit(plan["id"], [edits.pop()])
        return started

    monkeypatch.setattr(commands, "execute", edited_meanwhile)
    assert execute(plans, plan).status == 202
    state = moto_tables.executions.read(plan["id"])
    assert (state.plan.version, edits) == (2, [])
    assert state.checks_of(other)


def test_without_a_sandbox_the_start_is_refused_with_the_reason(
    plans: Plans, plan: Any, sandboxes: FakeSandboxes
) -> None:
    sandboxes.reason = "No user namespaces."
    assert error(execute(plans, plan), 409, "SANDBOX_UNAVAILABLE") == {"reason": "No user namespaces."}
    answer = plans.call("POST", f"/api/repositories/{plan['repositoryId']}/baseline")
    error(answer, 409, "SANDBOX_UNAVAILABLE")
    assert execute(plans, plans.plan(phase("One", task("a")))).status == 202


def test_a_plan_in_another_status_needs_no_sandbox(plans: Plans, plan: Any, sandboxes: FakeSandboxes) -> None:
    assert execute(plans, plan).status == 202
    sandboxes.reason = "No user namespaces."
    error(execute(plans, plan), 409, "PLAN_STATUS")


def test_with_checks_off_nothing_is_asked_for(
    moto_tables: Tables, sandboxes: FakeSandboxes, triggered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(Settings.from_environment({}), ai="mock", checks="off")
    plans = plans_on(
        moto_tables,
        monkeypatch,
        settings=settings,
        sandboxes=lambda secret: sandboxes,
        start_baseline=triggered.append,
    )
    sandboxes.reason = "No user namespaces."
    repository = plans.repository(checks={"verify": ["npm test"]})
    plan = plans.plan(phase("One", task("a")), repositoryId=repository)
    triggered.clear()
    assert execute(plans, plan).status == 202
    assert triggered == []
    error(plans.call("POST", f"/api/repositories/{repository}/baseline"), 409, "SANDBOX_UNAVAILABLE")


def test_a_baseline_in_progress_is_returned_again(plans: Plans, plan: Any, triggered: list[str]) -> None:
    path = f"/api/repositories/{plan['repositoryId']}/baseline"
    triggered.clear()
    first = plans.call("POST", path)
    assert (first.status, first.json["status"], first.json["steps"]) == (202, "queued", [])
    assert plans.call("POST", path).json == first.json
    assert triggered == [plan["repositoryId"]]


def test_new_settings_replace_a_baseline_in_progress(plans: Plans, plan: Any, triggered: list[str]) -> None:
    path = f"/api/repositories/{plan['repositoryId']}"
    triggered.clear()
    plans.call("POST", f"{path}/baseline")
    plans.call("PATCH", path, {"checks": {"verify": ["make test"]}})
    plans.call("POST", f"{path}/baseline")
    assert triggered == [plan["repositoryId"]] * 2
    assert BaselineRow.get(plan["repositoryId"], "BASELINE").number == 3


def test_a_baseline_whose_trigger_is_lost_is_found_by_the_sweep(
    moto_tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[str] = []

    def unavailable(repository_id: str) -> None:
        raise Transient("Lambda does not answer")

    plans = plans_on(moto_tables, monkeypatch, start_baseline=unavailable)
    repository = plans.repository(checks={"verify": ["npm test"]})
    assert plans.call("POST", f"/api/repositories/{repository}/baseline").status == 202
    services: Services = services_on(moto_tables, start_baseline=again.append)
    monkeypatch.setattr(executor, "services", lambda: services)
    assert executor.handler({"do": "SWEEP"}, Context())["baselines"] == [repository]
    assert again == [repository]


def test_a_new_repository_is_read_in_the_background(plans: Plans, triggered: list[str]) -> None:
    repository = plans.repository(checks={"verify": ["npm test"]})
    assert triggered == [repository]
    assert BaselineRow.get(repository, "BASELINE").body["settings"] is None


def test_there_is_no_baseline_of_a_repository_of_an_earlier_release(plans: Plans) -> None:
    repository = plans.repository()
    BaselineRow(repository).delete()
    error(plans.call("GET", f"/api/repositories/{repository}/baseline"), 404, "NOT_FOUND")


def test_a_deleted_repository_takes_its_baseline_along(plans: Plans) -> None:
    repository = plans.repository(checks={"verify": ["npm test"]})
    plans.call("POST", f"/api/repositories/{repository}/baseline")
    assert plans.call("DELETE", f"/api/repositories/{repository}").status == 204
    assert list(BaselineRow.query(repository)) == []


def test_the_checks_of_a_task_are_listed_newest_first_in_pages(plans: Plans, plan: Any, moto_tables: Tables) -> None:
    from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key

    task_id = id_of(plan, "a")
    state = StateRow(plan["id"], state_key(task_id), status=TaskStatus.RUNNING.value, epoch=1, attempts=1)
    state.save()
    for kind, job, at in ((OwnerKind.TASK, "s1", 1_000), (OwnerKind.LANDING, "l1", 2_000)):
        owner = Owner(kind, plan["id"], task_id, 1, 1)
        record = CheckRecord(job_id=job, tree="t", commit="c", started_at=at)
        for position, (line, code) in enumerate((("lint", 0), ("test", 1))):
            result = CommandResult(command=line, ending=Ending.EXIT, exit_code=code, seconds=2.0, log=f"{job} {line}")
            moto_tables.checks.save(owner, record, StoredResult(position=position, tries=0, result=result))
    path = f"/api/plan-tasks/{task_id}/checks"
    every = plans.get(path)["items"]
    assert [(one["kind"], one["command"], one["status"]) for one in every] == [
        ("landing", "lint", "passed"),
        ("landing", "test", "failed"),
        ("task", "lint", "passed"),
        ("task", "test", "failed"),
    ]
    assert (every[0]["tree"], every[0]["commit"], every[0]["log"], every[0]["attempt"]) == ("t", "c", "l1 lint", 1)
    assert every[0]["costUsd"] > 0
    assert plans.every(path, limit=3) == every
    error(plans.call("GET", path, query={"nextToken": "bm8"}), 422, "INVALID")


def test_an_unfinished_check_is_called_running_only_as_long_as_its_sandbox_is_open(
    plans: Plans, plan: Any, moto_tables: Tables
) -> None:
    from groundwork.adapters.dynamodb.execution_rows import StateRow, state_key

    task_id = id_of(plan, "a")
    StateRow(plan["id"], state_key(task_id), status=TaskStatus.RUNNING.value, epoch=1, attempts=1).save()
    owner = Owner(OwnerKind.TASK, plan["id"], task_id, 1, 1)
    record = CheckRecord(job_id="s1", tree="t", commit="c", started_at=1_000, generation=1)
    now = CommandResult(command="test", seconds=2.0, log="so far")
    moto_tables.checks.save(owner, record, StoredResult(position=0, tries=0, result=now))

    def shown() -> str:
        (one,) = plans.get(f"/api/plan-tasks/{task_id}/checks")["items"]
        return f"{one['status']} {one['log']}"

    assert shown() == "could_not_run so far"
    sandbox = OpenSandbox(owner, 1, SandboxSpec(), created_at=1_000, state=SandboxState.OPEN, machine_id="m")
    moto_tables.sandboxes.create(sandbox)
    assert shown() == "running so far"
    moto_tables.sandboxes.update(sandbox, sandbox.changed(generation=2))
    assert shown() == "could_not_run so far"
