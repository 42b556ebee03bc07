"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from groundwork.adapters.dynamodb.tables import Tables, open_tables
from tests.dynamodb_local import dynamodb_local as dynamodb_local
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.tables import make_tables, moto_endpoint, settings_at, shared_clients

pytest_plugins = ("tests.tiers",)

# on a busy machine an example takes long, which is no fault of the test
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def aws_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dummy credentials: a test can reach only servers it started itself."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(scope="session", autouse=True)
def one_client_an_endpoint() -> Iterator[None]:
    with shared_clients():
        yield


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    with moto_endpoint() as url:
        yield url


@pytest.fixture
def moto_tables(moto_server: str) -> Tables:
    return make_tables(moto_server)


@pytest.fixture
def simulated_tables() -> Iterator[Tables]:
    database = Database()
    with in_place_of_aws(database.carry_out):
        yield open_tables(settings_at("backlog", "runs"))


@pytest.fixture(params=["moto", "dynamodb_local"])
def tables(request: pytest.FixtureRequest) -> Tables:
    """Fresh tables, once on moto and once on DynamoDB Local: one suite for both."""
    name = {"moto": "moto_server", "dynamodb_local": "dynamodb_local"}[request.param]
    return make_tables(request.getfixturevalue(name))


@pytest.fixture(params=["simulated", "moto", "dynamodb_local"])
def tables_of_every_engine(request: pytest.FixtureRequest) -> Tables:
    """Like `tables`, plus the simulation's model, for the suites defining a table's behaviour."""
    if request.param == "simulated":
        simulated: Tables = request.getfixturevalue("simulated_tables")
        return simulated
    name = {"moto": "moto_server", "dynamodb_local": "dynamodb_local"}[request.param]
    return make_tables(request.getfixturevalue(name))
