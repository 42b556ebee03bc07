"""Plan runs on the local system: the real state machine in moto, the real functions."""

from collections.abc import Iterator
from typing import Any

import pytest
from dulwich.refs import Ref
from dulwich.repo import Repo

from local.system import LocalSystem
from tests.plans.world import make_repository
from tests.system.client import Client, running
from tests.system.executor import Executor, phase, task

System = tuple[LocalSystem, Client]
LAST = phase("Last", task("last"), mode="manual")
"""With it a plan does not end by itself, however long a test takes to come to it."""


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running(GROUNDWORK_AI="mock", GROUNDWORK_MOCK_LATENCY_MS="300") as found:
        yield found


@pytest.fixture(scope="module")
def executor(system: System, tmp_path_factory: pytest.TempPathFactory) -> Executor:
    path = make_repository(tmp_path_factory.mktemp("repositories") / "downloads")
    return Executor(system[1], str(path))


def statuses(tasks: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {key: task["status"] for key, task in tasks.items()}


def begun(tasks: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Without pending tasks; those may reach their gates at any time."""
    return {key: status for key, status in statuses(tasks).items() if status not in ("PENDING", "WAITING")}


def test_a_plan_of_three_tasks_runs_through_its_gates(system: System, executor: Executor) -> None:
    plan = executor.plan(phase("One", task("a"), task("b", "a")), phase("Two", task("c", "b"), mode="parallel"))
    assert executor.ask(f"/api/plans/{plan['id']}/execute")["status"] == "RUNNING"
    done = executor.ended(plan["id"])
    assert done["status"] == "COMPLETED"
    assert set(statuses(executor.tasks(plan["id"])).values()) == {"COMPLETED"}
    progress = executor.progress(plan["id"])
    assert (progress["progress"], progress["taskCounts"]) == (100, {"COMPLETED": 3})
    assert progress["events"][0]["what"] == "COMPLETED"
    assert executor.events(system[0], plan["id"]) / 3 * 500 < 25_000
    log = executor.client.every(f"/api/plan-tasks/{progress['tasks'][0]['id']}/log")
    assert [line["turn"] for line in log] == list(range(1, len(log) + 1))
    assert log


def test_a_task_of_a_manual_phase_begins_once_it_is_approved(executor: Executor) -> None:
    plan = executor.plan(phase("By hand", task("a"), task("b"), mode="manual"), phase("Then", task("c", "b")))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    for key, other in (("a", "b"), ("b", "c")):
        executor.until_task(plan["id"], key, "AWAITING_APPROVAL")
        tasks = executor.tasks(plan["id"])
        assert tasks[other]["status"] == "PENDING"
        executor.ask(f"/api/plan-tasks/{tasks[key]['id']}/approve")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"


def test_a_plan_that_is_paused_begins_nothing_until_it_is_resumed(executor: Executor) -> None:
    plan = executor.plan(phase("One", task("a"), task("b")), LAST)
    executor.ask(f"/api/plans/{plan['id']}/execute")
    executor.until_task(plan["id"], "a", "RUNNING")
    executor.ask(f"/api/plans/{plan['id']}/pause", {"reason": "Lunch"})
    executor.until(plan["id"], lambda plan: plan["status"] == "PAUSED")
    before = begun(executor.tasks(plan["id"]))
    assert "RUNNING" not in before.values()
    progress = executor.progress(plan["id"])
    assert (progress["cause"], progress["reason"]) == ("person", "Lunch")
    assert executor.refused(f"/api/plans/{plan['id']}/pause") == "PLAN_STATUS"
    assert begun(executor.tasks(plan["id"])) == before
    executor.ask(f"/api/plans/{plan['id']}/resume")
    executor.approve_last(plan["id"])
    assert executor.ended(plan["id"])["status"] == "COMPLETED"


def test_a_phase_that_pauses_after_it_waits_for_a_person(executor: Executor) -> None:
    plan = executor.plan(phase("One", task("a"), pauseAfter=True), phase("Two", task("b")))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    assert executor.ended(plan["id"])["status"] == "PAUSED"
    assert executor.progress(plan["id"])["cause"] == "phase"
    executor.ask(f"/api/plans/{plan['id']}/resume")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"


def test_after_a_cancel_nothing_begins_and_the_execution_ends(system: System, executor: Executor) -> None:
    plan = executor.plan(phase("One", *(task(f"t{n}") for n in range(6)), mode="parallel"), LAST, maxParallel=2)
    executor.ask(f"/api/plans/{plan['id']}/execute")
    executor.until_task(plan["id"], "t0", "RUNNING")
    assert executor.ask(f"/api/plans/{plan['id']}/cancel")["status"] == "CANCELLED"
    before = statuses(executor.tasks(plan["id"]))
    assert set(before.values()) <= {"CANCELLED", "COMPLETED"}
    assert before["last"] == "CANCELLED"
    assert executor.execution_ended(system[0], plan["id"]) in ("SUCCEEDED", "ABORTED")
    assert statuses(executor.tasks(plan["id"])) == before


def test_a_skipped_task_skips_or_releases_its_dependents(executor: Executor) -> None:
    tasks = (task("a"), task("b", "a"), task("c", "b"), task("d"), task("e", "d"))
    plan = executor.plan(phase("By hand", *tasks[:1], mode="manual"), phase("Two", *tasks[1:], mode="parallel"))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    executor.until_task(plan["id"], "a", "AWAITING_APPROVAL")
    ids = {key: task["id"] for key, task in executor.tasks(plan["id"]).items()}
    executor.ask(f"/api/plan-tasks/{ids['b']}/skip", {"dependents": "skip"})
    executor.ask(f"/api/plan-tasks/{ids['d']}/skip", {"dependents": "run"})
    executor.ask(f"/api/plan-tasks/{ids['a']}/approve")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    wanted = {"a": "COMPLETED", "b": "SKIPPED", "c": "SKIPPED", "d": "SKIPPED", "e": "COMPLETED"}
    assert statuses(executor.tasks(plan["id"])) == wanted


def test_a_person_completes_a_rejected_task_with_a_commit(executor: Executor) -> None:
    plan = executor.plan(phase("By hand", task("a"), mode="manual"), phase("Two", task("b", "a")))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    executor.until_task(plan["id"], "a", "AWAITING_APPROVAL")
    id_ = executor.tasks(plan["id"])["a"]["id"]
    assert executor.ask(f"/api/plan-tasks/{id_}/reject", {"reason": "Not so"})["planStatus"] == "PAUSED"
    assert executor.refused(f"/api/plans/{plan['id']}/resume") == "TASK_FAILED"
    with Repo(executor.path) as repo:
        sha = repo.refs[Ref(b"refs/heads/main")]
        repo.refs[Ref(f"refs/heads/groundwork/{plan['id']}".encode())] = sha
    executor.ask(f"/api/plan-tasks/{id_}/complete", {"commitSha": sha.decode()[:12], "note": "Did it"})
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    assert executor.tasks(plan["id"])["a"]["commitSha"] == sha.decode()


@pytest.mark.slow(reason="a phase of 46 tasks")
def test_a_phase_larger_than_an_inline_map_follows_its_graph(executor: Executor) -> None:
    # most of them are not needed, as it turns out: they come to their gates all the same
    never = {"taskId": "first", "outcome": "SKIPPED"}
    wide = [task(f"a{n}", **({} if n < 3 else {"condition": never})) for n in range(45)]
    last = task("z", *(f"a{n}" for n in range(45)))
    # The last task's dependency comes after it in the list.
    plan = executor.plan(phase("One", task("first")), phase("Wide", last, *wide, mode="parallel"), maxParallel=3)
    executor.ask(f"/api/plans/{plan['id']}/execute")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    done = [key for key, status in statuses(executor.tasks(plan["id"])).items() if status == "COMPLETED"]
    assert sorted(done) == ["a0", "a1", "a2", "first", "z"]


def test_a_stopped_execution_leaves_a_failed_resumable_plan(system: System, executor: Executor) -> None:
    # Enough work for the execution to be active when it is stopped.
    plan = executor.plan(phase("One", *(task(key) for key in "abcdef")), LAST)
    executor.ask(f"/api/plans/{plan['id']}/execute")
    executor.until_task(plan["id"], "a", "RUNNING")
    executor.stop_execution(system[0], plan["id"])
    failed = executor.until(plan["id"], lambda plan: plan["status"] == "FAILED")
    assert "ended" in failed["error"]
    assert "RUNNING" not in statuses(executor.tasks(plan["id"])).values()
    executor.ask(f"/api/plans/{plan['id']}/resume")
    executor.approve_last(plan["id"])
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    assert executor.progress(plan["id"])["execution"] == 2


def test_a_killed_worker_is_replaced(system: System, executor: Executor) -> None:
    plan = executor.plan(phase("One", task("a"), task("b", "a")))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    executor.until_task(plan["id"], "a", "RUNNING")
    system[0].kill_sandboxes("PlanExecutorFunction")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"


@pytest.mark.slow(reason="a schedule's minute has to come")
def test_a_plan_starts_at_each_time_of_its_schedule(executor: Executor) -> None:
    plan = executor.plan(phase("One", task("a")))
    for round_ in (1, 2):
        assert executor.scheduled_soon(plan["id"])["schedule"]["expression"].startswith("at(")
        executor.until_execution(plan["id"], round_)
        assert executor.ended(plan["id"])["status"] == "COMPLETED"
    executor.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "* * * * ? *"})
    executor.until_execution(plan["id"], 3)
    # before the next minute begins it once more
    executor.client.ok(executor.http.delete(f"/api/plans/{plan['id']}/schedule"))
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    answer = executor.ask(f"/api/plans/{plan['id']}/schedule", {"cron": "0 9 ? * MON *", "timezone": "Europe/Vienna"})
    assert answer["schedule"]["timezone"] == "Europe/Vienna"
    removed = executor.client.ok(executor.http.delete(f"/api/plans/{plan['id']}/schedule"))
    assert removed["schedule"] is None
    never = executor.http.post(f"/api/plans/{plan['id']}/schedule", json={"cron": "0 25 ? * MON *"})
    assert (never.status_code, never.json()["error"]["details"][0]["field"]) == (422, "cron")


def test_commits_of_tasks_are_rolled_back_on_request(executor: Executor) -> None:
    plan = executor.plan(phase("One", task("a", files=["src/a.py"]), task("b", "a", files=["src/b.py"]), task("c")))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    tasks = executor.tasks(plan["id"])
    body = {"taskId": tasks["a"]["id"]}
    assert executor.refused(f"/api/plans/{plan['id']}/rollback", body) == "HAS_DEPENDENTS"
    executor.ask(f"/api/plans/{plan['id']}/rollback", body | {"dependents": "include"})
    executor.until(plan["id"], lambda plan: executor.progress(plan["id"])["rollback"]["status"] != "RUNNING")
    assert executor.progress(plan["id"])["rollback"]["error"] is None
    assert statuses(executor.tasks(plan["id"])) == {"a": "SKIPPED", "b": "SKIPPED", "c": "COMPLETED"}
    with Repo(executor.path) as repo:
        branch = repo.refs[Ref(f"refs/heads/groundwork/{plan['id']}".encode())]
        entries = repo.get_walker(include=[branch], max_entries=2)
        messages = [entry.commit.message.decode() for entry in entries]
    taken = [tasks["a"]["commitSha"], tasks["b"]["commitSha"]]
    assert [sha in message for sha, message in zip(taken, messages, strict=True)] == [True, True]


def test_a_commit_that_is_not_on_the_plans_branch_is_refused(executor: Executor) -> None:
    plan = executor.plan(phase("By hand", task("a"), mode="manual"))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    executor.until_task(plan["id"], "a", "AWAITING_APPROVAL")
    id_ = executor.tasks(plan["id"])["a"]["id"]
    answer = executor.http.post(f"/api/plan-tasks/{id_}/complete", json={"commitSha": "deadbeef1234"})
    assert answer.status_code == 422
    problem = answer.json()["error"]["details"][0]
    assert (problem["field"], "not a commit of the branch" in problem["message"]) == ("commitSha", True)
    assert executor.tasks(plan["id"])["a"]["status"] == "AWAITING_APPROVAL"
    executor.ask(f"/api/plans/{plan['id']}/cancel")


def test_every_task_is_a_commit_on_the_plans_branch(executor: Executor) -> None:
    first = phase("One", *(task(f"t{n}", files=[f"src/part_{n}.py"]) for n in range(4)), mode="parallel")
    plan = executor.plan(first, phase("Two", task("last", "t0", "t1", "t2", "t3", files=["README.md"])))
    executor.ask(f"/api/plans/{plan['id']}/execute")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    tasks = executor.tasks(plan["id"])
    with Repo(executor.path) as repo:
        branch = repo.refs[Ref(f"refs/heads/groundwork/{plan['id']}".encode())]
        commits = [entry.commit for entry in repo.get_walker(include=[branch])]
    made = [commit for commit in commits if b"Task-Id: " in commit.message]
    assert {commit.id.decode() for commit in made} == {task["commitSha"] for task in tasks.values()}
    assert len(made) == len(tasks)
    assert made[0].id.decode() == tasks["last"]["commitSha"]
    progress = executor.progress(plan["id"])
    assert progress["tokens"]["output"] > 0
    assert all(one["filesChanged"] and one["turns"] for one in progress["tasks"])


def test_a_plan_that_makes_no_commits_keeps_its_changes_as_patches(executor: Executor) -> None:
    plan = executor.plan(phase("One", task("a", files=["src/new_part.py"])), autoCommit=False)
    executor.ask(f"/api/plans/{plan['id']}/execute")
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
    done = executor.tasks(plan["id"])["a"]
    assert done["commitSha"] is None
    kept = executor.client.ok(executor.http.get(f"/api/plan-tasks/{done['id']}/patch"))
    assert kept["patch"].startswith("diff --git")
    with Repo(executor.path) as repo:
        assert Ref(f"refs/heads/groundwork/{plan['id']}".encode()) not in repo.refs.allkeys()


def test_a_failed_task_is_edited_and_retried(executor: Executor) -> None:
    client, http = executor.client, executor.http
    wrong = {"name": "Downloads", "url": executor.path, "defaultBranch": "nowhere"}
    repository = client.ok(http.post("/api/repositories", json=wrong), 201)["id"]
    plan = executor.plan(phase("One", task("a"), task("b", "a")), repositoryId=repository)
    executor.ask(f"/api/plans/{plan['id']}/execute")
    assert executor.ended(plan["id"])["status"] == "PAUSED"
    failed = executor.tasks(plan["id"])["a"]
    assert (failed["status"], failed["attempts"]) == ("FAILED", 1)
    assert "nowhere" in failed["errorMsg"]
    client.ok(http.patch(f"/api/repositories/{repository}", json={"defaultBranch": "main"}))
    client.ok(http.patch(f"/api/plan-tasks/{failed['id']}", json={"title": "Do it another way"}))
    assert executor.ask(f"/api/plan-tasks/{failed['id']}/retry")["planStatus"] == "RUNNING"
    assert executor.ended(plan["id"])["status"] == "COMPLETED"
