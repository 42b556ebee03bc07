"""Git's servers in a simulation: the fake that the contract suite holds to git, behind requests that can go wrong."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from groundwork.plans.repositories import Repository
from groundwork.sessions.changes import Changes
from groundwork.sessions.commits import REVERTS, TASK, trailers
from groundwork.sessions.upstream import Checkout, Landed, always
from tests.fakes.upstream import FakeCommit, FakeServer, FakeUpstream
from tests.simulation.cloud import ask

FILES = {"README.md": "# App\n", "src/shared.txt": "one\ntwo\nthree\n"}


@dataclass(slots=True)
class Repositories:
    """`on_commit` sees every commit as it lands: repository, branch, commit."""

    random: Random
    servers: dict[str, FakeServer] = field(default_factory=dict)
    on_commit: Callable[[str, str, FakeCommit], None] = lambda repository_id, branch, commit: None

    def add(self, repository_id: str) -> None:
        self.servers[repository_id] = FakeServer.of(FILES)

    @contextmanager
    def opened(self, repository: Repository, folder: Path) -> Iterator["SimulatedUpstream"]:
        yield SimulatedUpstream(self, repository.id)

    def here(self, repository_id: str, branch: str) -> list[FakeCommit]:
        """Commits on a branch that have not been taken back, newest first."""
        reverted: set[str] = set()
        found = []
        for commit in self.servers[repository_id].history(branch):
            marks = trailers(commit.text)
            if REVERTS in marks:
                reverted.add(marks[REVERTS])
            elif commit.sha not in reverted:
                found.append(commit)
        return found

    def of_task(self, repository_id: str, branch: str, task_id: str) -> list[FakeCommit]:
        return [commit for commit in self.here(repository_id, branch) if trailers(commit.text).get(TASK) == task_id]

    def somebody_pushes(self) -> None:
        """On a work branch: now and then where a task writes too."""
        for repository_id, server in self.servers.items():
            for branch in [name for name in server.branches if name != "main"]:
                head = server.commits[server.branches[branch]]
                path = self.random.choice(["src/shared.txt", "others.txt", "others/more.txt"])
                content = f"{len(server.commits)} by somebody\n".encode()
                server.commit(branch, head.sha, {**head.tree, path: content}, "chore: by hand\n")
                self.on_commit(repository_id, branch, server.commits[server.branches[branch]])


@dataclass(frozen=True, slots=True)
class SimulatedUpstream:
    """The port `groundwork.sessions.upstream.Upstream`: each call is one request, and its answer may be lost."""

    repositories: Repositories
    repository_id: str

    def head(self, branch: str, start_from: str, make: bool = True) -> str:
        return str(self._asked("head", lambda git: git.head(branch, start_from, make)))

    def checkout(self, commit: str, folder: Path) -> Checkout:
        # what was fetched is at hand
        return FakeUpstream(self.repositories.servers[self.repository_id]).checkout(commit, folder)

    def find(self, branch: str, task_id: str, since: int = 0) -> Landed | None:
        found: Landed | None = self._asked("find", lambda git: git.find(branch, task_id, since))
        return found

    def land(
        self, branch: str, base: str, changes: Changes, text: str, since: int = 0, going: Callable[[], bool] = always
    ) -> Landed:
        landed: Landed = self._asked("land", lambda git: git.land(branch, base, changes, text, since, going))
        return landed

    def revert(self, branch: str, commits: Sequence[str]) -> tuple[Landed, ...]:
        landed: tuple[Landed, ...] = self._asked("revert", lambda git: git.revert(branch, commits))
        return landed

    def files_of(self, commit: str) -> tuple[str, ...]:
        return FakeUpstream(self.repositories.servers[self.repository_id]).files_of(commit)

    def patch(self, base: str, changes: Changes) -> str:
        return FakeUpstream(self.repositories.servers[self.repository_id]).patch(base, changes)

    def _asked(self, what: str, act: Callable[[FakeUpstream], Any]) -> Any:
        return ask("git", (what, lambda: self._done(act)))

    def _done(self, act: Callable[[FakeUpstream], Any]) -> Any:
        server = self.repositories.servers[self.repository_id]
        known = set(server.commits)
        answer = act(FakeUpstream(server))
        for sha in [sha for sha in server.commits if sha not in known]:
            branch = next((name for name in server.branches if sha in _shas(server, name)), "")
            self.repositories.on_commit(self.repository_id, branch, server.commits[sha])
        return answer


def _shas(server: FakeServer, branch: str) -> set[str]:
    return {commit.sha for commit in server.history(branch)}
