"""Concurrent tasks, each with its own session, on one branch."""

import asyncio
import threading
from pathlib import Path

from groundwork.adapters.git.repository import open_repository
from groundwork.agent import attempt as attempting
from groundwork.agent.attempt import CheckoutSpec
from groundwork.agent.repository import Landed, MergeConflict
from groundwork.agent.runner import run_session
from groundwork.agent.session import AttemptLimits, FailedAttempt, TaskBrief
from groundwork.llm.mock.model import MockModel
from tests.adapters.git.conftest import briefly
from tests.adapters.git.server import GitServer, secret, serving_git
from tests.agent.world import MODEL, JobContext, brief

BRANCH = "groundwork/plk3v9x2m4q8"
FILES = {"src/app.py": '"""Downloads."""\n\n\ndef run() -> int:\n    return 1\n', "README.md": "# App\n"}
TASKS = 8


def carry_out(server: GitServer, folder: Path, task: TaskBrief) -> Landed:
    """Attempts until one lands, each with a clean checkout and the previous failure's reason."""
    earlier: list[FailedAttempt] = []
    for attempt in range(1, TASKS + 2):
        place = CheckoutSpec(BRANCH, "main", folder / f"work-{task.key}-{attempt}")
        clone = folder / f"clone-{task.key}-{attempt}"
        told = task.model_copy(update={"attempt": attempt, "earlier": tuple(earlier)})
        with open_repository(server.repository, secret, clone, local=False, sleep=briefly) as upstream:
            begun = attempting.start_session(upstream, told, AttemptLimits(), place)
            if isinstance(begun, Landed):
                return begun
            desk = JobContext(MockModel(MODEL, latency_ms=0), begun.workspace)
            carried = asyncio.run(run_session(begun.session, desk.means(), desk.watch()))
            try:
                return attempting.land(upstream, carried.session, BRANCH)
            except MergeConflict as conflict:
                earlier.append(FailedAttempt(attempt=attempt, reason=str(conflict)))
    raise AssertionError(f"{task.key} never landed")


def test_sessions_on_one_file_all_land_by_trying_again_and_each_once(tmp_path: Path) -> None:
    with serving_git(tmp_path / "server", FILES) as server:
        # every other task at the end of the same function, the rest in their own files
        tasks = [
            brief(n, key=f"task-{n}", title=f"Task {n}", files=("src/app.py",) if n % 2 else (f"src/own_{n}.py",))
            for n in range(TASKS)
        ]
        landed: dict[str, Landed] = {}
        workers = [
            threading.Thread(target=lambda task=task: landed.setdefault(task.key, carry_out(server, tmp_path, task)))
            for task in tasks
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert set(landed) == {task.key for task in tasks}
        assert sorted(server.log(BRANCH)) == sorted(["first", *(f"feat: task {n}" for n in range(TASKS))])
        shared = server.show(BRANCH, "src/app.py")
        compile(shared, "app.py", "exec")
        assert {line for line in shared.splitlines() if line.startswith("def ")} == {
            "def run() -> int:",
            *(f"def task_{n}(settings: dict[str, str]) -> bool:" for n in range(1, TASKS, 2)),
        }
        assert server.paths(BRANCH) == {*FILES, *(f"src/own_{n}.py" for n in range(0, TASKS, 2))}
