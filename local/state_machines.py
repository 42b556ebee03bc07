"""The template's state machines in moto's interpreter, and EventBridge's events of them."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.core.utils import utcnow
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.template import ACCOUNT, FUNCTION, SamTemplate

MACHINE = "AWS::Serverless::StateMachine"
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
_STATUS_CHANGE = "Step Functions Execution Status Change"


def create_machines(template: SamTemplate, client: Callable[[str], Any]) -> list[str]:
    """Create the state machines from the deployed files and return their ARNs."""
    machines = []
    for resource in template.of_type(MACHINE):
        properties = resource.properties
        definition = (template.root / properties["DefinitionUri"]).read_text()
        for key, value in properties.get("DefinitionSubstitutions", {}).items():
            definition = definition.replace(f"${{{key}}}", str(value))
        name = properties.get("Name", resource.logical_id)
        role = f"arn:aws:iam::{ACCOUNT}:role/{resource.logical_id}"
        answer = client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
        machines.append(answer["stateMachineArn"])
    return machines


def stop_executions() -> None:
    """Stop all executions in moto's interpreter.

    Otherwise their threads call the functions of the next system in this process.
    """
    for regions in stepfunctions_parser_backends.values():
        for backend in regions.values():
            for machine in backend.state_machines:
                for execution in machine.executions:
                    execution.stop(stop_date=utcnow(), error=None, cause=None)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule on the status of executions: the function to invoke, and the statuses."""

    function: str
    statuses: tuple[str, ...]


def status_rules(template: SamTemplate) -> Iterator[Rule]:
    """Return the functions' rules on executions; other event patterns are ignored."""
    for function in template.of_type(FUNCTION):
        for event in function.properties.get("Events", {}).values():
            pattern = event["Properties"].get("Pattern", {}) if event["Type"] == "EventBridgeRule" else {}
            if _STATUS_CHANGE in pattern.get("detail-type", ()):
                yield Rule(function.logical_id, tuple(pattern.get("detail", {}).get("status", ENDED)))


class ExecutionWatch:
    """Sends one event for each ended execution until closed; moto sends none."""

    def __init__(
        self,
        machines: list[str],
        client: Callable[[str], Any],
        notify: Callable[[str, bytes], object],
        rules: list[Rule],
        *,
        interval: float = 1.0,
    ) -> None:
        self._machines, self._client, self._notify, self._rules = machines, client, notify, rules
        self._interval = interval
        self._notified: set[str] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._machines and self._rules:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop sending events."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(self._interval):
            for machine in self._machines:
                try:
                    self._poll(machine)
                except (ClientError, BotoCoreError):
                    continue  # the next poll retries

    def _poll(self, machine: str) -> None:
        for page in self._client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine):
            for execution in page["executions"]:
                arn, status = execution["executionArn"], execution["status"]
                # moto lists ended executions for ever, but each has one event.
                if status in ENDED and arn not in self._notified:
                    self._notified.add(arn)
                    self._notify_all(machine, execution["name"], arn, status)

    def _notify_all(self, machine: str, name: str, arn: str, status: str) -> None:
        detail = {"executionArn": arn, "stateMachineArn": machine, "name": name, "status": status}
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": _STATUS_CHANGE,
            "source": "aws.states",
            "account": ACCOUNT,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": arn.split(":")[3],
            "resources": [arn],
            "detail": detail,
        }
        for rule in self._rules:
            if status in rule.statuses:
                self._notify(rule.function, json.dumps(event).encode())
