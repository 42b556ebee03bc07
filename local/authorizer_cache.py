"""Cache of authorizer responses; the template's ReauthorizeEvery is the time to live."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from local.template import SamTemplate

type Identity = tuple[str, ...]
"""An authorizer's name, and the values of its identity headers."""

MAX_ENTRIES = 1_000
"""Bounds the memory used by requests with ever-changing tokens."""


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    text: str = ""
    expires: float = float("-inf")


class AuthorizerCache:
    """One response for each authorizer and identity; denials are cached too."""

    def __init__(self, template: SamTemplate, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = dict(_lifetimes(template))
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[Identity, _Entry] = {}

    def cached(self, identity: Identity) -> str | None:
        """Return the cached response, or None."""
        found = self._entries.get(identity)
        return found.text if found is not None and self._clock() < found.expires else None

    def get_or_ask(self, identity: Identity, ask: Callable[[], str]) -> str:
        """Return the cached response, or call `ask` and cache its result; exceptions are not cached."""
        seconds = self._seconds.get(identity[0], 0)
        if not seconds:
            return ask()
        cached = self._entry(identity)
        # Concurrent requests with one token share one invocation.
        with cached.lock:
            if self._clock() >= cached.expires:
                cached.text = ask()
                cached.expires = self._clock() + seconds
            return cached.text

    def _entry(self, key: Identity) -> _Entry:
        with self._lock:
            if key not in self._entries and len(self._entries) >= MAX_ENTRIES:
                # All at once: the next request of each token asks again, and no order has to be kept.
                self._entries.clear()
            return self._entries.setdefault(key, _Entry())


def _lifetimes(template: SamTemplate) -> Iterator[tuple[str, float]]:
    """Authorizer names and seconds; without ReauthorizeEvery an HTTP API does not cache."""
    for api in template.of_type("AWS::Serverless::HttpApi"):
        for name, rule in api.properties.get("Auth", {}).get("Authorizers", {}).items():
            yield name, float(rule.get("Identity", {}).get("ReauthorizeEvery", 0))
