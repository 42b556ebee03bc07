"""The tables on moto or on DynamoDB Local, as template.yaml describes them."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from pynamodb.connection.base import Connection

from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.settings import Settings
from local import transactions

_GSI: Any = {
    "IndexName": "attention",
    "KeySchema": [
        {"AttributeName": "attention", "KeyType": "HASH"},
        {"AttributeName": "attentionAt", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


@contextmanager
def moto_endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    transactions.install()
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def shared_clients() -> Iterator[None]:
    """Share one client among row classes of an endpoint: creating one takes 0.2 s."""
    clients: dict[tuple[str, str], Any] = {}
    own: Any = Connection.__dict__["client"].fget

    def client(connection: Connection) -> Any:
        if connection.host is None:
            return own(connection)
        place = (connection.host, str(connection.region))
        if place not in clients:
            clients[place] = own(connection)
        return clients[place]

    with mock.patch.object(Connection, "client", property(client)):
        yield


def settings_at(backlog: str, runs: str, plans: str = "plans") -> Settings:
    return replace(Settings.from_environment({}), backlog_table=backlog, runs_table=runs, plans_table=plans)


def make_tables(endpoint: str) -> Tables:
    """Fresh, empty tables with names of their own."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    suffix = uuid.uuid4().hex[:8]
    names = (f"backlog-{suffix}", f"runs-{suffix}", f"plans-{suffix}")
    for name in names:
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
                {"AttributeName": "attention", "AttributeType": "S"},
                {"AttributeName": "attentionAt", "AttributeType": "N"},
            ],
            GlobalSecondaryIndexes=[_GSI],
        )
    return open_tables(settings_at(*names), endpoint)
