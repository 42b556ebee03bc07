"""The sweep finishes the deletion of plans and projects."""

import pytest

from functions.retry_runs import app
from groundwork.adapters.dynamodb.list_rows import ListRow
from groundwork.adapters.dynamodb.tables import Tables
from tests.adapters.dynamodb.test_plans_contract import on_dynamo
from tests.events import Context
from tests.functions.services import services_on
from tests.plans.plans import draft, phase


def test_the_sweep_purges_deleted_plans_and_projects(moto_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "services", lambda: services_on(moto_tables))
    place = on_dynamo(moto_tables)
    plan, other = place.created(phase("One", draft("a"))), place.created(phase("One", draft("a")))
    project = moto_tables.projects.create("Shop", "").id
    moto_tables.plans.delete(plan.id)
    moto_tables.projects.delete(project)
    did = app.handler({}, Context())
    assert sorted(did["purged"]) == sorted([plan.id, project])
    assert did["left"] == []
    assert not list(ListRow.query(plan.id))
    assert place.store.load(other.id) == other
    assert app.handler({}, Context())["purged"] == []
