"""moto's DynamoDB transactions, made fast enough to work with.

moto copies every table of a transaction in full, so that it can go back: with some thousand rows a commit takes a
second. Only the rows that the transaction names can change, so only they are copied; the rest is shared.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from moto.core.common_models import BaseModel
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

type Keys = dict[str, list[dict[str, Any]]]

_named: ContextVar[Keys | None] = ContextVar("_named", default=None)
_whole = DynamoDBBackend.transact_write_items


def install() -> None:
    """Once a process; the tables must have a hash and a range key, others are copied as moto does."""
    DynamoDBBackend.transact_write_items = _transact
    Table.__deepcopy__ = _snapshot
    BaseModel.__new__ = _untracked


def _untracked(cls: type, *_: Any, **__: Any) -> Any:
    """moto keeps everything that it ever made for a page nobody looks at: rows and snapshots would never be freed."""
    return object.__new__(cls)


def _transact(self: Any, transact_items: list[dict[str, Any]]) -> None:
    keys: Keys = defaultdict(list)
    for item in transact_items:
        operation = next(iter(item.values()))
        keys[operation["TableName"]].append(operation.get("Key") or operation["Item"])
    with _naming(keys):
        _whole(self, transact_items)


@contextmanager
def _naming(keys: Keys) -> Iterator[None]:
    token = _named.set(keys)
    try:
        yield
    finally:
        _named.reset(token)


def _snapshot(table: Any, memo: dict[int, Any]) -> Any:
    """The table as it is, with copies of the rows that are about to change."""
    named = _named.get()
    taken = object.__new__(table.__class__)
    memo[id(table)] = taken
    if named is None or not table.has_range_key:
        taken.__dict__.update(copy.deepcopy(table.__dict__, memo))
        return taken
    taken.__dict__.update(table.__dict__)
    taken.items = defaultdict(dict, {hash_key: dict(rows) for hash_key, rows in table.items.items()})
    for key in named.get(table.name, ()):
        rows = taken.items.get(DynamoType(key[table.hash_key_attr]))
        range_key = DynamoType(key[table.range_key_attr])
        if rows and range_key in rows:
            rows[range_key] = copy.deepcopy(rows[range_key])
    return taken
