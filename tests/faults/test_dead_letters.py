"""A run with a permanently failing worker, from the failed invocations to the end."""

from dataclasses import replace
from typing import Any

import pytest

from groundwork.runs.model import ITEM_ATTEMPTS, MAX_STALLED_HOPS, ErrorCode, Run, RunStatus
from tests.anthropic_server.faults import Call, Fault, hanging, never
from tests.faults.alarms import metrics_of
from tests.faults.invariants import Bill, at_the_end, of_the_bill
from tests.faults.plan import Aws
from tests.faults.quick_clock import Durations
from tests.faults.world import World, until, without_faults, world

PATIENCE_S = 200
NO_SCHEDULE_S = 100_000.0
POISON = "Pzzn-7"


def _project(here: World, cards: list[str]) -> str:
    project: str = here.http.post("/api/projects", json={"name": "Dead letters"}).json()["id"]
    answer = here.http.post(f"/api/projects/{project}/cards", json={"cards": [{"text": text} for text in cards]})
    assert answer.json()["created"] == len(cards)
    return project


def _started(here: World, project: str, **options: Any) -> str:
    body = {"type": "ANALYZE_CARDS", "options": {"pacing": "fast"} | options}
    answer = here.http.post(f"/api/projects/{project}/runs", json=body)
    assert answer.status_code == 202, answer.text
    run: str = answer.json()["runId"]
    return run


def _run(here: World, run_id: str) -> Run:
    return here.reader.moment(run_id.rpartition("-R")[0]).runs[run_id]


def _ended(here: World, run_id: str) -> Run:
    def look() -> Run | None:
        run = _run(here, run_id)
        return None if run.status.active else run

    return until(look, PATIENCE_S, f"the end of {run_id}")


def _gave_up(here: World) -> bool:
    # The schedule's events meet the same breakdown and are discarded too.
    words = "discarded after 3 attempts (RetriesExhausted)"
    return any(function == "ProcessNextFunction" and words in line for function, line in list(here.evidence.lines))


def _letters(here: World, run_id: str) -> list[dict[str, Any]]:
    """Return the log lines of retry_runs about the messages of the queue."""
    return [record for record in here.evidence.records("Dead letter") if record["run_id"] == run_id]


class Breakdown:
    """DynamoDB fails from the first trigger of a worker until Lambda has given the event up.

    Afterwards it is well; or, with `cards_stay_unreadable`, all but reading the backlog is, and no hop gets anywhere.
    """

    def __init__(self, *, cards_stay_unreadable: bool = False) -> None:
        self.here: World | None = None
        self._stays = cards_stay_unreadable
        self._began = False

    def __call__(self, service: str, operation: str, body: bytes) -> tuple[Aws | None, float]:
        if self.here is None:
            return None, 0.0
        if service == "lambda":
            # start_run asks nothing of DynamoDB after this
            self._began = True
            return None, 0.0
        reads_cards = operation == "Query" and b"BacklogTable" in body and b"IndexName" not in body
        fails = self._began and (not _gave_up(self.here) or (self._stays and reads_cards))
        return (Aws.FAILED_BEFORE, 0.0) if fails else (None, 0.0)


@pytest.mark.slow(reason="three attempts fail one after another, then the queue is polled")
def test_a_hop_failed_three_times_returns_through_the_dead_letter_queue() -> None:
    """No schedule runs here: only the message in the queue can have revived the run."""
    quick, breakdown = Durations(trigger_ms=200), Breakdown()
    with world(breakdown, never, durations=quick, minute=NO_SCHEDULE_S, retry_delays=(0.4, 0.4)) as here:
        project = _project(here, [f"The search is slow ({n})" for n in range(12)])
        breakdown.here = here
        run = _ended(here, _started(here, project))
        assert (run.status, run.completed, run.hops) == (RunStatus.SUCCEEDED, 12, 1)
        assert _gave_up(here)
        assert [letter["revived"] for letter in _letters(here, run.id)] == [True]
        assert metrics_of(here.evidence.lines)["RunsGivenUp"] == 0
        assert at_the_end(here.reader.state(project)) == []


@pytest.mark.slow(reason="five hops fail, each after three attempts")
def test_a_run_whose_every_hop_fails_ends_failed_with_the_reason() -> None:
    quick = Durations(lease_ms=1_500, renew_ms=400, trigger_ms=200, retry_ms=10**9)
    breakdown = Breakdown(cards_stay_unreadable=True)
    with world(breakdown, never, durations=quick) as here:
        project = _project(here, [f"The search is slow ({n})" for n in range(12)])
        breakdown.here = here
        run = _ended(here, _started(here, project))
        assert until(lambda: _letters(here, run.id), PATIENCE_S, "the dead letter")
        assert run.status is RunStatus.FAILED
        assert run.error == f"The run was given up: {MAX_STALLED_HOPS} hops in a row ended no item."
        given_up = until(lambda: here.evidence.records("Run given up"), PATIENCE_S, "the line about the end")
        assert [(record["run_id"], record["code"]) for record in given_up] == [(run.id, ErrorCode.NO_PROGRESS.value)]
        metrics = metrics_of(here.evidence.lines)
        assert metrics["RunsGivenUp"] == 1
        assert metrics["StaleRuns"] >= 1
        shown = here.http.get(f"/api/runs/{run.id}/progress").json()
        assert (shown["status"], shown["errorMessage"]) == ("FAILED", run.error)
        assert here.provider.calls == 0
        state = here.reader.state(project)
        # The due retry is the schedule's only remaining row.
        assert {sk.partition("#")[0] for sk in state.attention} == {"RETRY"}
        assert at_the_end(replace(state, attention=frozenset())) == []


@pytest.mark.slow(reason="a worker is killed and its lease expires at each attempt")
def test_a_poison_item_fails_after_its_attempts_and_the_others_complete() -> None:
    killed: list[World] = []

    def deadly(call: Call) -> Fault | None:
        if POISON not in call.text or not killed:
            return None
        killed[0].system.kill_sandboxes("ProcessNextFunction")
        return hanging(0.1)

    quick = Durations(lease_ms=6_000, renew_ms=1_000, trigger_ms=3_000, retry_ms=10**9)
    with world(without_faults, deadly, durations=quick) as here:
        killed.append(here)
        cards = [f"The search is slow ({n})" for n in range(13)] + [f"It eats its worker ({POISON})"]
        project = _project(here, cards)
        run = _ended(here, _started(here, project))
        assert (run.status, run.completed, run.failed) == (RunStatus.PARTIAL, len(cards) - 1, 1)
        items = here.http.get(f"/api/runs/{run.id}/items", params={"limit": 200, "status": "FAILED"}).json()["items"]
        (item,) = items
        assert POISON in item["title"]
        assert (item["errorCode"], item["attempts"]) == (ErrorCode.WORKER_LOST.value, ITEM_ATTEMPTS)
        assert item["errorMsg"]
        deaths = [heard for heard in here.provider.heard if POISON in heard.text]
        assert len(deaths) <= ITEM_ATTEMPTS
        state = here.reader.state(project)
        assert at_the_end(replace(state, attention=frozenset())) == []
        assert of_the_bill(state.records, Bill(here.provider.billed, here.provider.cost, certain=False)) == []
