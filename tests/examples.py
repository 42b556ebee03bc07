"""Number of examples of a property: a third on every change, all before a change lands."""

import os


def examples(number: int) -> int:
    """Return `number`, or a third of it where EXAMPLES is "some", as in `make test`."""
    return number // 3 if os.environ.get("EXAMPLES") == "some" else number
