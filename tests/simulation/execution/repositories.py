"""Git servers of a simulation: the contract-tested fake behind faulty requests."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import dropwhile
from pathlib import Path
from random import Random
from typing import Any

from groundwork.agent.changes import Changes
from groundwork.agent.commit_message import REVERTS, TASK, trailers
from groundwork.agent.patches import Stack
from groundwork.agent.repository import Checkout, Landed, Prepared, always
from groundwork.plans.repositories import Repository
from tests.fakes.upstream import FakeCommit, FakeServer, FakeUpstream
from tests.simulation.cloud import ask

FILES = {"README.md": "# App\n", "src/shared.txt": "one\ntwo\nthree\n"}


@dataclass(slots=True)
class Repositories:
    """`on_commit` receives every commit as it lands: repository, branch, commit."""

    random: Random
    servers: dict[str, FakeServer] = field(default_factory=dict)
    on_commit: Callable[[str, str, FakeCommit], None] = lambda repository_id, branch, commit: None

    def add(self, repository_id: str) -> None:
        self.servers[repository_id] = FakeServer.of(FILES)

    @contextmanager
    def opened(self, repository: Repository, folder: Path) -> Iterator["SimulatedUpstream"]:
        yield SimulatedUpstream(self, repository.id)

    def here(self, repository_id: str, branch: str, until: str = "") -> list[FakeCommit]:
        """Commits on a branch without reverted ones, newest first, optionally as of head `until`."""
        reverted: set[str] = set()
        found = []
        history = self.servers[repository_id].history(branch)
        for commit in dropwhile(lambda one: until not in ("", one.sha), history):
            marks = trailers(commit.text)
            if REVERTS in marks:
                reverted.add(marks[REVERTS])
            elif commit.sha not in reverted:
                found.append(commit)
        return found

    def of_task(self, repository_id: str, branch: str, task_id: str, until: str = "") -> list[FakeCommit]:
        there = self.here(repository_id, branch, until)
        return [commit for commit in there if trailers(commit.text).get(TASK) == task_id]

    def somebody_pushes(self) -> None:
        """Push to a work branch, sometimes into a file of a task."""
        for repository_id, server in self.servers.items():
            for branch in [name for name in server.branches if name != "main"]:
                head = server.commits[server.branches[branch]]
                path = self.random.choice(["src/shared.txt", "others.txt", "others/more.txt"])
                content = f"{len(server.commits)} by somebody\n".encode()
                server.commit(branch, head.sha, {**head.tree, path: content}, "chore: by hand\n")
                self.on_commit(repository_id, branch, server.commits[server.branches[branch]])


@dataclass(frozen=True, slots=True)
class SimulatedUpstream:
    """The port `agent.repository.Upstream`: each call is one request; its response may be lost."""

    repositories: Repositories
    repository_id: str

    def head(self, branch: str, start_from: str | None, make: bool = True) -> str:
        return str(self._asked("head", lambda git: git.head(branch, start_from, make)))

    def checkout(self, commit: str, folder: Path) -> Checkout:
        return self._clone.checkout(commit, folder)

    def find(self, branch: str, task_id: str, since: int = 0) -> Landed | None:
        found: Landed | None = self._asked("find", lambda git: git.find(branch, task_id, since))
        return found

    def land(
        self, branch: str, base: str, changes: Changes, text: str, since: int = 0, going: Callable[[], bool] = always
    ) -> Landed:
        landed: Landed = self._asked("land", lambda git: git.land(branch, base, changes, text, since, going))
        return landed

    def prepare(self, branch: str, base: str, changes: Changes, text: str, since: int = 0) -> Prepared | Landed:
        arguments = (branch, base, changes, text, since)
        prepared: Prepared | Landed = self._asked("prepare", lambda git: git.prepare(*arguments))
        return prepared

    def push(self, prepared: Prepared) -> Landed:
        landed: Landed = self._asked("push", lambda git: git.push(prepared))
        return landed

    def revert(self, branch: str, commits: Sequence[str]) -> tuple[Landed, ...]:
        landed: tuple[Landed, ...] = self._asked("revert", lambda git: git.revert(branch, commits))
        return landed

    # fetched data is local, so these are no requests

    def apply_stack(self, base: str, stack: Stack) -> str:
        return self._clone.apply_stack(base, stack)

    def rebase(self, before: str, now: str, changes: Changes) -> Changes:
        return self._clone.rebase(before, now, changes)

    def on_branch(self, branch: str, commit: str) -> str | None:
        return self._clone.on_branch(branch, commit)

    def files_of(self, commit: str) -> tuple[str, ...]:
        return self._clone.files_of(commit)

    def tree_of(self, base: str, changes: Changes) -> str:
        return self._clone.tree_of(base, changes)

    def patch(self, base: str, changes: Changes) -> str:
        return self._clone.patch(base, changes)

    @property
    def _clone(self) -> FakeUpstream:
        return FakeUpstream(self.repositories.servers[self.repository_id])

    def _asked(self, what: str, act: Callable[[FakeUpstream], Any]) -> Any:
        return ask("git", (what, lambda: self._done(act)))

    def _done(self, act: Callable[[FakeUpstream], Any]) -> Any:
        server = self.repositories.servers[self.repository_id]
        known = {commit.sha for name in server.branches for commit in server.history(name)}
        answer = act(FakeUpstream(server))
        # a prepared commit is on no branch yet
        for branch in server.branches:
            for commit in reversed(server.history(branch)):
                if commit.sha not in known:
                    known.add(commit.sha)
                    self.repositories.on_commit(self.repository_id, branch, commit)
        return answer
