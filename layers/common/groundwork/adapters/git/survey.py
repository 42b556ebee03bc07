"""Read a repository for a survey: one branch, shallow, in memory, bounded in size and time."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from groundwork.adapters.git.receive import receive_pack
from groundwork.adapters.git.transport import (
    Budget,
    NoLogin,
    Unusable,
    check_id,
    connect,
    local_path,
    log_fault,
    login_for,
    reason_of,
)
from groundwork.plans.repo_survey import RepositoryUnavailable, Survey, readme_of, readme_text
from groundwork.plans.repositories import DEFAULT_BRANCH, Repository

MAX_BYTES = 60 * 1024 * 1024
"""All responses of a server together, held in memory.

Without contents some 500,000 paths fit.
"""

MAX_INFLATED_BYTES = 150 * 1024 * 1024
"""One unpacked response; the worker has 1,024 MB."""

MAX_SECONDS = 120.0
MAX_PATHS_READ = 200_000
MAX_DEPTH = 100
MAX_README_BYTES = 1_000_000


def surveyor(
    secret: Callable[[str], str], local: bool, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS
) -> Callable[[Repository], Survey]:
    """Return the surveyor. `secret` returns the text of a secret; `local` allows paths."""

    def survey(repository: Repository) -> Survey:
        budget = Budget(max_bytes, max_seconds)
        try:
            return _survey(repository, secret, local, budget)
        except RepositoryUnavailable:
            raise
        except NoLogin as why:
            raise RepositoryUnavailable(str(why)) from None
        except Unusable as why:
            raise RepositoryUnavailable(f"The repository {repository.name!r} could not be read: {why}.") from None
        except Exception as fault:  # noqa: BLE001  # dulwich and what is below it raise dozens of kinds without a family
            # without its message: it may hold the URL as sent
            log_fault(fault)
            reason = f"The repository {repository.name!r} could not be read: {reason_of(fault)}."
            raise RepositoryUnavailable(reason) from None

    return survey


def _survey(repository: Repository, secret: Callable[[str], str], local: bool, budget: Budget) -> Survey:
    path = local_path(repository.url)
    if path is None:
        with connect(repository, login_for(repository, secret), budget) as client:
            own = lambda: client.get_refs(urlsplit(repository.url).path, ref_prefix=[b"HEAD"]).symrefs  # noqa: E731
            store, refs, blob = _fetch_head(client, repository)
            if renamed := _own_default(repository, refs, own):
                repository = renamed
                store, refs, blob = _fetch_head(client, repository)
            branch, commit = _branch(repository, refs)
            return _make_survey(store, branch, commit, blob, budget)
    if not local:
        raise RepositoryUnavailable("Only a local system may read a path.")
    from dulwich.repo import Repo

    with Repo(str(path)) as repo:
        refs = dict(repo.get_refs())
        repository = _own_default(repository, refs, repo.refs.get_symrefs) or repository
        branch, commit = _branch(repository, refs)
        store = repo.object_store
        return _make_survey(store, branch, commit, lambda sha: bytes(store[sha].as_raw_string()), budget)


def _own_default(
    repository: Repository, refs: dict[Any, Any], symrefs: Callable[[], dict[Any, Any]]
) -> Repository | None:
    """Return the repository with the server's own default branch, if the assumed one is missing."""
    if repository.default_branch != DEFAULT_BRANCH or f"refs/heads/{DEFAULT_BRANCH}".encode() in refs:
        return None
    head = bytes(symrefs().get(b"HEAD") or b"").removeprefix(b"refs/heads/").decode(errors="replace")
    return repository.model_copy(update={"default_branch": head}) if head else None


def _branch(repository: Repository, refs: dict[Any, Any]) -> tuple[str, bytes]:
    name = f"refs/heads/{repository.default_branch}".encode()
    if commit := refs.get(name):
        return repository.default_branch, check_id(commit)
    raise RepositoryUnavailable(
        f"The repository {repository.name!r} has no branch {repository.default_branch!r}, or the branch is empty."
    )


def _fetch_head(client: Any, repository: Repository) -> tuple[Any, dict[Any, Any], Callable[[Any], bytes]]:
    """Fetch the head's trees and refs; return them with a function to read one file.

    Contents are omitted if the server can filter.
    """
    from dulwich.object_store import MemoryObjectStore

    path, store = urlsplit(repository.url).path, MemoryObjectStore()
    reference = f"refs/heads/{repository.default_branch}".encode()
    refs = _fetch(client, path, store, reference, None)

    def blob(sha: Any) -> bytes:
        if sha not in store:
            _fetch(client, path, store, reference, sha)
        return bytes(store[sha].as_raw_string())

    return store, refs, blob


def _fetch(client: Any, path: str, store: Any, branch: bytes, sha: Any) -> Any:
    """Fetch the head without contents, or one content by its id; return the refs."""
    from dulwich.object_store import ObjectStoreGraphWalker

    def wants(refs: dict[Any, Any], *_: Any, **__: Any) -> list[Any]:
        return [sha] if sha else [check_id(refs[branch])] if branch in refs else []

    nothing = ObjectStoreGraphWalker([], lambda _: [])
    # request only this ref: a server may have hundreds of thousands
    # no filter for one content: the server could omit this very content
    bounds: dict[str, Any] = {"depth": 1, "ref_prefix": [branch], "filter_spec": None if sha else b"blob:none"}
    with receive_pack(store, MAX_INFLATED_BYTES) as write:
        return client.fetch_pack(path, wants, nothing, write, **bounds).refs


def _make_survey(store: Any, branch: str, commit: bytes, blob: Callable[[Any], bytes], budget: Budget) -> Survey:
    files: dict[str, Any] = {}
    for path, sha in _files(store, store[store[commit].tree], budget):
        files[path] = sha
        if len(files) >= MAX_PATHS_READ:
            break
    name = readme_of(files)
    text = readme_text(blob(files[name])[:MAX_README_BYTES]) if name else ""
    return Survey(branch, commit.decode(), tuple(files), text, name)


def _files(store: Any, root: Any, budget: Budget) -> Iterator[tuple[str, Any]]:
    """Yield paths and content ids. Not recursive: an untrusted repository may nest deeply."""
    from stat import S_ISDIR, S_ISREG

    pending = [("", 0, root)]
    while pending:
        prefix, depth, tree = pending.pop()
        budget.take(0)
        for entry in tree.iteritems():
            path = prefix + entry.path.decode("utf-8", errors="replace")
            if S_ISREG(entry.mode):
                yield path, entry.sha
            elif S_ISDIR(entry.mode) and depth < MAX_DEPTH:
                pending.append((path + "/", depth + 1, store[entry.sha]))
