"""Connect to a git server: https with a token, within a budget, to no other server."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from groundwork.adapters.git.deadline import Deadline
from groundwork.errors import GroundworkError
from groundwork.plans.repositories import Repository

logger = logging.getLogger(__name__)

READ_S = 30.0
MAX_REDIRECTS = 2

type Login = tuple[str | None, str | None]

_REASONS = {
    "NotGitRepository": "there is no git repository at its path",
    "GitProtocolError": "its server does not follow the git protocol",
    "MaxRetryError": "its server cannot be reached",
    "ReadTimeoutError": "its server has stopped responding",
    "HangupException": "its server closed the connection",
}


class Unusable(GroundworkError):
    """The server's response is unusable or too large. `lasting`: another attempt cannot help."""

    def __init__(self, message: str, lasting: bool = True) -> None:
        super().__init__(message)
        self.lasting = lasting


class NoLogin(Unusable):
    """The repository's secret is unusable. The message is a whole sentence."""


def log_fault(fault: BaseException) -> None:
    """Log a fault reported in our own words: its types and places, never its message."""
    kinds, one = [type(fault).__name__], fault
    while (cause := one.__cause__ or one.__context__) and len(kinds) < 5:
        one = cause
        kinds.append(type(one).__name__)
    frames = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in extract_tb(fault.__traceback__)]
    logger.warning("A git server or its client failed: %s at %s", " from ".join(kinds), " < ".join(frames[::-1][:12]))


def reason_of(fault: BaseException) -> str:
    """Return the most specific known reason of a fault.

    Never its message: it may hold the URL as sent.
    """
    kinds = [type(fault).__name__]
    while fault.__cause__ and len(kinds) < 5:
        fault = fault.__cause__
        kinds.append(type(fault).__name__)
    return next((_REASONS[kind] for kind in reversed(kinds) if kind in _REASONS), kinds[0])


class Budget:
    """Limits on the bytes and the time of one piece of work."""

    def __init__(self, max_bytes: int, max_seconds: float) -> None:
        self._bytes, self._most_bytes, self._seconds = 0, max_bytes, max_seconds
        self._ends = time.monotonic() + max_seconds

    @property
    def left_s(self) -> float:
        return self._ends - time.monotonic()

    def take(self, size: int) -> None:
        """Raises Unusable."""
        self._bytes += size
        if self._bytes > self._most_bytes:
            raise Unusable(f"it sends more than {self._most_bytes // 2**20} MB")
        if self.left_s < 0:
            raise self.timeout_error()

    def timeout_error(self) -> Unusable:
        return Unusable(f"it takes longer than {self._seconds:.0f} seconds", lasting=False)


def check_id(commit: Any) -> bytes:
    """Raise Unusable for a SHA-256 id: the library reads such repositories incorrectly."""
    if len(commit) != 40:
        raise Unusable("it uses SHA-256, which is not supported")
    return bytes(commit)


def local_path(url: str) -> Path | None:
    """Return the path of a local repository's URL; None for any other."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(url) if not parts.scheme and url.startswith("/") else None


def parse_credentials(text: str) -> tuple[str, str]:
    """Parse a secret: {"username", "password"}, `user:token`, or a token. Raises ValueError."""
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


def login_for(repository: Repository, secret: Callable[[str], str]) -> Login:
    """Return user and password of the repository. Raises NoLogin; its message never holds them."""
    if not repository.credentials_secret:
        return None, None
    try:
        return parse_credentials(secret(repository.credentials_secret))
    except GroundworkError:
        problem, lasting = "cannot be read", False
    except ValueError:
        problem = "holds no credentials: use a token, user:token, or JSON with username and password"
        lasting = True
    named = f"The secret {repository.credentials_secret} of the repository {repository.name!r}"
    raise NoLogin(f"{named} {problem}.", lasting)


def _check_answer(response: Any) -> None:
    """Raises Unusable."""
    if response.status in (401, 403):
        raise Unusable("its server requires credentials, or rejects the ones given")
    if response.status == 404:
        raise Unusable("there is no git repository at its URL")
    if response.status != 200:
        temporary = response.status >= 500 or response.status in (408, 429)
        raise Unusable(f"its server responds with status {response.status}", lasting=not temporary)
    if not str(response.content_type).startswith("application/x-git-"):
        # on a plain file server the client would request one object after another without limit
        raise Unusable("its server does not speak the git protocol")


@contextmanager
def connect(repository: Repository, login: Login, budget: Budget) -> Iterator[Any]:
    """Yield a client bound to the budget and the server; close its connections at the end."""
    from dulwich.client import HttpGitClient
    from urllib3 import Retry

    user, password = login
    parts = urlsplit(repository.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    client: Any = HttpGitClient(origin, timeout=READ_S, quiet=True, username=user, password=password)
    # ignore the server's Retry-After: it may say an hour
    retries = Retry(total=2, redirect=False, raise_on_status=False, respect_retry_after_header=False)
    client.pool_manager.connection_pool_kw["retries"] = retries
    deadline = Deadline()
    client.pool_manager.pool_classes_by_scheme = deadline.pools()
    with ExitStack() as responses, deadline.within(budget.left_s):
        responses.callback(client.pool_manager.clear)
        client._http_request = _bounded(client._http_request, origin, budget, responses)
        try:
            yield client
        except Exception:
            if deadline.expired:
                raise budget.timeout_error() from None
            raise


def _bounded(request: Any, origin: str, budget: Budget, responses: ExitStack) -> Any:
    """Bound dulwich's request function; `responses` closes all responses."""

    def send(url: str, headers: Any, data: Any) -> Any:
        if not url.startswith(f"{origin}/"):
            raise Unusable("it redirects to another server")
        budget.take(0)
        # raising for a status, dulwich would leave the connection open
        response, read = request(url, headers, data, raise_for_status=False)
        responses.callback(response.close)
        return response, read

    def bounded(url: str, headers: Any = None, data: Any = None, raise_for_status: bool = True) -> Any:
        response, read = send(url, headers, data)
        for _ in range(MAX_REDIRECTS):
            location = response.get_redirect_location()
            # only the first request, a GET, may be redirected
            if data is not None or not location:
                break
            # check the target first: urllib3 would follow a redirect anywhere
            url = urljoin(url, location)
            response, read = send(url, headers, None)
            # dulwich sends its further requests there
            response.redirect_location = url
        _check_answer(response)

        def bounded_read(*size: int) -> bytes:
            piece = bytes(read(*size))
            budget.take(len(piece))
            return piece

        return response, bounded_read

    return bounded
