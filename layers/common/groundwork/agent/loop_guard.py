"""Detection of sessions in a loop, by fingerprints of their turns. Pure."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from groundwork.llm.conversation import Block

# models in a loop repeat one call, or alternate between two or three
MAX_LOOP_TURNS = 3
# four rounds of the longest loop: one more than MAX_REPETITIONS needs
MAX_FINGERPRINTS = 4 * MAX_LOOP_TURNS


def fingerprint(calls: Iterable[Block], results: Iterable[str]) -> str:
    """Hash of a turn's calls and results."""
    asked = [[call.get("name"), call.get("input")] for call in calls]
    # results are included: the same call with another result is not a repetition
    text = json.dumps([asked, list(results)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def repetitions(fingerprints: Sequence[str]) -> int:
    """Count how often the last one to three turns repeat at the end; at least 1."""
    return max((_repetitions_of(fingerprints, length) for length in range(1, MAX_LOOP_TURNS + 1)), default=1)


def _repetitions_of(fingerprints: Sequence[str], length: int) -> int:
    tail, count = list(fingerprints[-length:]), 0
    while len(tail) == length and list(fingerprints[len(fingerprints) - (count + 1) * length :][:length]) == tail:
        count += 1
        if (count + 1) * length > len(fingerprints):
            break
    return max(1, count)
