"""Reading a git repository without a git program: a shallow fetch of one branch into memory, bounded in size and time.

dulwich is imported where it is used: only the worker that surveys a repository pays for it.
"""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from groundwork.plans.repositories import Repository
from groundwork.plans.surveying import RepositoryUnavailable, Survey, layout, readme_of, readme_text

MOST_PACK_BYTES = 60 * 1024 * 1024
"""A pack without file contents of some 500,000 paths stays below this; it is held in memory once."""

MOST_PATHS_READ = 200_000
MOST_README_BYTES = 1_000_000
CONNECT_S, READ_S = 10.0, 30.0


class TooMuch(Exception):
    """The repository sends more than is taken."""


def surveyor(secret: Callable[[str], str], local: bool) -> Callable[[Repository], Survey]:
    """`secret` gives the text of a secret; a path is only read where the system is local."""

    def survey(repository: Repository) -> Survey:
        try:
            return _survey(repository, secret, local)
        except RepositoryUnavailable:
            raise
        except TooMuch as much:
            raise RepositoryUnavailable(str(much)) from None
        except Exception as fault:  # the driver and the network below it raise dozens of kinds
            # the kind alone: a message may hold the URL as it was sent, credentials included
            raise RepositoryUnavailable(
                f"The repository {repository.name!r} could not be read ({type(fault).__name__})."
            ) from None

    return survey


def _survey(repository: Repository, secret: Callable[[str], str], local: bool) -> Survey:
    path = local_path(repository.url)
    if path is not None:
        if not local:
            raise RepositoryUnavailable("A path is read on a local system only.")
        from dulwich.repo import Repo

        with Repo(str(path)) as repo:
            branch, commit = _branch(repository, dict(repo.get_refs()))
            return _surveyed(repo.object_store, branch, commit, lambda blob: repo.object_store[blob].as_raw_string())
    store, refs, fetch_blob = _fetched(repository, secret)
    branch, commit = _branch(repository, refs)
    return _surveyed(store, branch, commit, fetch_blob)


def local_path(url: str) -> Path | None:
    """The path a URL of a local repository stands for; None for any other."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(url) if not parts.scheme and url.startswith("/") else None


def credentials(text: str) -> tuple[str, str]:
    """User and password of a secret's text: {"username", "password"}, `user:token`, or a token alone."""
    text = text.strip()
    if text.startswith("{"):
        fields = json.loads(text)
        return str(fields.get("username") or "x-access-token"), str(fields.get("password") or fields["token"])
    user, colon, token = text.partition(":")
    return (user, token) if colon else ("x-access-token", text)


def _branch(repository: Repository, refs: dict[Any, Any]) -> tuple[str, bytes]:
    name = f"refs/heads/{repository.default_branch}".encode()
    if commit := refs.get(name):
        return repository.default_branch, bytes(commit)
    raise RepositoryUnavailable(f"The repository has no branch {repository.default_branch!r}.")


def _fetched(repository: Repository, secret: Callable[[str], str]) -> tuple[Any, dict[Any, Any], Callable[[Any], bytes]]:
    """The newest commit's trees, the refs, and how to get one file. Contents are left out where the server can."""
    from dulwich.client import HttpGitClient
    from dulwich.object_store import MemoryObjectStore
    from urllib3 import PoolManager, Retry, Timeout

    headers = {}
    if repository.credentials_secret:
        user, password = credentials(secret(repository.credentials_secret))
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    pool = PoolManager(
        headers=headers,
        timeout=Timeout(connect=CONNECT_S, read=READ_S),
        # a redirect could lead the credentials elsewhere
        retries=Retry(total=2, redirect=0, raise_on_status=False),
    )
    parts = urlsplit(repository.url)
    client = HttpGitClient(f"{parts.scheme}://{parts.netloc}", pool_manager=pool, thin_packs=False, quiet=True)
    store = MemoryObjectStore()
    wanted = f"refs/heads/{repository.default_branch}".encode()
    refs = _fetch(client, parts.path, store, lambda all_refs: [all_refs[wanted]] if wanted in all_refs else [], True)

    def blob(sha: Any) -> bytes:
        if sha not in store:
            _fetch(client, parts.path, store, lambda all_refs: [sha], False)
        return bytes(store[sha].as_raw_string())

    return store, refs, blob


def _fetch(client: Any, path: str, store: Any, wants: Callable[[dict[Any, Any]], list[Any]], trees: bool) -> Any:
    """Puts what is wanted into the store; the refs. Raises TooMuch."""
    from dulwich.object_store import ObjectStoreGraphWalker

    pack, commit, abort = store.add_pack()
    received = 0

    def take(data: bytes) -> int:
        nonlocal received
        received += len(data)
        if received > MOST_PACK_BYTES:
            raise TooMuch(f"The repository sends more than {MOST_PACK_BYTES // 2**20} MB for its layout.")
        return int(pack.write(data))

    nothing = ObjectStoreGraphWalker([], lambda sha: [])
    filter_spec = b"blob:none" if trees else None
    try:
        result = client.fetch_pack(
            path, lambda refs, *_, **__: wants(refs), nothing, take, depth=1, filter_spec=filter_spec
        )
    except BaseException:
        abort()
        raise
    commit()
    return result.refs


def _surveyed(store: Any, branch: str, commit: bytes, blob: Callable[[Any], bytes]) -> Survey:
    files: dict[str, Any] = {}
    for path, sha in _files(store, store[store[commit].tree], ""):
        files[path] = sha
        if len(files) >= MOST_PATHS_READ:
            break
    name = readme_of(files)
    text = readme_text(blob(files[name])[:MOST_README_BYTES]) if name else ""
    return Survey(branch, commit.decode(), len(files), layout(files), text, name)


def _files(store: Any, tree: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    from stat import S_ISDIR, S_ISREG

    for entry in tree.iteritems():
        path = prefix + entry.path.decode("utf-8", errors="replace")
        if S_ISDIR(entry.mode):
            yield from _files(store, store[entry.sha], path + "/")
        elif S_ISREG(entry.mode):
            yield path, entry.sha
