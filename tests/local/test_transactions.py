"""A transaction of the local DynamoDB goes back as if nothing had been."""

import gc
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

from local import transactions


@pytest.fixture
def client(moto_server: str) -> Any:
    transactions.install()
    client: Any = boto3.client("dynamodb", endpoint_url=moto_server)
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    client.create_table(TableName="t", BillingMode="PAY_PER_REQUEST", KeySchema=keys, AttributeDefinitions=attributes)
    for number in range(20):
        client.put_item(TableName="t", Item={"pk": {"S": "p"}, "sk": {"S": str(number)}, "n": {"N": "1"}})
    yield client
    client.delete_table(TableName="t")


def rows(client: Any) -> list[Any]:
    found: list[Any] = client.scan(TableName="t")["Items"]
    return sorted(found, key=lambda row: str(row["sk"]["S"]))


def actions(condition: str) -> list[dict[str, Any]]:
    key = {"pk": {"S": "p"}, "sk": {"S": "1"}}
    add = {"TableName": "t", "Key": key, "UpdateExpression": "ADD n :one"}
    return [
        {"Update": add | {"ExpressionAttributeValues": {":one": {"N": "1"}}}},
        {"Put": {"TableName": "t", "Item": {"pk": {"S": "p"}, "sk": {"S": "new"}}}},
        {"Delete": {"TableName": "t", "Key": {"pk": {"S": "p"}, "sk": {"S": "2"}}}},
        {
            "ConditionCheck": {
                "TableName": "t",
                "Key": {"pk": {"S": "p"}, "sk": {"S": "3"}},
                "ConditionExpression": condition,
            }
        },
    ]


def test_a_cancelled_transaction_leaves_every_row_as_it_was(client: Any) -> None:
    before = rows(client)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        client.transact_write_items(TransactItems=actions("attribute_not_exists(pk)"))
    assert rows(client) == before


def test_a_transaction_that_holds_changes_what_it_names(client: Any) -> None:
    client.transact_write_items(TransactItems=actions("attribute_exists(pk)"))
    by_key = {row["sk"]["S"]: row for row in rows(client)}
    assert by_key["1"]["n"] == {"N": "2"}
    assert "new" in by_key
    assert "2" not in by_key


def test_neither_snapshots_nor_replaced_rows_are_kept(client: Any) -> None:
    def live() -> tuple[int, int]:
        gc.collect()
        kinds = [type(thing) for thing in gc.get_objects()]
        return kinds.count(Table), kinds.count(Item)

    client.transact_write_items(TransactItems=[put("0")])
    before = live()
    for number in range(200):
        client.transact_write_items(TransactItems=[put("0"), put(str(number % 3 + 1))])
    tables, items = live()
    assert tables <= before[0] + 1
    assert items <= before[1] + 10


def put(sk: str) -> dict[str, Any]:
    return {"Put": {"TableName": "t", "Item": {"pk": {"S": "p"}, "sk": {"S": sk}, "text": {"S": "x" * 1000}}}}
