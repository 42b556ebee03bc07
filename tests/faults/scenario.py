"""A fault run: all four types of run, some concurrent, one cancelled, failures retried.

In each phase the faults stop after a while; then the schedules alone must bring every run to its end.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from botocore.exceptions import ClientError

from groundwork.runs.model import RunType
from tests.faults.invariants import Bill, Moment, Violation, at_a_moment, at_the_end, between, of_the_bill
from tests.faults.plan import LONGEST_FREEZE_S, Plan
from tests.faults.world import Blows, World, world

PATIENCE_S = 180
"""Seconds for a project to come to rest after the last fault; far above the usual time."""

GRACE_S = 5.0
"""Seconds: a call begun before a cancel's response may reach the provider so late."""

CANCELLED = "run: cancelled in the middle"


@dataclass(slots=True)
class Outcome:
    """Result of one seed."""

    seed: int
    violations: list[Violation] = field(default_factory=list)
    injected: dict[str, int] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    moments: int = 0
    seconds: float = 0.0
    certain: bool = False
    engine: str = "moto"


class Watch(threading.Thread):
    """Checks snapshots of the rows continuously: each by itself and against the one before."""

    def __init__(self, here: World, project_id: str) -> None:
        super().__init__(daemon=True)
        self._here, self._project_id = here, project_id
        self._ended = threading.Event()
        self.found: list[Violation] = []
        self.moments = 0

    def run(self) -> None:
        before = Moment({}, {})
        while not self._ended.wait(0.15):
            try:
                now = self._here.reader.moment(self._project_id)
            except ClientError:
                # DynamoDB Local cancels a reading transaction on a conflict with a write.
                continue
            self.found += [*at_a_moment(now), *between(before, now)]
            before = now
            self.moments += 1

    def end(self) -> None:
        self._ended.set()
        self.join()


class FaultRun:
    """One seed, one system, one project."""

    def __init__(self, here: World, plan: Plan, faults_s: float) -> None:
        self.here, self.plan, self.faults_s = here, plan, faults_s
        self.violations: list[Violation] = []
        self._phase = 0
        self.project = self._post("/api/projects", {"name": f"Seed {plan.seed}"})["id"]

    def carry_out(self) -> None:
        self._add_cards(24)
        self._phased(lambda: self._start(RunType.ANALYZE_CARDS))
        self._phased(self._epics_beside_more_cards)
        self._phased(lambda: self._start(RunType.GENERATE_STORIES))
        self._phased(self._subtasks_cancelled_in_the_middle if self.plan.cancels else self._subtasks)
        self._phased(self._everything_that_failed_again)
        self._phased(lambda: self._start(RunType.GENERATE_STORIES, existingBehavior="replace"))

    # the phases

    def _phased(self, act: Callable[[], object]) -> None:
        """Faults begin, something is asked for, faults stop, and all comes to rest by itself."""
        self._phase += 1
        blows = Blows(self.here.system, self.plan, list(self.plan.blows(self._phase, self.faults_s)))
        ends = time.monotonic() + self.faults_s
        self.plan.on.set()
        blows.start()
        try:
            act()
            while time.monotonic() < ends and self._busy():
                time.sleep(0.2)
        finally:
            blows.end()
            self.plan.on.clear()
        self._rest()

    def _epics_beside_more_cards(self) -> None:
        self._start(RunType.GENERATE_EPICS)
        self._add_cards(10)
        self._start(RunType.ANALYZE_CARDS)

    def _subtasks(self) -> None:
        self._start(RunType.GENERATE_SUBTASKS)

    def _subtasks_cancelled_in_the_middle(self) -> None:
        run = self._start(RunType.GENERATE_SUBTASKS)
        if run is None:
            return
        ends = time.monotonic() + self.faults_s
        while time.monotonic() < ends and not self.here.reader.moment(self.project).runs[run].completed:
            time.sleep(0.05)
        if self._ask("POST", f"/api/runs/{run}/cancel", {}).status_code == 200:
            self._hold_to_the_cancel(run)
        self._start(RunType.GENERATE_SUBTASKS)

    def _hold_to_the_cancel(self, run: str) -> None:
        """Check that a cancelled run saves nothing more and makes no more calls of its type."""
        acknowledged, saved = time.time(), self.here.reader.saved(run)
        grace = GRACE_S + (LONGEST_FREEZE_S if self.plan.freezes else 0.0)
        self.plan.note(CANCELLED)
        time.sleep(grace + 2)
        runs = self.here.reader.moment(self.project).runs
        type_ = runs[run].type
        heard = [one for one in self.here.provider.heard if one.type is type_ and one.at > acknowledged + grace]
        # an automatic retry of an earlier run may have come in between; then calls say nothing
        if heard and max(id_ for id_, one in runs.items() if one.type is type_) == run:
            self._violated("a_cancel_is_the_end", f"{run}: {len(heard)} calls after it")
        if self.here.reader.saved(run) != saved:
            self._violated("a_cancel_is_the_end", f"{run}: something was saved after it")

    def _everything_that_failed_again(self) -> None:
        for run in self.here.reader.moment(self.project).runs.values():
            if run.failed:
                self._ask("POST", f"/api/runs/{run.id}/retry", {})

    # driving

    def _busy(self) -> bool:
        return bool(self.here.reader.attention(self.project))

    def _rest(self) -> None:
        """Until nothing is active, due or to be purged."""
        ends = time.monotonic() + PATIENCE_S
        while left := self.here.reader.attention(self.project):
            if time.monotonic() > ends:
                self._violated("a_run_ends", f"after {PATIENCE_S} s without a fault there is still {sorted(left)}")
                raise Unfinished(self.violations[-1].what)
            time.sleep(0.2)

    def _start(self, type_: RunType, **options: Any) -> str | None:
        """Start a run and return its id, or None if nothing is to do or one of the type is active."""
        # Not the fastest mode: a zombie should find its run still active.
        body = {"type": type_.value, "options": {"pacing": "normal", "mode": "compact"} | options}
        answer = self._ask("POST", f"/api/projects/{self.project}/runs", body)
        if answer.status_code == 202:
            return str(answer.json()["runId"])
        code = answer.json()["error"]["code"]
        if code not in ("RUN_ALREADY_ACTIVE", "NOTHING_TO_DO"):
            raise AssertionError(f"a start was answered {answer.status_code} {answer.text}")
        return None

    def _add_cards(self, count: int) -> None:
        texts = ["The app crashes when I pay", "Please add a dark mode", "Search is slow and finds nothing"]
        body = {"cards": [{"text": f"{texts[n % 3]} ({uuid.uuid4().hex[:6]})"} for n in range(count)]}
        on = self.plan.on.is_set()
        self.plan.on.clear()
        self._post(f"/api/projects/{self.project}/cards", body)
        if on:
            self.plan.on.set()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.here.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        """Repeat a request with the same key until the response is not a 5xx, as a client does."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        ends = time.monotonic() + PATIENCE_S
        while True:
            answer = self.here.http.request(method, path, json=body, headers=key)
            if answer.status_code < 500 or time.monotonic() > ends:
                return answer
            self.plan.note("requests answered 5xx")
            time.sleep(0.3)

    def _violated(self, name: str, what: str) -> None:
        self.violations.append(Violation(name, what))


class Unfinished(Exception):
    """A run has not ended in time."""


def fault_run(seed: int, *, faults_s: float = 6.0, dynamodb: str | None = None) -> Outcome:
    """Carries one seed out and judges it. `faults_s`: how long faults last in each phase."""
    plan, began = Plan(seed), time.monotonic()
    outcome = Outcome(seed, engine="DynamoDB Local" if dynamodb else "moto")

    def decide(service: str, operation: str, body: bytes) -> Any:
        return plan.of_request(service, operation == "TransactWriteItems")

    with world(decide, plan.model, dynamodb=dynamodb) as here:
        run = FaultRun(here, plan, faults_s)
        watch = Watch(here, run.project)
        watch.start()
        try:
            run.carry_out()
        except Unfinished:
            pass
        finally:
            watch.end()
        _judge(outcome, run, watch)
    outcome.injected = dict(sorted(plan.injected.items()))
    outcome.seconds = time.monotonic() - began
    return outcome


def _judge(outcome: Outcome, run: FaultRun, watch: Watch) -> None:
    here = run.here
    state = here.reader.state(run.project)
    outcome.certain = _no_worker_was_lost(here, run.plan, [record.run.id for record in state.records])
    bill = Bill(here.provider.billed, here.provider.cost, outcome.certain)
    outcome.violations = [*run.violations, *watch.found, *at_the_end(state), *of_the_bill(state.records, bill)]
    outcome.moments = watch.moments
    outcome.runs = {record.run.id: f"{record.run.type} {record.run.status}" for record in state.records}
    for record in state.records:
        for name in ("completed", "failed", "skipped"):
            outcome.items[name] = outcome.items.get(name, 0) + getattr(record.run, name)


def _no_worker_was_lost(here: World, plan: Plan, run_ids: Sequence[str]) -> bool:
    """Return True if every response of the provider reached a worker able to save its cost.

    A hop without a regular end was lost. A hop giving up calls at its end cannot know their cost.
    """
    if plan.loses_workers or CANCELLED in plan.injected:
        return False
    log = [line for run_id in run_ids for line in here.reader.log(run_id)]
    began = sum(line.startswith("Hop ") and line.endswith(" started.") for line in log)
    regular = ("continued", "not_continued", "ended")
    ended = sum(record["end"] in regular for record in here.evidence.records("Hop ended"))
    return began <= ended and not any("still in flight" in line for line in log)
