"""DynamoDB in memory for pynamodb's client, one request at a time.

It has AWS's conditions, limits and staleness. The contract suites of the tables run on it too, beside moto and
DynamoDB Local, to prove the same behaviour.
"""

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from unittest import mock

from botocore.exceptions import ClientError
from pynamodb.connection import Connection

from tests.simulation.expressions import Item, Names, holds, key_range, updated

type Key = tuple[str, str, str]
"""Table, partition key, sort key."""

type Changed = list[tuple[Key, Item | None, Item | None]]
"""Rows changed by one request: key, before, after."""

type Row = dict[str, Any]
"""Row of a dump: `at` (ms), `table` and `item`."""

MAX_ACTIONS = 100
MAX_BYTES_OF_AN_ITEM = 400 * 1024
MAX_BYTES_OF_A_TRANSACTION = 4 * 1024 * 1024
PAGE_BYTES = 1024 * 1024
REMEMBERED_MS = 5_000

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}


def failed(operation: str, code: str, message: str = "", reasons: Sequence[str] = ()) -> ClientError:
    response: dict[str, Any] = {"Error": {"Code": code, "Message": message or code}, "ResponseMetadata": {}}
    if reasons:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(cast(Any, response), operation)


@dataclass(slots=True)
class Database:
    """Tables of the model, and their recent history.

    `now_ms` is the time of changes. `watch` receives all changes of a request together, when they take effect.
    `written` may change a row before its write.
    """

    now_ms: Callable[[], int] = lambda: 0
    watch: Callable[[Changed], None] = lambda changed: None
    written: Callable[[Key, Item], Item] = lambda key, after: after
    _rows: dict[Key, Item] = field(default_factory=dict)
    _sorted: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _with_attention: set[Key] = field(default_factory=set)
    _history: list[tuple[int, Key, Item | None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def carry_out(self, operation: str, sent: dict[str, Any], stale_ms: int = 0) -> dict[str, Any]:
        """Run one request atomically.

        Reads without consistency see the rows of `stale_ms` ago.
        """
        act = {
            "GetItem": self._get,
            "Query": self._query,
            "BatchGetItem": self._batch_get,
            "TransactGetItems": self._transact_get,
            "PutItem": self._put,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "BatchWriteItem": self._batch_write,
            "TransactWriteItems": self._transact,
        }[operation]
        with self._lock:
            return act(sent, stale_ms)

    def keys(self, table: str) -> list[Key]:
        return sorted(key for key in self._rows if key[0] == table)

    def rows(self, table: str) -> Iterator[tuple[Key, Item]]:
        return ((key, item) for key, item in sorted(self._rows.items()) if key[0] == table)

    def row(self, key: Key) -> Item | None:
        """Return the present row."""
        return self._rows.get(key)

    def below(self, table: str, pk: str, start: str) -> list[Key]:
        """Return the present sort keys of a partition with this prefix, as full keys."""
        sort_keys = self._sorted.get((table, pk), [])
        first, last = bisect_left(sort_keys, start), bisect_left(sort_keys, start + "~")
        return [(table, pk, sk) for sk in sort_keys[first:last]]

    def load(self, rows: Sequence[Row]) -> Changed:
        """Load dumped rows and return the changes."""
        changed: Changed = [
            ((row["table"], row["item"]["pk"]["S"], row["item"]["sk"]["S"]), None, row["item"]) for row in rows
        ]
        for key, _, item in changed:
            self._store(key, None, item)
        return changed

    def dump(self) -> list[Row]:
        return [{"at": self.now_ms(), "table": key[0], "item": dict(item)} for key, item in sorted(self._rows.items())]

    def forget(self) -> None:
        """Drop the history: no read is staler than now."""
        self._history.clear()

    # reading

    def _get(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        key = _key(sent["TableName"], sent["Key"])
        item = self._past(0 if sent.get("ConsistentRead") else stale_ms).get(key, self._rows.get(key))
        return {"Item": item} if item else {}

    def _transact_get(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        gets = [one["Get"] for one in sent["TransactItems"]]
        found = [self._rows.get(_key(get["TableName"], get["Key"])) for get in gets]
        return {"Responses": [{"Item": item} if item else {} for item in found]}

    def _batch_get(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        answer: dict[str, list[Item]] = {}
        for table, asked in sent["RequestItems"].items():
            past = self._past(0 if asked.get("ConsistentRead") else stale_ms)
            keys = [_key(table, key) for key in asked["Keys"]]
            if len(keys) > 100:
                raise failed("BatchGetItem", "ValidationException", "more than 100 keys")
            answer[table] = [item for key in keys if (item := past.get(key, self._rows.get(key)))]
        return {"Responses": answer, "UnprocessedKeys": {}}

    def _query(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        past = self._past(0 if sent.get("ConsistentRead") else stale_ms)
        found = self._indexed(sent, past) if sent.get("IndexName") else self._partition(sent, past)
        if not sent.get("ScanIndexForward", True):
            found.reverse()
        return _page(found, sent)

    def _partition(self, sent: dict[str, Any], past: dict[Key, Item | None]) -> list[tuple[Key, Item]]:
        asked = key_range(sent["KeyConditionExpression"], _names(sent))
        if asked.names != ("pk", "sk"):
            raise NotImplementedError(f"the key condition {sent['KeyConditionExpression']!r}")
        table, pk = sent["TableName"], asked.partition
        sort_keys = asked.slice(self._sorted.get((table, pk), []))
        if earlier := {key[2] for key in past if key[:2] == (table, pk)}:
            sort_keys = asked.slice(sorted(earlier.union(sort_keys)))
        rows = ((key, past.get(key, self._rows.get(key))) for key in ((table, pk, sk) for sk in sort_keys))
        return [(key, item) for key, item in rows if item]

    def _indexed(self, sent: dict[str, Any], past: dict[Key, Item | None]) -> list[tuple[Key, Item]]:
        """Rows of the sparse index: those with both index keys, reduced to keys."""
        names = _names(sent)
        keys = self._with_attention | past.keys()
        rows = ((key, past.get(key, self._rows.get(key))) for key in keys if key[0] == sent["TableName"])
        kept = [
            (key, {name: item[name] for name in ("pk", "sk", "attention", "attentionAt")})
            for key, item in rows
            if item and "attention" in item and "attentionAt" in item
        ]
        found = [(key, item) for key, item in kept if holds(sent["KeyConditionExpression"], item, names)]
        return sorted(found, key=lambda row: (float(row[1]["attentionAt"]["N"]), row[0]))

    def _past(self, stale_ms: int) -> dict[Key, Item | None]:
        """Return the earlier state of all rows changed within the last `stale_ms`."""
        rows: dict[Key, Item | None] = {}
        if stale_ms:
            since = self.now_ms() - stale_ms
            for at, key, before in reversed(self._history):
                if at <= since:
                    break
                rows[key] = before
        return rows

    # writing

    def _put(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        self._apply([self._planned("Put", sent)], "PutItem")
        return {}

    def _update(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        planned = self._planned("Update", sent)
        self._apply([planned], "UpdateItem")
        return {"Attributes": planned[1]} if sent.get("ReturnValues") == "ALL_NEW" else {}

    def _delete(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        self._apply([self._planned("Delete", sent)], "DeleteItem")
        return {}

    def _batch_write(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        for table, requests in sent["RequestItems"].items():
            for request in requests:
                ((act, one),) = request.items()
                self._apply([self._planned(act.removesuffix("Request"), {"TableName": table, **one})], "BatchWriteItem")
        return {"UnprocessedItems": {}}

    def _transact(self, sent: dict[str, Any], stale_ms: int) -> dict[str, Any]:
        parts = [next(iter(one.items())) for one in sent["TransactItems"]]
        keys = [_key(one["TableName"], one.get("Key") or one["Item"]) for _, one in parts]
        if len(parts) > MAX_ACTIONS or len(set(keys)) < len(keys):
            raise failed("TransactWriteItems", "ValidationException", "too many actions, or two on one row")
        planned = [self._planned(act, one) for act, one in parts]
        if sum(_size(after) for _, after, _ in planned) > MAX_BYTES_OF_A_TRANSACTION:
            raise failed("TransactWriteItems", "ValidationException", "more than 4 MB")
        reasons = ["None" if allowed else "ConditionalCheckFailed" for _, _, allowed in planned]
        if set(reasons) != {"None"}:
            raise failed("TransactWriteItems", "TransactionCanceledException", reasons=reasons)
        self._apply(planned, "TransactWriteItems")
        return {}

    def _planned(self, act: str, sent: dict[str, Any]) -> tuple[Key, Item | None, bool]:
        """Return the row after the write, and True if the condition allows it."""
        names = _names(sent)
        key = _key(sent["TableName"], sent.get("Key") or sent["Item"])
        before = self._rows.get(key)
        allowed = holds(sent.get("ConditionExpression"), before, names)
        after: Item | None = before
        if act == "Put":
            after = sent["Item"]
        elif act == "Delete":
            after = None
        elif act == "Update":
            after = updated(sent["UpdateExpression"], before or sent["Key"], names)
        return key, after, allowed

    def _apply(self, planned: list[tuple[Key, Item | None, bool]], operation: str) -> None:
        if not all(allowed for _, _, allowed in planned):
            raise failed(operation, "ConditionalCheckFailedException")
        if any(_size(after) > MAX_BYTES_OF_AN_ITEM for _, after, _ in planned):
            raise failed(operation, "ValidationException", "an item of more than 400 KB")
        rows = [(key, after if after is None else self.written(key, after)) for key, after, _ in planned]
        changed = [(key, self._rows.get(key), after) for key, after in rows if self._rows.get(key) != after]
        for key, before, after in changed:
            self._store(key, before, after)
        if changed:
            self.watch(changed)

    def _store(self, key: Key, before: Item | None, after: Item | None) -> None:
        now = self.now_ms()
        self._history.append((now, key, before))
        if len(self._history) > 10_000 and self._history[5_000][0] < now - REMEMBERED_MS:
            del self._history[:5_000]
        if after is not None and "attention" in after:
            self._with_attention.add(key)
        else:
            self._with_attention.discard(key)
        sort_keys = self._sorted.setdefault(key[:2], [])
        if before is None and after is not None:
            insort(sort_keys, key[2])
        if after is None:
            self._rows.pop(key, None)
            if before is not None:
                del sort_keys[bisect_left(sort_keys, key[2])]
        else:
            self._rows[key] = after


def _key(table: str, item: Item) -> Key:
    return table, item["pk"]["S"], item["sk"]["S"]


def _names(sent: dict[str, Any]) -> Names:
    return Names(sent.get("ExpressionAttributeNames") or {}, sent.get("ExpressionAttributeValues") or {})


def _page(rows: list[tuple[Key, Item]], sent: dict[str, Any]) -> dict[str, Any]:
    start = sent.get("ExclusiveStartKey")
    if start:
        at = [key[1:] for key, _ in rows]
        after = (start["pk"]["S"], start["sk"]["S"])
        rows = rows[at.index(after) + 1 :] if after in at else [row for row in rows if row[0][1:] > after]
    shown: list[Item] = []
    size = 0
    for position, (_, item) in enumerate(rows):
        shown.append(item)
        size += _size(item)
        if position + 1 < len(rows) and (len(shown) == sent.get("Limit") or size > PAGE_BYTES):
            names = ("pk", "sk", "attention", "attentionAt") if sent.get("IndexName") else ("pk", "sk")
            return _counted(shown) | {"LastEvaluatedKey": {name: item[name] for name in names}}
    return _counted(shown)


def _counted(shown: list[Item]) -> dict[str, Any]:
    return {"Items": shown, "Count": len(shown), "ScannedCount": len(shown)}


def _size(item: Item | None) -> int:
    """Approximate DynamoDB's count: names and values in UTF-8."""
    return 0 if item is None else sum(len(name) + _value_size(value) for name, value in item.items())


def _value_size(value: Any) -> int:
    ((type_, raw),) = value.items()
    if type_ == "S":
        return len(raw) if raw.isascii() else len(raw.encode())
    if type_ == "M":
        return 3 + _size(raw)
    if type_ == "L":
        return 3 + sum(1 + _value_size(one) for one in raw)
    return sum(len(one) for one in raw) if isinstance(raw, list) else len(str(raw))


class Client:
    """Stands in for pynamodb's botocore client: every request goes through `send`."""

    def __init__(self, send: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        self._send = send

    def _make_api_call(self, operation: str, sent: dict[str, Any]) -> dict[str, Any]:
        return self._send(operation, sent)


@contextmanager
def in_place_of_aws(send: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Iterator[None]:
    """Redirect pynamodb's requests to DynamoDB to `send`."""
    with mock.patch.object(Connection, "client", property(lambda connection: Client(send))):
        yield
