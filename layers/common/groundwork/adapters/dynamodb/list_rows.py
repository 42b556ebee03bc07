"""Rows of repositories, templates and measurements, and the entries of lists.

`plan_rows` documents the keys of all rows of the table.
"""

import re

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from groundwork.adapters.dynamodb.plan_rows import HEAD
from groundwork.adapters.dynamodb.run_rows import CompactJson


class RepositoryRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True, default=HEAD)
    name = UnicodeAttribute(attr_name="name")
    url = UnicodeAttribute(attr_name="url")
    default_branch = UnicodeAttribute(attr_name="defaultBranch")
    credentials_secret = UnicodeAttribute(attr_name="credentialsSecret", null=True)
    # absent without checks
    checks = CompactJson(attr_name="checks", null=True)
    plans = NumberAttribute(attr_name="plans", default=0)
    created_at = NumberAttribute(attr_name="createdAt")


class TemplateRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True, default=HEAD)
    head = CompactJson(attr_name="head")
    pieces = NumberAttribute(attr_name="pieces", default=0)


class PieceRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    text = UnicodeAttribute(attr_name="text")


class ListRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)


class MeasureRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    tasks = NumberAttribute(attr_name="tasks", default=0)
    ms = NumberAttribute(attr_name="ms", default=0)
    input = NumberAttribute(attr_name="input", default=0)
    output = NumberAttribute(attr_name="output", default=0)
    cache_read = NumberAttribute(attr_name="cacheRead", default=0)
    cache_write = NumberAttribute(attr_name="cacheWrite", default=0)
    calls = NumberAttribute(attr_name="calls", default=0)


def measure_key(effort: str) -> str:
    return f"MEASURED#{effort}"


def list_key(created_at: int, id_: str) -> str:
    # of fixed width: the order of texts is the order of times
    return f"{created_at:015d}#{id_}"


def is_list_position(text: str, ids: re.Pattern[str]) -> bool:
    """True for a position in a list of items with such ids."""
    created_at, _, id_ = text.partition("#")
    return re.fullmatch("[0-9]{15}", created_at) is not None and ids.fullmatch(id_) is not None
