"""Recorded rows, loaded unchanged into real tables: no code of a release writes them."""

from collections.abc import Sequence
from itertools import batched
from typing import Any

import boto3

from groundwork.adapters.dynamodb.backlog_rows import KeyRow
from groundwork.adapters.dynamodb.plan_rows import PlanRow
from groundwork.adapters.dynamodb.run_rows import RunRow


def load(endpoint: str, rows: Sequence[dict[str, Any]]) -> None:
    """Load rows into the latest tables at this endpoint."""
    names = {"backlog": KeyRow.Meta.table_name, "runs": RunRow.Meta.table_name, "plans": PlanRow.Meta.table_name}
    client = boto3.client("dynamodb", endpoint_url=endpoint, region_name="us-east-1")
    for table, name in names.items():
        items = [row["item"] for row in rows if row["table"] == table]
        for group in batched(items, 25, strict=False):
            client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in group]})
