"""Repositories, templates and what tasks have taken; and the lines of the lists of what there is.

The key of each is in `plan_rows`, with those of all rows of the table.
"""

import re

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from groundwork.store.plan_rows import HEAD
from groundwork.store.run_rows import CompactJson


class RepositoryRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default=HEAD)
    name = UnicodeAttribute()
    url = UnicodeAttribute()
    default_branch = UnicodeAttribute(attr_name="defaultBranch")
    credentials_secret = UnicodeAttribute(attr_name="credentialsSecret", null=True)
    plans = NumberAttribute(default=0)
    created_at = NumberAttribute(attr_name="createdAt")


class TemplateRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default=HEAD)
    head = CompactJson()
    pieces = NumberAttribute(default=0)


class PieceRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    text = UnicodeAttribute()


class ListRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


class MeasureRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    tasks = NumberAttribute(default=0)
    ms = NumberAttribute(default=0)
    input = NumberAttribute(default=0)
    output = NumberAttribute(default=0)
    cache_read = NumberAttribute(attr_name="cacheRead", default=0)
    cache_write = NumberAttribute(attr_name="cacheWrite", default=0)
    calls = NumberAttribute(default=0)


def measure_key(effort: str) -> str:
    return f"MEASURED#{effort}"


def list_key(created_at: int, id_: str) -> str:
    return f"{created_at:015d}#{id_}"


def is_list_position(text: str, ids: re.Pattern[str]) -> bool:
    """Whether this is a place in a list of things with such ids."""
    created_at, _, id_ = text.partition("#")
    return re.fullmatch("[0-9]{15}", created_at) is not None and ids.fullmatch(id_) is not None
