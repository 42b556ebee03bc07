"""Count requests to DynamoDB, and their units by AWS's own arithmetic.

DynamoDB Local reports 4 units for any transaction, so units are computed from the requests: a write takes one unit for
each KB or part of one, twice as many in a transaction, and one more for each index of the row (AWS, "DynamoDB read and
write operations" and "Amazon DynamoDB Transactions: How it works").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import botocore.client

type Item = dict[str, Any]


@dataclass
class Bill:
    """Requests to the tables, and their units."""

    requests: int = 0
    write_units: float = 0.0
    by_operation: dict[str, int] = field(default_factory=dict)

    def add(self, operation: str, units: float) -> None:
        self.requests += 1
        self.write_units += units
        self.by_operation[operation] = self.by_operation.get(operation, 0) + 1


def size_of(value: Any) -> int:
    """Bytes of an attribute value in DynamoDB's form, {"S": ...}, as AWS counts them."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content.lstrip("-").replace(".", "")) // 2 + 2
        case "L":
            return 3 + sum(1 + size_of(part) for part in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + size_of(part) for name, part in content.items())
        case "SS":
            return sum(len(part.encode()) for part in content)
    return 1


def item_units(item: Item) -> int:
    size = sum(len(name.encode()) + size_of(value) for name, value in item.items())
    return -(-size // 1024)


class Meter:
    """Meter with the size of each written row, needed for updates and deletes."""

    def __init__(self) -> None:
        self.bill = Bill()
        self._rows: dict[tuple[str, str, str], tuple[int, str | None]] = {}

    def count(self, operation: str, sent: Item) -> None:
        match operation:
            case "PutItem":
                units = float(self._write(sent["TableName"], sent["Item"], 1))
            case "UpdateItem" | "DeleteItem":
                units = float(self._touch(sent["TableName"], sent["Key"], 1))
            case "TransactWriteItems":
                units = float(sum(self._action(action) for action in sent["TransactItems"]))
            case "BatchWriteItem":
                units = float(sum(self._batch(sent["RequestItems"])))
            case _:
                units = 0.0
        self.bill.add(operation, units)

    def _action(self, action: Item) -> int:
        ((kind, body),) = action.items()
        if kind == "Put":
            return self._write(body["TableName"], body["Item"], 2)
        return self._touch(body["TableName"], body["Key"], 2)

    def _batch(self, tables: Item) -> Iterator[int]:
        for table, requests in tables.items():
            for request in requests:
                if "PutRequest" in request:
                    yield self._write(table, request["PutRequest"]["Item"], 1)
                else:
                    yield self._touch(table, request["DeleteRequest"]["Key"], 1)

    def _write(self, table: str, item: Item, factor: int) -> int:
        key = (table, item["pk"]["S"], item["sk"]["S"])
        old_units, old_index = self._rows.get(key, (0, None))
        units, index = item_units(item), str([item.get("attention"), item.get("attentionAt")])
        present = "attention" in item
        self._rows[key] = (units, index if present else None)
        # the sparse index projects keys only: it is written when its keys come, change or go
        moved = (index if present else None) != old_index
        return max(units, old_units) * factor + moved * (1 + (present and old_index is not None))

    def _touch(self, table: str, key: Item, factor: int) -> int:
        units, _ = self._rows.get((table, key["pk"]["S"], key["sk"]["S"]), (1, None))
        return units * factor


@contextmanager
def metered() -> Iterator[Meter]:
    """Count every DynamoDB request of this process inside the context."""
    meter = Meter()
    real = vars(botocore.client.BaseClient)["_make_api_call"]

    def counted(self: Any, operation: str, sent: Item) -> Any:
        answer = real(self, operation, sent)
        meter.count(operation, sent)
        return answer

    with mock.patch.object(botocore.client.BaseClient, "_make_api_call", counted):
        yield meter
