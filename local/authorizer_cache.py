"""Answers of the HTTP API's authorizers, kept as long as the template's ReauthorizeEvery says, as API Gateway does."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from local.template import Template

type Identity = tuple[str, ...]
"""An authorizer's name, and the headers that say for whom a request asks."""

MAX_ANSWERS = 1_000
"""Requests with ever other tokens must not fill the memory."""


@dataclass(slots=True)
class _Answer:
    asking: threading.Lock = field(default_factory=threading.Lock)
    text: str = ""
    ends: float = float("-inf")


class AuthorizerCache:
    """One answer for an authorizer and the identity that a request shows, refusals among them."""

    def __init__(self, template: Template, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = dict(_lifetimes(template))
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[Identity, _Answer] = {}

    def kept(self, identity: Identity) -> str | None:
        """The kept answer, if there is one."""
        found = self._answers.get(identity)
        return found.text if found is not None and self._clock() < found.ends else None

    def answer(self, identity: Identity, ask: Callable[[], str]) -> str:
        """The kept answer, else what `ask` returns. What it raises is not kept."""
        seconds = self._seconds.get(identity[0], 0)
        if not seconds:
            return ask()
        kept = self._of(identity)
        # many requests with one token, right after the start, need one invocation
        with kept.asking:
            if self._clock() >= kept.ends:
                kept.text = ask()
                kept.ends = self._clock() + seconds
            return kept.text

    def _of(self, key: Identity) -> _Answer:
        with self._lock:
            if key not in self._answers and len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            return self._answers.setdefault(key, _Answer())


def _lifetimes(template: Template) -> Iterator[tuple[str, float]]:
    """Names and seconds; without ReauthorizeEvery an HTTP API asks every time."""
    for api in template.of_type("AWS::Serverless::HttpApi"):
        for name, rule in api.properties.get("Auth", {}).get("Authorizers", {}).items():
            yield name, float(rule.get("Identity", {}).get("ReauthorizeEvery", 0))
