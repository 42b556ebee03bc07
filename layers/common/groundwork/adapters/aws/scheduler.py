"""EventBridge Scheduler: the port `execution.schedule.Timer`. Imports boto3 on first use."""

import json
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from groundwork.adapters.aws.confirmation import CONFIG, Confirmations
from groundwork.errors import Invalid, Transient
from groundwork.execution.state import Timing


@cache
def _client() -> Any:
    import boto3

    return boto3.client("scheduler", config=CONFIG)


SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""Replaced by EventBridge Scheduler with the scheduled time: repeated events carry the same."""


class PlanTimer:
    """Timer of plans. `function` and `role` are ARNs: the target, and the role to invoke it.

    `prefix` starts every schedule's name.
    """

    def __init__(self, prefix: str, function: str, role: str) -> None:
        self._prefix, self._function, self._role = prefix, function, role
        self._confirmations = Confirmations("EventBridge Scheduler", _client)

    def set(self, plan_id: str, timing: Timing) -> None:
        wanted = {
            "Name": self._name(plan_id),
            "ScheduleExpression": timing.expression,
            "ScheduleExpressionTimezone": timing.timezone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            # left alone, a one-time schedule stays, and counts towards the quota of the account
            "ActionAfterCompletion": "NONE" if timing.repeats else "DELETE",
            "Target": {
                "Arn": self._function,
                "RoleArn": self._role,
                "Input": json.dumps(
                    {"do": "SCHEDULED", "planId": plan_id, "expression": timing.expression, "time": SCHEDULED_TIME}
                ),
                "RetryPolicy": {"MaximumRetryAttempts": 20, "MaximumEventAgeInSeconds": 3_600},
            },
        }
        try:
            # the service has no call for both; an update replaces all fields
            self._call("create_schedule", wanted)
        except _Conflict:
            self._call("update_schedule", wanted)

    def clear(self, plan_id: str) -> None:
        # already gone: a one-time schedule deletes itself
        self._call("delete_schedule", {"Name": self._name(plan_id)}, ignored_code="ResourceNotFoundException")

    def _name(self, plan_id: str) -> str:
        return f"{self._prefix}-{plan_id}"

    def _call(self, method: str, arguments: dict[str, Any], ignored_code: str = "") -> None:
        """Raises _Conflict, Invalid, Transient."""
        try:
            self._confirmations.call(method, **arguments)
        except ClientError as exc:
            self._translate(exc, ignored_code)

    def _translate(self, exc: ClientError, ignored_code: str) -> None:
        code = exc.response["Error"]["Code"]
        if code == ignored_code:
            return
        if code == "ConflictException":
            raise _Conflict from exc
        if code == "ValidationException":
            raise Invalid.field("cron", exc.response["Error"].get("Message") or "is refused by EventBridge") from exc
        raise Transient(f"EventBridge Scheduler: {code}") from exc


class _Conflict(Exception):
    """A schedule of this name exists."""
