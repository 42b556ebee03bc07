"""Number of examples that Hypothesis tries: a third on every change, all of them before a change lands."""

import os


def examples(number: int) -> int:
    """Return the part of `number` for this tier. `make test` sets EXAMPLES to "some"; by default all are tried."""
    return number // 3 if os.environ.get("EXAMPLES") == "some" else number
