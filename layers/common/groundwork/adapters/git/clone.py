"""A shallow bare clone in a folder of its own, to fetch and push.

No URL, remote or credential is written into it, and nothing in it is ever run.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundwork.adapters.git.receive import receive_pack
from groundwork.adapters.git.transport import (
    Budget,
    Login,
    Unusable,
    check_id,
    connect,
    local_path,
    log_fault,
    reason_of,
)
from groundwork.agent.repository import CommitGone, RepositoryRefused, RepositoryUnreachable
from groundwork.plans.repositories import Repository
from groundwork.text import one_line, shorten

MAX_FILE_MB = 50
_SIZE_FILTER = f"blob:limit={MAX_FILE_MB}m".encode()
"""Filter for servers: omit large contents.

No session reads them, and a commit keeps them unseen.
"""

_PERMANENT_REFUSALS = (
    "hook declined",
    "protected",
    "denied",
    "prohibited",
    "not allowed",
    "unauthorized",
    "checked out",
    "shallow",
)
"""Words in permanent refusals of servers.

After any other refusal the branch shows the reason: it has moved, or the server keeps refusing.
"""

MAX_COMMITS_WITH_FILES = 100
"""Commits read from a server unable to omit their files."""


MAX_MESSAGES_BYTES = 100 * 1024 * 1024


class HeadMoved(Exception):
    """The branch is not at the expected commit; `str` is the server's message, if any."""


class AnswerLost(Exception):
    """The outcome of a push is unknown."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of the work on one repository.

    The defaults fit into a Lambda function's time and disk.
    """

    fetch_bytes: int = 300 * 1024 * 1024
    seconds: float = 240.0
    files: int = 50_000
    checkout_bytes: int = 600 * 1024 * 1024
    unpacked: tuple[int, int] = (1_000 * 1024 * 1024, 2 * MAX_FILE_MB * 1024 * 1024)
    """Bytes of one unpacked response, and of its largest object: each object is in memory once."""


class _NoFilter(Exception):
    """The server cannot filter objects."""


class _BranchRequest:
    """Requests one branch's head and records its id: the branch may move during the fetch."""

    def __init__(self, branch: str) -> None:
        self._reference = _reference(branch)
        self.commit: bytes | None = None

    def __call__(self, refs: Any, *_: Any, **__: Any) -> list[bytes]:
        found = refs.get(self._reference)
        self.commit = check_id(found) if found else None
        return [self.commit] if self.commit else []

    def fetch_messages(self, client: Any, path: str, store: Any, limit: int) -> None:
        """Fetch up to `limit` commits without files; fewer if the server cannot omit files."""
        from dulwich.object_store import ObjectStoreGraphWalker

        def no_filter() -> None:
            raise _NoFilter

        # dulwich only warns, and the server would then send all files
        client._warn_filter_objects = no_filter
        nothing = ObjectStoreGraphWalker([], lambda sha: [])
        try:
            with receive_pack(store, MAX_MESSAGES_BYTES) as write:
                bounds: dict[str, Any] = {"depth": limit, "ref_prefix": [self._reference]}
                # tree:0 leaves out trees too: the search reads messages alone
                client.fetch_pack(path, self, nothing, write, **bounds, filter_spec=b"tree:0")
        except _NoFilter:
            with receive_pack(store, MAX_MESSAGES_BYTES) as write:
                client.fetch_pack(path, self, nothing, write, depth=min(limit, MAX_COMMITS_WITH_FILES))

    def copy_messages(self, client: Any, path: str, store: Any, limit: int) -> None:
        """Copy up to `limit` commits from a repository on this machine."""
        with client._open_repo(path) as repo:
            pending = self(repo.get_refs())
            while pending and limit:
                commit = repo.object_store[pending.pop(0)]
                store.add_object(commit)
                pending += [sha for sha in commit.parents if sha in repo.object_store and sha not in store]
                limit -= 1


class Clone:
    """A clone, used by one worker at a time.

    Methods raise RepositoryUnreachable, RepositoryRefused.
    """

    def __init__(self, repository: Repository, login: Login, folder: Path, bounds: Bounds, local: bool) -> None:
        from dulwich.repo import Repo

        self.repository, self.bounds, self._login = repository, bounds, login
        self._filters, self._local = True, local_path(repository.url)
        if self._local and not local:
            raise RepositoryRefused("Only a local system may use a path.")
        folder.mkdir(parents=True, exist_ok=True)
        self._repo: Any = Repo.init_bare(str(folder))
        self.store: Any = self._repo.object_store

    def close(self) -> None:
        self._repo.close()

    @property
    def can_omit_files(self) -> bool:
        """True if commits can be fetched without files, as far as known of the server."""
        return self._filters and not self._local

    def fetch(self, branch: str, have: Sequence[Any] = (), depth: int | None = None) -> bytes | None:
        """Fetch the branch's head with its files; None if there is no such branch.

        `have` limits the fetch to newer commits, `depth` to a number of commits.
        """
        request = _BranchRequest(branch)
        self._fetch(request, have, depth, [_reference(branch)])
        return request.commit

    def default_branch(self) -> str | None:
        """Return the branch of the server's HEAD, if it says."""
        with self._client() as (client, path):
            target = client.get_refs(path, ref_prefix=[b"HEAD"]).symrefs.get(b"HEAD") or b""
        return target.removeprefix(b"refs/heads/").decode(errors="replace") or None

    def is_empty(self) -> bool:
        """True if the server has no branch and no tag."""
        with self._client() as (client, path):
            return not any(name.startswith(b"refs/") and sha for name, sha in client.get_refs(path).refs.items())

    def fetch_commit(self, commit: bytes, depth: int = 1) -> None:
        """Fetch a commit by its id.

        Raises CommitGone if the server lacks it or does not serve ids.
        """
        for attempt in range(2):
            if self._has(commit, depth):
                return
            try:
                self._fetch(lambda refs, *_, **__: [commit], (), depth, [])
            except RepositoryUnreachable:
                # servers refuse an id by hanging up: an empty request tells a refusal from a fault
                self._fetch(lambda refs, *_, **__: [], (), None, [])
                if attempt:
                    raise CommitGone from None

    def _has(self, commit: bytes, depth: int) -> bool:
        if commit not in self.store:
            return False
        return depth == 1 or all(parent in self.store for parent in self.store[commit].parents)

    def messages(self, branch: str, limit: int) -> tuple[Any, bytes | None]:
        """Return the branch's last commits in a store of their own, without files, and its head."""
        from dulwich.object_store import MemoryObjectStore

        store, request = MemoryObjectStore(), _BranchRequest(branch)
        with self._client() as (client, path):
            if self._local:
                request.copy_messages(client, path, store, limit)
            else:
                request.fetch_messages(client, path, store, limit)
        return store, request.commit

    def _fetch(
        self, wants: Callable[..., list[bytes]], have: Sequence[Any], depth: int | None, refs: Sequence[bytes]
    ) -> None:
        from dulwich.object_store import ObjectStoreGraphWalker

        # request full history down to `have`: this also finds commits buried under others
        walker = ObjectStoreGraphWalker(list(have), self._parents, shallow=self._repo.get_shallow())

        def no_filter() -> None:
            self._filters = False

        with self._client() as (client, path), receive_pack(self.store, *self.bounds.unpacked) as write:
            client._warn_filter_objects = no_filter
            # a server may have hundreds of thousands of references
            bounds: dict[str, Any] = {"depth": depth, "ref_prefix": refs or None, "filter_spec": _SIZE_FILTER}
            response = client.fetch_pack(path, wants, walker, write, **bounds)
        self._repo.update_shallow(response.new_shallow, response.new_unshallow)

    def _parents(self, commit: Any) -> list[Any]:
        return [] if commit in self._repo.get_shallow() else list(self.store[commit].parents)

    def push(self, branch: str, expected: bytes | None, new: bytes, objects: Sequence[Any]) -> None:
        """Move the branch from `expected` (None: new) to `new`, sending `objects`.

        Raises HeadMoved, AnswerLost.
        """
        from dulwich.pack import pack_objects_to_data

        reference = _reference(branch)

        def update(refs: Any) -> dict[bytes, bytes]:
            # the server gets this as the old value, and refuses if it has changed by then
            if refs.get(reference) != expected:
                raise HeadMoved
            if expected is None:
                _check_name_free(reference, refs)
            return {reference: new}

        def pack(have: Any, want: Any, **_: Any) -> Any:
            return pack_objects_to_data([(object_, None) for object_ in objects])

        self._check_not_checked_out(reference)
        with self._client(pushing=True) as (client, path):
            response = client.send_pack(path, update, pack)
        _check_status((response.ref_status or {}).get(reference))

    def keep(self, objects: Sequence[Any]) -> None:
        """Add objects made here to the clone."""
        for one in objects:
            self.store.add_object(one)

    def _check_not_checked_out(self, reference: bytes) -> None:
        """Raise RepositoryRefused if the branch is checked out in a work tree, as git itself does."""
        if not self._local:
            return
        from dulwich.repo import Repo

        with _translate_errors(self.repository.name), Repo(str(self._local)) as repo:
            if not repo.bare and (b"HEAD", reference) in repo.refs.get_symrefs().items():
                raise RepositoryRefused(f"The branch {reference.decode()} is checked out in the local repository.")

    @contextmanager
    def _client(self, pushing: bool = False) -> Iterator[tuple[Any, str]]:
        with _translate_errors(self.repository.name, pushing), self._connection() as client:
            yield client, str(self._local or urlsplit(self.repository.url).path)

    def _connection(self) -> AbstractContextManager[Any]:
        if self._local:
            return _local_client()
        budget = Budget(self.bounds.fetch_bytes, self.bounds.seconds)
        return connect(self.repository, self._login, budget)


@contextmanager
def _local_client() -> Iterator[Any]:
    from dulwich.client import LocalGitClient

    yield LocalGitClient(quiet=True)


def _reference(branch: str) -> bytes:
    """Raises RepositoryRefused for an invalid branch name."""
    from dulwich.refs import Ref, check_ref_format

    name = Ref(f"refs/heads/{branch}".encode(errors="replace"))
    if not check_ref_format(name):
        raise RepositoryRefused(f"{shorten(one_line(branch), 100)!r} is not a valid branch name.")
    return name


def _check_name_free(reference: bytes, refs: Any) -> None:
    """Raise RepositoryRefused if another branch makes a new one of this name impossible."""
    # git stores references as files and folders: `a` and `a/b` exclude each other
    parts = reference.split(b"/")
    parents = {b"/".join(parts[:depth]) for depth in range(3, len(parts))}
    for other in refs:
        if other in parents or other.startswith(reference + b"/"):
            name, taken = (one.removeprefix(b"refs/heads/").decode(errors="replace") for one in (reference, other))
            raise RepositoryRefused(
                f"The branch {name!r} cannot be created beside the branch {taken!r}: rename that branch, or set "
                "another branch for the plan."
            )


def _check_status(message: str | None) -> None:
    """Raises RepositoryRefused, HeadMoved."""
    if message is None:
        return
    if any(word in message.lower() for word in _PERMANENT_REFUSALS):
        # one line of the server about the reference; of ours it holds only the branch's name
        raise RepositoryRefused(f"The server refused the push: {message[:200]}.")
    raise HeadMoved(message[:200])


@contextmanager
def _translate_errors(name: str, pushing: bool = False) -> Iterator[None]:
    """Convert all errors to this module's, without the message: it may hold the URL as sent."""
    try:
        yield
    except (HeadMoved, RepositoryRefused, RepositoryUnreachable):
        raise
    except Unusable as why:
        message = f"The repository {name!r} could not be {'written to' if pushing else 'read'}: {why}."
        if why.lasting:
            raise RepositoryRefused(message) from None
        raise (AnswerLost if pushing else RepositoryUnreachable)(message) from None
    except Exception as fault:  # noqa: BLE001  # dulwich and what is below it raise dozens of kinds without a family
        log_fault(fault)
        message = f"The repository {name!r} could not be {'written to' if pushing else 'read'}: {reason_of(fault)}."
        raise (AnswerLost if pushing else RepositoryUnreachable)(message) from None
