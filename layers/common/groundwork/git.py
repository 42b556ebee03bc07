"""Reading a git repository without a git program: a shallow fetch of one branch into memory, bounded in size and time.

dulwich is imported where it is used: only the worker that surveys a repository pays for it.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from groundwork.errors import GroundworkError
from groundwork.packs import TooLargeInside, check_inflated
from groundwork.plans.repositories import Repository
from groundwork.plans.surveying import RepositoryUnavailable, Survey, readme_of, readme_text

MOST_BYTES = 60 * 1024 * 1024
"""Of all answers of a server together. Without contents some 500,000 paths stay below this; it is held in memory."""

MOST_INFLATED_BYTES = 150 * 1024 * 1024
"""Of all that one answer holds once it is unpacked; the worker has 1,024 MB."""

MOST_SECONDS = 120.0
READ_S = 30.0
MOST_PATHS_READ = 200_000
MOST_DEPTH = 100
MOST_REDIRECTS = 2
MOST_README_BYTES = 1_000_000

_SAID = {
    "NotGitRepository": "there is no git repository at its path",
    "GitProtocolError": "its server does not answer as git servers do",
    "MaxRetryError": "its server cannot be reached",
    "ReadTimeoutError": "its server has stopped answering",
    "HangupException": "its server has broken off",
}


class Unusable(GroundworkError):
    """The server's answer cannot be used, or is more than is waited for."""


def surveyor(
    secret: Callable[[str], str], local: bool, most_bytes: int = MOST_BYTES, most_seconds: float = MOST_SECONDS
) -> Callable[[Repository], Survey]:
    """`secret` gives the text of a secret; a path is only read where the system is local."""

    def survey(repository: Repository) -> Survey:
        budget = Budget(most_bytes, most_seconds)
        try:
            return _survey(repository, secret, local, budget)
        except RepositoryUnavailable:
            raise
        except Unusable as why:
            raise RepositoryUnavailable(f"The repository {repository.name!r} could not be read: {why}.") from None
        except Exception as fault:  # noqa: BLE001  # dulwich and what is below it raise dozens of kinds without a family
            # its message is left out: it may hold the URL as it was sent
            reason = f"The repository {repository.name!r} could not be read: {_reason(fault)}."
            raise RepositoryUnavailable(reason) from None

    return survey


def _reason(fault: BaseException) -> str:
    """The most telling kind of the fault and its causes."""
    kinds = [type(fault).__name__]
    while fault.__cause__ and len(kinds) < 5:
        fault = fault.__cause__
        kinds.append(type(fault).__name__)
    return next((_SAID[kind] for kind in reversed(kinds) if kind in _SAID), kinds[0])


class Budget:
    """What one survey may take of a server's answers and of time."""

    def __init__(self, most_bytes: int, most_seconds: float) -> None:
        self._bytes, self._most_bytes, self._seconds = 0, most_bytes, most_seconds
        self._ends = time.monotonic() + most_seconds

    def take(self, size: int) -> None:
        """Raises Unusable."""
        self._bytes += size
        if self._bytes > self._most_bytes:
            raise Unusable(f"it sends more than {self._most_bytes // 2**20} MB for its layout")
        if time.monotonic() > self._ends:
            raise Unusable(f"it takes longer than {self._seconds:.0f} seconds")


def _survey(repository: Repository, secret: Callable[[str], str], local: bool, budget: Budget) -> Survey:
    path = local_path(repository.url)
    if path is None:
        with _client(repository, secret, budget) as client:
            store, refs, blob = _fetched(client, repository)
            branch, commit = _branch(repository, refs)
            return _surveyed(store, branch, commit, blob, budget)
    if not local:
        raise RepositoryUnavailable("A path is read on a local system only.")
    from dulwich.repo import Repo

    with Repo(str(path)) as repo:
        branch, commit = _branch(repository, dict(repo.get_refs()))
        store = repo.object_store
        return _surveyed(store, branch, commit, lambda sha: bytes(store[sha].as_raw_string()), budget)


def local_path(url: str) -> Path | None:
    """The path a URL of a local repository stands for; None for any other."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(url) if not parts.scheme and url.startswith("/") else None


def credentials(text: str) -> tuple[str, str]:
    """User and password of a secret's text: {"username", "password"}, `user:token`, or a token alone.

    Raises ValueError.
    """
    text = text.strip()
    if text.startswith("{"):
        fields = json.loads(text)
        password = fields.get("password") or fields.get("token")
        if not password:
            raise ValueError("neither password nor token")
        return str(fields.get("username") or "x-access-token"), str(password)
    if not text:
        raise ValueError("empty")
    user, colon, token = text.partition(":")
    return (user, token) if colon else ("x-access-token", text)


def _login(repository: Repository, secret: Callable[[str], str]) -> tuple[str | None, str | None]:
    if not repository.credentials_secret:
        return None, None
    try:
        return credentials(secret(repository.credentials_secret))
    except GroundworkError:
        problem = "cannot be read"
    except ValueError:
        problem = "holds no credentials: it must be a token, user:token, or JSON with username and password"
    raise RepositoryUnavailable(f"The secret of the repository {repository.name!r} {problem}.")


def _branch(repository: Repository, refs: dict[Any, Any]) -> tuple[str, bytes]:
    name = f"refs/heads/{repository.default_branch}".encode()
    if commit := refs.get(name):
        return repository.default_branch, bytes(commit)
    raise RepositoryUnavailable(
        f"The repository {repository.name!r} has no branch {repository.default_branch!r}, or nothing in it."
    )


def _check_answer(response: Any) -> None:
    """Raises Unusable."""
    if response.status in (401, 403):
        raise Unusable("its server asks for credentials, or refuses those it was given")
    if response.status == 404:
        raise Unusable("there is no git repository at its URL")
    if response.status != 200:
        raise Unusable(f"its server answers {response.status}")
    if not str(response.content_type).startswith("application/x-git-"):
        # a plain file server would be asked for one object after the other, as often as it likes
        raise Unusable("its server does not speak the git protocol")


@contextmanager
def _client(repository: Repository, secret: Callable[[str], str], budget: Budget) -> Iterator[Any]:
    """A client that stays within the budget and with the server it was made for, and leaves no connection open."""
    from dulwich.client import HttpGitClient
    from urllib3 import Retry

    user, password = _login(repository, secret)
    parts = urlsplit(repository.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    client: Any = HttpGitClient(origin, timeout=READ_S, quiet=True, username=user, password=password)
    client.pool_manager.connection_pool_kw["retries"] = Retry(total=2, redirect=False, raise_on_status=False)
    with ExitStack() as responses:
        responses.callback(client.pool_manager.clear)
        client._http_request = _bounded(client._http_request, origin, budget, responses)
        yield client


def _bounded(request: Any, origin: str, budget: Budget, responses: ExitStack) -> Any:
    """dulwich's way to send a request, within bounds; `responses` closes what it has opened."""

    def answered(url: str, headers: Any, data: Any) -> Any:
        if not url.startswith(f"{origin}/"):
            raise Unusable("it refers to another server")
        budget.take(0)
        # what dulwich raises for a status leaves the connection open
        response, read = request(url, headers, data, raise_for_status=False)
        responses.callback(response.close)
        return response, read

    def bounded(url: str, headers: Any = None, data: Any = None, raise_for_status: bool = True) -> Any:
        response, read = answered(url, headers, data)
        for _ in range(MOST_REDIRECTS):
            location = response.get_redirect_location()
            if data is not None or not location:
                break
            # looked at before it is asked: urllib3 would follow it anywhere
            url = urljoin(url, location)
            response, read = answered(url, headers, None)
            response.redirect_location = url
        _check_answer(response)

        def bounded_read(*size: int) -> bytes:
            piece = bytes(read(*size))
            budget.take(len(piece))
            return piece

        return response, bounded_read

    return bounded


def _fetched(client: Any, repository: Repository) -> tuple[Any, dict[Any, Any], Callable[[Any], bytes]]:
    """The newest commit's trees, the refs, and how to get one file. Contents are left out where the server can."""
    from dulwich.object_store import MemoryObjectStore

    path, store = urlsplit(repository.url).path, MemoryObjectStore()
    wanted = f"refs/heads/{repository.default_branch}".encode()
    refs = _fetch(client, path, store, wanted, None)

    def blob(sha: Any) -> bytes:
        if sha not in store:
            _fetch(client, path, store, wanted, sha)
        return bytes(store[sha].as_raw_string())

    return store, refs, blob


def _fetch(client: Any, path: str, store: Any, branch: bytes, sha: Any) -> Any:
    """Puts the branch's newest commit without contents into the store, or one content by its id; gives back refs."""
    from dulwich.object_store import ObjectStoreGraphWalker

    def wants(refs: dict[Any, Any], *_: Any, **__: Any) -> list[Any]:
        return [sha] if sha else [refs[branch]] if branch in refs else []

    pack, commit, abort = store.add_pack()
    nothing = ObjectStoreGraphWalker([], lambda _: [])
    # a server may have hundreds of thousands of refs: only this one is asked for
    bounds: dict[str, Any] = {"depth": 1, "ref_prefix": [branch], "filter_spec": None if sha else b"blob:none"}
    try:
        result = client.fetch_pack(path, wants, nothing, pack.write, **bounds)
        if size := pack.tell():
            check_inflated(pack, MOST_INFLATED_BYTES)
            pack.seek(size)
    except TooLargeInside:
        abort()
        raise Unusable(f"what it sends is larger than {MOST_INFLATED_BYTES // 2**20} MB unpacked") from None
    except BaseException:
        abort()
        raise
    commit()
    return result.refs


def _surveyed(store: Any, branch: str, commit: bytes, blob: Callable[[Any], bytes], budget: Budget) -> Survey:
    files: dict[str, Any] = {}
    for path, sha in _files(store, store[store[commit].tree], budget):
        files[path] = sha
        if len(files) >= MOST_PATHS_READ:
            break
    name = readme_of(files)
    text = readme_text(blob(files[name])[:MOST_README_BYTES]) if name else ""
    return Survey(branch, commit.decode(), tuple(files), text, name)


def _files(store: Any, root: Any, budget: Budget) -> Iterator[tuple[str, Any]]:
    """Paths and contents' ids. Not recursive: how deep the folders go is for strangers to say."""
    from stat import S_ISDIR, S_ISREG

    todo = [("", 0, root)]
    while todo:
        prefix, depth, tree = todo.pop()
        budget.take(0)
        for entry in tree.iteritems():
            path = prefix + entry.path.decode("utf-8", errors="replace")
            if S_ISREG(entry.mode):
                yield path, entry.sha
            elif S_ISDIR(entry.mode) and depth < MOST_DEPTH:
                todo.append((path + "/", depth + 1, store[entry.sha]))
