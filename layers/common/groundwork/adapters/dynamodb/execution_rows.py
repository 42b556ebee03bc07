"""Rows of plan executions: task states, events, sessions and logs.

Keys are listed in `plan_rows`.
"""

import re

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.models import Model

from groundwork.adapters.dynamodb.plan_rows import suffix
from groundwork.adapters.dynamodb.run_rows import CompactJson
from groundwork.plans.model import TaskState, TaskStatus


class StateRow(Model):
    """State of a task.

    Only the execution writes `body`, with the plan's seq. Other writers update lease, pending token and usage at any
    time, so a row may exist before its task has a status.
    """

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    status = UnicodeAttribute(attr_name="status", null=True)
    attempts = NumberAttribute(attr_name="attempts", default=0)
    commit_sha = UnicodeAttribute(attr_name="commitSha", null=True)
    error_msg = UnicodeAttribute(attr_name="errorMsg", null=True)
    round = NumberAttribute(attr_name="round", null=True)
    epoch = NumberAttribute(attr_name="epoch", null=True)
    body = CompactJson(attr_name="body", null=True)
    lease_until = NumberAttribute(attr_name="lease", null=True)
    # stored names cannot change: rows of earlier releases have them
    pending_token = UnicodeAttribute(attr_name="knock", null=True)
    pending_execution = NumberAttribute(attr_name="knocked", null=True)
    pending_order = UnicodeAttribute(attr_name="knockOrder", null=True)
    turns = NumberAttribute(attr_name="turns", null=True)
    input = NumberAttribute(attr_name="input", null=True)
    output = NumberAttribute(attr_name="output", null=True)
    cache_read = NumberAttribute(attr_name="cacheRead", null=True)
    cache_write = NumberAttribute(attr_name="cacheWrite", null=True)
    calls = NumberAttribute(attr_name="calls", null=True)
    cost = NumberAttribute(attr_name="cost", null=True)


class EventRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    at = NumberAttribute(attr_name="at")
    mark = UnicodeAttribute(attr_name="mark")
    events = CompactJson(attr_name="events")


class TaskLogRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    at = NumberAttribute(attr_name="at")
    body = CompactJson(attr_name="body")


class BlobRow(Model):
    """Head of a stored session or patch: names its parts. `turns` is the session's length."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    attempt = NumberAttribute(attr_name="attempt")
    revision = UnicodeAttribute(attr_name="revision")
    parts = NumberAttribute(attr_name="parts")
    turns = NumberAttribute(attr_name="turns", null=True)


class BlobPartRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    # the legacy encoding stores base64, a third larger
    content = BinaryAttribute(attr_name="content", legacy_encoding=False)


class SlotsRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    used = NumberAttribute(attr_name="used", default=0)
    waiting = UnicodeSetAttribute(attr_name="waiting", null=True)


def state_key(task_id: str) -> str:
    return f"X#{task_id.rpartition('-')[2]}"


def event_key(seq: int) -> str:
    return f"Y#{seq:08d}"


def log_prefix(task_id: str) -> str:
    return f"G#{suffix(task_id)}#"


def log_key(task_id: str, at_ms: int, number: int) -> str:
    return f"{log_prefix(task_id)}{at_ms:015d}#{number:05d}"


def is_log_position(text: str) -> bool:
    return re.fullmatch("[0-9]{15}#[0-9]{5}", text) is not None


def read_task_state(row: StateRow) -> TaskState:
    return TaskState(
        status=TaskStatus(row.status or TaskStatus.PENDING),
        attempts=int(row.attempts or 0),
        commit_sha=row.commit_sha,
        error_msg=row.error_msg,
    )
