"""Twenty tasks land on one branch at once: it holds exactly the landed changes."""

import threading
from collections.abc import Callable
from pathlib import Path

from groundwork.adapters.git.repository import GitUpstream
from groundwork.agent.changes import Changes
from groundwork.agent.repository import Landed, MergeConflict, RepositoryUnreachable
from tests.adapters.git.conftest import BRANCH, FILES, PLAN, Open, text_of
from tests.adapters.git.server import GitServer

TASKS = 20
SHARED = "".join(f"line {number}\n" for number in range(200))


def test_twenty_tasks_on_their_own_and_shared_files_all_land_in_one_line(server: GitServer, open_: Open) -> None:
    server.commit("main", {"shared.txt": SHARED})

    def changes(number: int) -> dict[str, bytes | None]:
        mine = SHARED.replace(f"line {number * 10}\n", f"line of task {number}\n")
        return {f"src/{number}.py": f"task {number}\n".encode(), "shared.txt": mine.encode()}

    results = _in_parallel(open_, changes)
    assert all(isinstance(result, Landed) for result in results)
    wanted = {f"feat: task {number}" for number in range(TASKS)}
    assert set(server.log(BRANCH)[:TASKS]) == wanted
    assert len(server.log(BRANCH)) == TASKS + 2
    assert server.paths(BRANCH) == {*FILES, "shared.txt", *(f"src/{number}.py" for number in range(TASKS))}
    expected = SHARED
    for number in range(TASKS):
        expected = expected.replace(f"line {number * 10}\n", f"line of task {number}\n")
    assert server.show(BRANCH, "shared.txt") == expected.strip()
    assert server.git("log", "--merges", BRANCH) == ""
    server.git("fsck", "--strict")


def test_of_tasks_that_change_the_same_line_one_lands_and_the_others_leave_nothing(
    server: GitServer, open_: Open
) -> None:
    def changes(number: int) -> dict[str, bytes | None]:
        # ten on the same line, ten on files of their own
        if number % 2:
            return {f"own/{number}.txt": b"own\n"}
        return {"README.md": f"# Task {number}\n".encode(), f"beside/{number}.txt": b"beside\n"}

    results = _in_parallel(open_, changes)
    landed = {number for number, result in enumerate(results) if isinstance(result, Landed)}
    winners = [number for number in landed if number % 2 == 0]
    assert len(winners) == 1
    assert landed == {number for number in range(TASKS) if number % 2} | set(winners)
    assert all(isinstance(result, MergeConflict) for n, result in enumerate(results) if n not in landed)
    assert sorted(server.log(BRANCH)) == sorted(["first", *(f"feat: task {number}" for number in landed)])
    own = {f"own/{number}.txt" for number in range(TASKS) if number % 2}
    assert server.paths(BRANCH) == {*FILES, *own, f"beside/{winners[0]}.txt"}
    assert server.show(BRANCH, "README.md") == f"# Task {winners[0]}"


def test_parallel_tasks_land_once_each_on_a_server_that_keeps_losing_answers(server: GitServer, open_: Open) -> None:
    server.faults["push"] = ["after", "before", "half", "cut", "status"] * 5
    results = _in_parallel(open_, lambda number: {f"{number}.txt": b"x\n"})
    assert [result for result in results if not isinstance(result, Landed)] == []
    assert sorted(server.log(BRANCH)) == sorted(["first", *(f"feat: task {number}" for number in range(TASKS))])
    found = {server.git("log", "-1", "--format=%(trailers:key=Task-Id,valueonly)", _sha(result)) for result in results}
    assert found == {f"{PLAN}-T{number}" for number in range(TASKS)}


def _sha(result: Landed | Exception) -> str:
    assert isinstance(result, Landed)
    return result.sha


def _landed(upstream: GitUpstream, base: str, changes: Changes, number: int) -> Landed:
    for _ in range(TASKS):
        try:
            return upstream.land(BRANCH, base, changes, text_of(number))
        except RepositoryUnreachable:
            # a later invocation's retry
            continue
    raise AssertionError("the server has more faults than the test gave it")


def _in_parallel(open_: Open, changes: Callable[[int], Changes]) -> list[Landed | Exception]:
    """Land all tasks from the same head at the same time; return their results."""
    results: list[Landed | Exception] = [AssertionError("not run")] * TASKS
    upstreams = [open_() for _ in range(TASKS)]
    bases = [upstream.head(BRANCH, "main") for upstream in upstreams]
    assert len(set(bases)) == 1
    together = threading.Barrier(TASKS)

    def carry_out(number: int, upstream: GitUpstream) -> None:
        together.wait()
        try:
            results[number] = _landed(upstream, bases[number], changes(number), number)
        except Exception as fault:  # noqa: BLE001  # given back to the test, which looks at its kind
            results[number] = fault

    workers = [threading.Thread(target=carry_out, args=pair) for pair in enumerate(upstreams)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


def test_a_local_repository_takes_parallel_tasks_too(server: GitServer, tmp_path: Path, open_: Open) -> None:
    server.url = str(server.folder)
    results = _in_parallel(open_, lambda number: {f"{number}.txt": b"x\n"})
    assert [result for result in results if not isinstance(result, Landed)] == []
    assert sorted(server.log(BRANCH)) == sorted(["first", *(f"feat: task {number}" for number in range(TASKS))])
    server.git("fsck", "--strict")
