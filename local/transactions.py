"""A faster version of moto's DynamoDB transactions.

moto copies every table of a transaction in full for the rollback: with some thousand rows a commit takes a second. Only
the rows named by the transaction can change, so only those are copied. The rest is shared.
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

_keys: ContextVar[Keys | None] = ContextVar("_named", default=None)
_original_transact = DynamoDBBackend.transact_write_items


def install() -> None:
    """Patch moto, once in a process. Tables without a range key are still copied in full."""
    DynamoDBBackend.transact_write_items = _transact
    Table.__deepcopy__ = _snapshot
    BaseModel.__new__ = _new_untracked


def _new_untracked(cls: type, *_: Any, **__: Any) -> Any:
    """Create an object without moto's tracking.

    moto lists every object ever created, so memory would grow forever.
    """
    return object.__new__(cls)


def _transact(self: Any, transact_items: list[dict[str, Any]]) -> None:
    keys: Keys = defaultdict(list)
    for item in transact_items:
        operation = next(iter(item.values()))
        keys[operation["TableName"]].append(operation.get("Key") or operation["Item"])
    with _with_keys(keys):
        _original_transact(self, transact_items)


@contextmanager
def _with_keys(keys: Keys) -> Iterator[None]:
    token = _keys.set(keys)
    try:
        yield
    finally:
        _keys.reset(token)


def _snapshot(table: Any, memo: dict[int, Any]) -> Any:
    """Return a copy of the table; only the rows about to change are copied."""
    keys = _keys.get()
    copied = object.__new__(table.__class__)
    # Before the copy: a row may lead back to its table.
    memo[id(table)] = copied
    if keys is None or not table.has_range_key:
        copied.__dict__.update(copy.deepcopy(table.__dict__, memo))
        return copied
    copied.__dict__.update(table.__dict__)
    copied.items = defaultdict(dict, {hash_key: dict(rows) for hash_key, rows in table.items.items()})
    for key in keys.get(table.name, ()):
        rows = copied.items.get(DynamoType(key[table.hash_key_attr]))
        range_key = DynamoType(key[table.range_key_attr])
        if rows and range_key in rows:
            rows[range_key] = copy.deepcopy(rows[range_key])
    return copied
