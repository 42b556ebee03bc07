"""Find a task's commit by the trailers in its message."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from groundwork.adapters.git.clone import Clone
from groundwork.agent.commit_message import ATTEMPT, CHECKS, PLAN, REVERTS, TASK, Marks, trailers
from groundwork.agent.repository import Landed

MAX_COMMITS = 1_500
"""Commits searched: about three for each task of the largest plan."""


def find_on_branch(clone: Clone, branch: str, task_id: str, since: int = 0) -> Landed | None:
    """Search the branch's last commits; only messages are fetched if the server can omit files."""
    store, head = clone.messages(branch, MAX_COMMITS)
    return find_among(history(store, head), branch, task_id, since) if head else None


def on_branch(clone: Clone, branch: str, commit: str) -> str | None:
    """See `Upstream.on_branch`."""
    store, head = clone.messages(branch, MAX_COMMITS)
    ids = [one.id.decode() for one in history(store, head)] if head else []
    found = [id_ for id_ in ids if id_.startswith(commit.lower())]
    return found[0] if len(found) == 1 else None


def history(store: Any, head: bytes) -> Iterator[Any]:
    """Yield stored commits from the head back, newest first along each line."""
    pending, seen = deque([head]), {head}
    while pending and len(seen) <= MAX_COMMITS:
        sha = pending.popleft()
        if sha not in store:
            continue
        commit = store[sha]
        yield commit
        fresh = [parent for parent in commit.parents if parent not in seen]
        pending.extend(fresh)
        seen.update(fresh)


def find_among(commits: Iterator[Any], branch: str, task_id: str, since: int) -> Landed | None:
    """Return the task's newest commit of an attempt after `since`, unless reverted.

    Older attempts count for nothing: the branch may start from one with an earlier round of the plan merged into it.
    """
    reverted: set[str] = set()
    for commit in commits:
        text = commit.message.decode("utf-8", errors="replace")
        found = trailers(text)
        # newest first: a revert comes before the commit it undoes
        reverted.add(found.get(REVERTS, ""))
        sha = commit.id.decode()
        if found.get(TASK) == task_id and sha not in reverted:
            landing = parse_landing(sha, branch, text, found=True)
            if landing.marks.attempt > since:
                return landing
    return None


def parse_landing(sha: str, branch: str, text: str, found: bool = False) -> Landed:
    """Read the landing from a commit with our trailers."""
    found_trailers = trailers(text)
    attempt = found_trailers.get(ATTEMPT, "")
    known = Marks(found_trailers.get(PLAN, ""), found_trailers.get(TASK, ""), int(attempt) if attempt.isdigit() else 0)
    return Landed(sha, branch, known, text.split("\n", 1)[0], found, found_trailers.get(CHECKS, ""))
