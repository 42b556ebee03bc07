"""Kills in the middle of imports, runs and plans: workers, system, engine, or all at once.

After each kill every acknowledged response must still be true. After a kill of the engine itself, its last moments may
be lost. At the end every invariant of `invariants` holds for the tables.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil

from local.engine.dynamodb import answers, url_of
from tests.faults.invariants import at_the_end
from tests.faults.quick_clock import Durations, quick_template
from tests.faults.reader import Reader

ROOT = Path(__file__).resolve().parents[2]
LAST_MOMENTS_S = 0.1
"""The engine answers before its file has committed; 3 ms were seen."""

ON_ITS_WAY_S = 1.0
"""An answer of a killed engine arrives at most so much later. Its successor starts slower."""

PATIENCE_S = 300.0
FACT_PATIENCE_S = 60.0
MIN_ANSWERS = 2
"""Answers between two kills."""

KILLS_A_ROUND = 25
"""Kills of one data folder.

Each kill checks all answers so far: the cost of a round grows with the square of its kills.
"""

CARDS_A_PART, PARTS, TASKS = 15, 4, 4
ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")

type Json = dict[str, Any]


class Target(StrEnum):
    """Targets of a kill."""

    WORKER = "a worker"
    FUNCTIONS = "all functions"
    FORK_SERVER = "the fork server of the functions"
    SYSTEM = "the local system"
    ENGINE = "the engine"
    ALL = "all at once"


class KilledSystem:
    """`python -m local` on a data folder, started again whenever it has been killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = quick_template(folder, Durations())
        self.url = ""
        self.start()

    def start(self) -> None:
        ours = ("AWS_ENDPOINT", "GROUNDWORK")
        shell = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        mock = {"GROUNDWORK_AI": "mock", "GROUNDWORK_MOCK_LATENCY_MS": "120"}
        with (self._folder / "system.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local", "--template", str(self._template), "--port", "0"],
                cwd=ROOT,
                env={**shell, **mock, "DATA": str(self._folder / "data")},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        self.url = next((line.split()[3] for line in self._process.stdout if "listens on" in line), "")
        assert self.url, (self._folder / "system.log").read_text()[-2000:]

    def kill(self, target: Target, chance: random.Random) -> bool:
        """End processes with SIGKILL; False where there were none."""
        own = psutil.Process(self._process.pid)
        fork_server = [one for one in own.children() if _runs(one, "bootstrap.py")]
        functions = [one for server in fork_server for one in server.children()]
        engine = [one for one in own.children(recursive=True) if _runs(one, "DynamoDBLocal.jar")]
        busy = [one for one in functions if _is_in(one, "process_next")] or functions
        victims = {
            Target.WORKER: [chance.choice(busy)] if busy else [],
            Target.FUNCTIONS: functions,
            Target.FORK_SERVER: fork_server,
            Target.SYSTEM: [own],
            Target.ENGINE: engine,
            Target.ALL: [*engine, *fork_server, *functions, own],
        }[target]
        for one in victims:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        return bool(victims)

    def restart(self, target: Target) -> bool:
        """Start again if the system was killed; return False if it ended by itself."""
        if was_killed := target in (Target.SYSTEM, Target.ALL):
            self._process.wait(60)
        if self._process.poll() is None:
            return True
        self._close_pipe()
        self.start()
        return was_killed

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(120)
        self._close_pipe()

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        client = boto3.client(
            "dynamodb",
            endpoint_url=self._engine_url(),
            region_name="us-east-1",
            aws_access_key_id=(self._folder / "data" / "access-key").read_text(),
            aws_secret_access_key="local",
        )
        with closing(client):
            yield Reader(client)

    def _engine_url(self) -> str:
        """Wait for the engine: the last kill may have been its own."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            for one in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if _runs(one, "DynamoDBLocal.jar") and "java" in one.name() and answers(url_of(one.cmdline())):
                        return url_of(one.cmdline())
            time.sleep(0.2)
        raise AssertionError("the engine does not come back")

    def _close_pipe(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()


def _runs(process: psutil.Process, name: str) -> bool:
    try:
        # the guard names the engine too, and must outlive it
        words = process.cmdline()
        return any(word.endswith(name) for word in words) and not any(word.endswith("guard.py") for word in words)
    except psutil.Error:
        return False


def _is_in(process: psutil.Process, folder: str) -> bool:
    try:
        return process.cwd().endswith(folder)
    except psutil.Error:
        return False


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact from a response, with a check for it."""

    at: float
    holds: Callable[[httpx.Client], bool]


class Work(threading.Thread):
    """A client that imports and runs, and remembers each response; failures are not repeated."""

    def __init__(self, url: Callable[[], str]) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._facts: dict[str, Fact] = {}
        self._lost: set[str] = set()
        self.projects: list[str] = []
        self.plans: dict[str, list[str]] = {}
        self.answers = 0

    def facts(self) -> dict[str, Fact]:
        with self._lock:
            return dict(self._facts)

    def end(self) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        while not self._ended.is_set():
            with suppress(httpx.HTTPError, _Stopped):
                self._project()

    def _project(self) -> None:
        project = self._asked("POST", "/api/projects", {"name": "Killed"})["id"]
        self.projects.append(project)
        self._remember(f"project {project}", lambda http: _get(http, f"/api/projects/{project}") is not None)
        for part in range(PARTS):
            cards = [{"text": f"The export is slow, {n}", "externalId": f"{part}-{n}"} for n in range(CARDS_A_PART)]
            self._asked("POST", f"/api/projects/{project}/cards", {"cards": cards})
            self._remember(f"cards {project}", self._has_cards(project, (part + 1) * CARDS_A_PART))
        self._plan()
        for type_ in ("ANALYZE_CARDS", "GENERATE_EPICS", "GENERATE_STORIES"):
            self._carry_out(project, type_)

    def _has_cards(self, project: str, count: int) -> Callable[[httpx.Client], bool]:
        def holds(http: httpx.Client) -> bool:
            now = _get(http, f"/api/projects/{project}")
            return now is not None and now["counts"]["cards"] >= count

        return holds

    def _carry_out(self, project: str, type_: str) -> None:
        body = {"type": type_, "options": {"pacing": "fast"}}
        run = self._asked("POST", f"/api/projects/{project}/runs", body)["runId"]
        while True:
            progress = self._asked("GET", f"/api/runs/{run}/progress")
            self._remember(f"run {run}", self._has_come(run, progress))
            if progress["status"] in ENDED:
                return
            self._pause(0.1)

    def _has_come(self, run: str, told: Json) -> Callable[[httpx.Client], bool]:
        def holds(http: httpx.Client) -> bool:
            now = _get(http, f"/api/runs/{run}/progress")
            return now is not None and now["completedItems"] >= told["completedItems"] and now["seq"] >= told["seq"]

        return holds

    def _plan(self) -> None:
        repository = self._asked("POST", "/api/repositories", {"name": "R", "url": "https://example.com/r.git"})["id"]
        task = {"title": "By hand", "description": "d", "acceptanceCriteria": ["done"]}
        phase = {"title": "One", "mode": "manual", "tasks": [task] * TASKS}
        plan = self._asked("POST", "/api/plans", {"repositoryId": repository, "title": "P", "phases": [phase]})
        tasks = [one["id"] for one in plan["phases"][0]["tasks"]]
        self.plans[plan["id"]] = tasks
        self._asked("POST", f"/api/plans/{plan['id']}/execute")
        self._remember(f"plan {plan['id']}", lambda http: _status_of(http, plan["id"]) not in (None, "DRAFT"))
        for number, task_id in enumerate(tasks, 1):
            self._asked("POST", f"/api/plan-tasks/{task_id}/complete", {"note": "done"})
            self._remember(f"tasks {plan['id']}", self._has_completed(plan["id"], number))

    def _has_completed(self, plan: str, count: int) -> Callable[[httpx.Client], bool]:
        def holds(http: httpx.Client) -> bool:
            now = _get(http, f"/api/plans/{plan}/progress")
            return now is not None and now["taskCounts"].get("COMPLETED", 0) >= count

        return holds

    def _asked(self, method: str, path: str, body: Json | None = None) -> Json:
        if self._ended.is_set():
            raise _Stopped
        try:
            answer = _client(self._url()).request(method, path, json=body).raise_for_status()
        except httpx.HTTPError:
            self._pause(0.3)
            raise
        self.answers += 1
        found: Json = answer.json()
        return found

    def _remember(self, what: str, holds: Callable[[httpx.Client], bool]) -> None:
        with self._lock:
            if what not in self._lost:
                self._facts[what] = Fact(time.monotonic(), holds)

    def give_up(self, what: str) -> None:
        """Forget a fact that is no longer true, reported or lost with the engine."""
        with self._lock:
            self._lost.add(what)
            self._facts.pop(what, None)

    def _pause(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise _Stopped


class _Stopped(Exception):
    """The kills are over."""


@dataclass(slots=True)
class Killed:
    """Result of one kill."""

    kills: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    checks: int = 0
    projects: int = 0
    plans: int = 0
    lost_in_last_moments: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.kills.values())


def killed(kills: int, seed: int, ends: float = float("inf"), say: Callable[[str], None] = lambda line: None) -> Killed:
    """Kill `kills` times or until `ends`; check after each kill and at the end of each round."""
    outcome = Killed()
    while outcome.total < kills and time.monotonic() < ends:
        _kill_in_a_round(min(KILLS_A_ROUND, kills - outcome.total), random.Random(seed), ends, outcome, say)
        seed += 1
    return outcome


def _kill_in_a_round(
    kills: int, chance: random.Random, ends: float, outcome: Killed, say: Callable[[str], None]
) -> None:
    targets, last = _shuffled(chance), outcome.total + kills
    with tempfile.TemporaryDirectory() as folder:
        system = KilledSystem(Path(folder))
        work = Work(lambda: system.url)
        work.start()
        while outcome.total < last and time.monotonic() < ends:
            _wait_for_answers(work)
            time.sleep(chance.uniform(0.0, 3.0))
            target = next(targets)
            if system.kill(target, chance):
                check_facts(system, work, target, outcome)
                say(f"kill {outcome.total} ({target}): {outcome.checks} checks, {outcome.violations or 'all held'}")
        work.end()
        _judge(system, work, outcome)
        system.stop()
        for client in _clients.values():
            client.close()
        _clients.clear()
        outcome.answers += work.answers
        outcome.projects += len(work.projects)
        outcome.plans += len(work.plans)


def _shuffled(chance: random.Random) -> Iterator[Target]:
    """Each of them once before any comes again."""
    while True:
        yield from chance.sample(list(Target), len(Target))


def _wait_for_answers(work: Work) -> None:
    """Wait for some answers; a kill without a new one would test little."""
    seen = work.answers
    _until(lambda: work.answers >= seen + MIN_ANSWERS, 60)


def check_facts(system: KilledSystem, work: Work, target: Target, outcome: Killed) -> None:
    """Judge each fact after a kill, and forget those lost with the engine's last moments."""
    at = time.monotonic()
    outcome.kills[target] += 1
    if not system.restart(target):
        outcome.violations.append(f"after {target} was killed: the local system has ended too")
    if target in (Target.ENGINE, Target.ALL):
        # the last answer may still be on its way to the client that records it
        time.sleep(ON_ITS_WAY_S)
    for what, fact in work.facts().items():
        outcome.checks += 1
        if _until(partial(fact.holds, _client(system.url)), FACT_PATIENCE_S):
            continue
        if target in (Target.ENGINE, Target.ALL) and -ON_ITS_WAY_S < at - fact.at < LAST_MOMENTS_S:
            outcome.lost_in_last_moments += 1
        else:
            outcome.violations.append(f"after {target} was killed: {what}, told {at - fact.at:.3f} s before, is not so")
        work.give_up(what)


def _judge(system: KilledSystem, work: Work, outcome: Killed) -> None:
    http = _client(system.url)
    with system.reader() as reader:
        for project in work.projects:
            if _until(partial(_has_come_to_rest, http, project)):
                outcome.violations += [f"{project}: {found}" for found in at_the_end(reader.state(project))]
            else:
                outcome.violations.append(f"{project}: its runs do not end")
    for plan, tasks in work.plans.items():
        _complete(http, plan, tasks)
        if not _until(partial(_has_ended, http, plan)):
            outcome.violations.append(f"{plan} does not end: {_status_of(http, plan)}")


def _has_come_to_rest(http: httpx.Client, project: str) -> bool:
    active = _get(http, f"/api/projects/{project}/runs?active=true")
    return active is None or not active["items"]


def _has_ended(http: httpx.Client, plan: str) -> bool:
    return _status_of(http, plan) in ("COMPLETED", "DRAFT")


def _complete(http: httpx.Client, plan: str, tasks: list[str]) -> None:
    if _status_of(http, plan) == "RUNNING":
        for task in tasks:
            with suppress(httpx.HTTPError):
                http.post(f"/api/plan-tasks/{task}/complete", json={"note": "done"})


def _until(look: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        with suppress(httpx.HTTPError):
            if look():
                return True
        time.sleep(0.3)
    return False


def _status_of(http: httpx.Client, plan: str) -> str | None:
    found = _get(http, f"/api/plans/{plan}/progress")
    return str(found["status"]) if found else None


def _get(http: httpx.Client, path: str) -> Json | None:
    """Return the response, or None for 404. Raises HTTPError for errors that may pass."""
    answer = http.get(path)
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    found: Json = answer.json()
    return found


_clients: dict[str, httpx.Client] = {}
_clients_lock = threading.Lock()


def _client(url: str) -> httpx.Client:
    # two threads ask for it: a second client of a URL would never be closed
    with _clients_lock:
        if url not in _clients:
            headers = {"Authorization": "Bearer local-admin-token"}
            _clients[url] = httpx.Client(base_url=url, headers=headers, timeout=40)
        return _clients[url]
