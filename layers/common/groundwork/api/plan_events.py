"""Events of plan executions: state machine, scheduler, rollback and sweep.

The field `do` names the operation.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.checks.keeper import SandboxKeeper
from groundwork.errors import NotFound, Refusal, Transient
from groundwork.execution.baseline_worker import BaselineWorker
from groundwork.execution.checks_at_start import ChecksAtStart
from groundwork.execution.commands import Actor
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.rollback_checker import RollbackChecker
from groundwork.execution.rollback_runner import RollbackRunner
from groundwork.execution.schedule import Timer, fire
from groundwork.execution.step_handler import StepHandler
from groundwork.execution.worker import Reverter
from groundwork.ids import PLAN_ID
from groundwork.sandbox.errors import SandboxError

QUIET_MS = 60_000
"""The sweep skips plans with a more recent write: their writer is still at work."""

SWEEP_RESERVE_MS = 10_000
"""Time kept free at the end of the invocation."""

MAX_REASON = 1_000
"""Characters of a failure's reason."""

logger = Logger(service="plan_executor")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlanEvents:
    """Handles the events of one invocation. `coordinator` takes the actor, None for the system."""

    tables: Tables
    coordinator: Callable[[str | None], ExecutionCoordinator]
    steps: StepHandler
    reverter: Reverter
    timer: Timer
    baselines: BaselineWorker
    keeper: Callable[[], SandboxKeeper]
    checks_at_start: ChecksAtStart
    rollback_checker: RollbackChecker
    now_ms: Callable[[], int]
    left_ms: Callable[[], int]

    def handle(self, event: Json) -> Json:
        """Raises Transient and PlanNotEnded, for the state machine to retry."""
        if event.get("source") == "aws.states":
            return self.execution_ended(event["detail"])
        match event["do"]:
            case "SWEEP":
                return self.sweep()
            case "UNDO":
                return self.roll_back(event["planId"])
            case "BASELINE":
                return self.baseline(event["repositoryId"])
            case "SCHEDULED":
                return self.scheduled(event)
        return self._logged_step(event)

    def _logged_step(self, event: Json) -> Json:
        names = ("planId", "number", "taskId", "phaseId")
        logger.append_keys(do=event["do"], **{name: event[name] for name in names if name in event})
        try:
            answer = self.step(event)
        except NotFound:
            logger.warning("Plan not found")
            raise
        logger.info("Done", answer=answer)
        return answer

    def step(self, event: Json) -> Json:
        """Run one state of the state machine. Raises ValueError for an unknown operation."""
        plan_id, number = event["planId"], event["number"]
        match event["do"]:
            case "BEGIN":
                return self.steps.list_phases(plan_id, number)
            case "PHASE":
                return self.steps.list_tasks(plan_id, number, event["phaseId"])
            case "GATE":
                return self.steps.wait_at_gate(plan_id, number, event["taskId"], event["token"], attempt_key(event))
            case "WORK":
                return asyncio.run(self.steps.run_task(plan_id, number, event["taskId"], attempt_key(event)))
            case "END":
                return self.steps.end(plan_id, number)
            case "FAILED":
                return self.steps.fail(plan_id, number, _reason(event.get("error") or {}))
        raise ValueError(f"unknown operation {event['do']!r}")

    def sweep(self) -> Json:
        """Finish interrupted changes, and resend lost notifications."""
        checked = self.coordinator(None).sweep(self.now_ms() - QUIET_MS, self._stop)
        # each sweep alone: a fault of one must not keep the others from their work
        closed = self._tried("sandboxes", lambda: self.keeper().sweep(self._stop, self._report))
        baselines = self._tried("baselines", lambda: self.baselines.sweep(self._stop))
        logger.info("Swept", looked=checked, sandboxes=closed, baselines=baselines)
        return {"looked": checked, "sandboxes": closed, "baselines": baselines}

    def _stop(self) -> bool:
        return self.left_ms() < SWEEP_RESERVE_MS

    def _tried(self, what: str, sweep: Callable[[], list[str]]) -> list[str]:
        try:
            return sweep()
        except (Transient, SandboxError) as fault:
            self._report(f"Could not sweep {what}: {fault}")
            return []

    def _report(self, problem: str) -> None:
        logger.warning("Sweep incomplete", problem=problem)

    def baseline(self, repository_id: str) -> Json:
        """Advance a baseline. Raises Transient."""
        status = self.baselines.run(repository_id)
        logger.info("Baseline", repository_id=repository_id, status=status)
        return {"status": status}

    def scheduled(self, event: Json) -> Json:
        """Start a plan at a time of its schedule.

        A plan that cannot start, such as a running one, skips the time.
        """
        plan_id, actor = event["planId"], Actor("schedule", self.now_ms())
        try:
            state = self.coordinator("schedule").change(
                plan_id,
                lambda state: fire(
                    state,
                    event["expression"],
                    event["time"],
                    actor,
                    lambda: self.checks_at_start.settings_of(state.plan),
                ),
            )
        except NotFound:
            # the plan is deleted, but its timer would go on
            self.timer.clear(plan_id)
            return {"status": "gone"}
        except Refusal as refusal:
            # not raised: a repeated event would be refused again
            logger.warning("Scheduled plan not started", plan_id=plan_id, reason=str(refusal))
            return {"status": "refused"}
        skipped = state.execution.passed_over
        if skipped is not None and skipped.time == event["time"]:
            logger.warning("Scheduled time skipped", plan_id=plan_id, reason=skipped.reason)
            return {"status": "passed over"}
        return {"status": state.status.value}

    def roll_back(self, plan_id: str) -> Json:
        """Revert commits, then check the new head. Raises Transient.

        The rollback has ended before the check begins. Lambda retries an asynchronous event twice, then the sweep takes
        over.
        """
        executions, repository = self.tables.executions, self.tables.repositories.get
        runner = RollbackRunner(executions, self.coordinator(None), self.reverter, repository, self.now_ms)
        try:
            self.rollback_checker.end_earlier(plan_id)
            status = runner.run(plan_id)
            check = self.rollback_checker.run(plan_id)
        except NotFound:
            status = check = "gone"
        logger.info("Rollback", plan_id=plan_id, status=status, check=check)
        return {"status": status}

    def execution_ended(self, detail: Json) -> Json:
        """Handle the end of a state machine execution. Its plan fails unless it has ended too."""
        plan_id, _, number = detail["name"].rpartition("-")
        if not (PLAN_ID.fullmatch(plan_id) and number.isdecimal()):
            return {"status": "another"}  # an execution started by hand
        reason = f"Its execution has ended: {detail['status']}. {detail.get('cause') or ''}".strip()
        try:
            state = self.coordinator(None).execution_over(plan_id, int(number), reason[:MAX_REASON])
        except NotFound:
            return {"status": "gone"}
        return {"status": state.status.value}


def attempt_key(event: Json) -> str:
    """Return the sort key of an attempt.

    Executions begun by an earlier release send neither field.
    """
    return f"{event.get('entered', '')} {event.get('retry', 0):03d}"


def _reason(error: Json) -> str:
    return f"{error.get('Error', 'The execution failed')}: {error.get('Cause', '')}"[:MAX_REASON].strip(": ")
