"""Faults of calls to the model, and scripts to choose them.

A fault replaces the proper response. A script decides for each call: by number (`on_calls`), by chance with a seed
(`by_chance`), or by the material (`on_text`). `either` combines scripts.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """TRUNCATED, REFUSED, MALFORMED and OUT_OF_RANGE are billed responses; the others are free."""

    RATE_LIMITED = "rate limited"
    OVERLOADED = "overloaded"
    FAILED = "failed"
    DROPPED = "dropped"
    CUT = "cut"
    HANGING = "hanging"
    FILTERED = "filtered"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    MALFORMED = "malformed"
    OUT_OF_RANGE = "out of range"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `seconds`: retry-after of a 429, or length of a hang. `status`: HTTP status."""

    kind: Kind
    seconds: float = 0.0
    status: int = 500


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in: its number from 1, its body, and the text of its first message."""

    number: int
    body: Mapping[str, Any]
    text: str


type Script = Callable[[Call], Fault | None]


def rate_limited(retry_after: float = 0.05) -> Fault:
    """429 with retry-after and the rate limit headers of an exhausted minute."""
    return Fault(Kind.RATE_LIMITED, retry_after)


def overloaded() -> Fault:
    """529 without a retry-after."""
    return Fault(Kind.OVERLOADED)


def failed(status: int = 500) -> Fault:
    """An error of the provider, or with 400 to 404 one of the request."""
    return Fault(Kind.FAILED, status=status)


def dropped() -> Fault:
    """The connection is closed before a byte of an answer."""
    return Fault(Kind.DROPPED)


def cut() -> Fault:
    """The connection is closed in the middle of the answer."""
    return Fault(Kind.CUT)


def hanging(seconds: float) -> Fault:
    """No answer for so long, then a closed connection; it ends early when the server is closed."""
    return Fault(Kind.HANGING, seconds)


def filtered() -> Fault:
    """400, as the API's content filter answers."""
    return Fault(Kind.FILTERED)


def truncated() -> Fault:
    """stop_reason max_tokens with the first half of the answer."""
    return Fault(Kind.TRUNCATED)


def refused() -> Fault:
    """stop_reason refusal, with a category and no text."""
    return Fault(Kind.REFUSED)


def malformed() -> Fault:
    """stop_reason end_turn with invalid JSON."""
    return Fault(Kind.MALFORMED)


def out_of_range() -> Fault:
    """An answer of the right shape with every list empty: fewer than any question asks for."""
    return Fault(Kind.OUT_OF_RANGE)


def unreadable() -> Fault:
    """200 with a body other than an API message."""
    return Fault(Kind.UNREADABLE)


def never(call: Call) -> Fault | None:
    """No fault at all."""
    return None


def on_calls(faults: Mapping[int, Fault]) -> Script:
    """Faults by number of the call, from 1."""
    return lambda call: faults.get(call.number)


def on_text(faults: Mapping[str, Fault]) -> Script:
    """Faults by a word in the material: every call with it, repairs included."""
    return lambda call: next((fault for word, fault in faults.items() if word in call.text), None)


def by_chance(seed: int, faults: Mapping[Fault, float]) -> Script:
    """Faults by probability, seeded by call number: the same at any concurrency."""

    def script(call: Call) -> Fault | None:
        roll = random.Random(f"{seed}-{call.number}").random()
        for fault, probability in faults.items():
            if roll < probability:
                return fault
            roll -= probability
        return None

    return script


def either(*scripts: Script) -> Script:
    """The first fault of these scripts for a call."""
    return lambda call: next((fault for script in scripts if (fault := script(call))), None)
